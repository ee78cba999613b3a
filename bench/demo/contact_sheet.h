// A picture of queries and their neighbors. Each row has the query first, and then its neighbors. A neighbor with the query's label
// has a green frame, and any other a red one.
#ifndef SEMBLANCE_BENCH_DEMO_CONTACT_SHEET_H_
#define SEMBLANCE_BENCH_DEMO_CONTACT_SHEET_H_

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace semblance::bench {

struct ContactCell {
  // The encoded image.
  std::string image;
  std::string caption;
  bool right = true;
};

struct ContactRow {
  ContactCell query;
  std::vector<ContactCell> neighbors;
};

// Writes a PNG to `path`. Errors: InvalidArgument when there are no rows or an image does not decode; Unavailable when the file
// cannot be written.
absl::Status WriteContactSheet(const std::string& path, const std::vector<ContactRow>& rows);

}  // namespace semblance::bench

#endif  // SEMBLANCE_BENCH_DEMO_CONTACT_SHEET_H_
