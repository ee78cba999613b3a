// Tables of the allowed changes of a state. A table can be read, and tested for every pair of states.
//
// Thread-safe: values and functions without state.
//
// A kind of task declares `constexpr Transition<State> kTransitions[]` once, and every change of a state of this kind asks
// IsAllowed. A pair that the table does not list is refused. This includes a change from a state to itself.
#ifndef SEMBLANCE_SERVICE_TASKS_TRANSITIONS_H_
#define SEMBLANCE_SERVICE_TASKS_TRANSITIONS_H_

#include <cstddef>

namespace semblance::service {

template <typename State>
struct Transition {
  State from;
  State to;
};

template <typename State, size_t Count>
constexpr bool IsAllowed(const Transition<State> (&table)[Count], State from, State to) {
  for (const Transition<State>& allowed : table) {
    if (allowed.from == from && allowed.to == to) {
      return true;
    }
  }
  return false;
}

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_TASKS_TRANSITIONS_H_
