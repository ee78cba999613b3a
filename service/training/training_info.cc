#include "service/training/training_info.h"

namespace semblance::service {

absl::string_view OnSuccessName(OnSuccess on_success) {
  switch (on_success) {
    case OnSuccess::kRegister:
      return "register";
    case OnSuccess::kBuild:
      return "build";
    case OnSuccess::kActivateIfBetter:
      return "activate_if_better";
    case OnSuccess::kNothing:
      break;
  }
  return "nothing";
}

OnSuccess OnSuccessOf(absl::string_view name) {
  for (const OnSuccess each : {OnSuccess::kRegister, OnSuccess::kBuild, OnSuccess::kActivateIfBetter}) {
    if (name == OnSuccessName(each)) {
      return each;
    }
  }
  return OnSuccess::kNothing;
}

}  // namespace semblance::service
