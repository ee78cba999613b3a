// A number with a name. Logs, event files and learning curves consist of them.
#ifndef SEMBLANCE_TRAINER_METRICS_NAMED_VALUE_H_
#define SEMBLANCE_TRAINER_METRICS_NAMED_VALUE_H_

#include <string>

namespace semblance::trainer {

struct NamedValue {
  // "group/name", such as "recall/at_1". The values of one group are drawn in one picture. A name without a group is a group of its
  // own.
  std::string name;
  double value = 0;

  bool operator==(const NamedValue&) const = default;
};

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_METRICS_NAMED_VALUE_H_
