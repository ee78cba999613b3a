// Tells a test about every rename of its thread, before and after the rename. The test can then look at, or copy, the files that a
// crash at this moment would leave. Files are replaced by a rename, so the content on disk changes at these moments.
//
// Thread-compatible: each thread has its own hook. Linking semblance::testing_rename_hook puts the hook between the program's own
// code (not shared libraries) and the system's rename.
#ifndef SEMBLANCE_TESTS_TESTING_RENAME_HOOK_H_
#define SEMBLANCE_TESTS_TESTING_RENAME_HOOK_H_

#include <functional>
#include <string>

namespace semblance::testing {

class RenameHook {
 public:
  using Call = std::function<void(const std::string& from, const std::string& to)>;

  // Observes renames until its destruction. `after` is called only after a successful rename. The hooks may rename files
  // themselves; these renames are not observed. REQUIRES: the thread has no other hook.
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
