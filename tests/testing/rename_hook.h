// Tells a test of every rename of its thread, before and after: with that it can look at, or copy, what a crash at this moment
// would leave behind. Files are replaced by a rename, so that these are the moments at which what is on disk becomes something
// else.
//
// Thread-compatible: a hook is its thread's own. Linking semblance::testing_rename_hook puts it between the program's own code
// (not shared libraries) and the system's rename.
#ifndef SEMBLANCE_TESTS_TESTING_RENAME_HOOK_H_
#define SEMBLANCE_TESTS_TESTING_RENAME_HOOK_H_

#include <functional>
#include <string>

namespace semblance::testing {

class RenameHook {
 public:
  using Call = std::function<void(const std::string& from, const std::string& to)>;

  // Observes renames until its destruction. `after` is called only after a success. The hooks may rename files themselves,
  // which is not observed. REQUIRES: the thread has no other hook.
  RenameHook(Call before, Call after);
  ~RenameHook();
  RenameHook(const RenameHook&) = delete;
  RenameHook& operator=(const RenameHook&) = delete;

  // Performs the rename.
  int Rename(const char* from, const char* to);

 private:
  const Call before_;
  const Call after_;
};

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_TESTING_RENAME_HOOK_H_
