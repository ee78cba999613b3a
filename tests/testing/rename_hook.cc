#include "tests/testing/rename_hook.h"

#include <cerrno>
#include <utility>

// With --wrap=rename the linker uses these names.
extern "C" int __real_rename(const char* from, const char* to);  // NOLINT(bugprone-reserved-identifier)
extern "C" int __wrap_rename(const char* from, const char* to);  // NOLINT(bugprone-reserved-identifier)

namespace semblance::testing {
namespace {

thread_local RenameHook* current_hook = nullptr;

}  // namespace

RenameHook::RenameHook(Call before, Call after) : before_(std::move(before)), after_(std::move(after)) {
  current_hook = this;
}

RenameHook::~RenameHook() {
  current_hook = nullptr;
}

int RenameHook::Rename(const char* from, const char* to) {
  current_hook = nullptr;
  before_(from, to);
  const int result = __real_rename(from, to);
  const int error_number = errno;
  if (result == 0) {
    after_(from, to);
  }
  errno = error_number;
  current_hook = this;
  return result;
}

}  // namespace semblance::testing

extern "C" int __wrap_rename(const char* from, const char* to) {
  semblance::testing::RenameHook* const hook = semblance::testing::current_hook;
  return hook == nullptr ? __real_rename(from, to) : hook->Rename(from, to);
}
