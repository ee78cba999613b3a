// Reads Python pickles as inert data: what would be a class or a call stays a name, and nothing is ever run or imported. Enough of
// protocols 2 to 4 for the files of torch.save. Private to the library: callers want pth.h.
//
// Thread-compatible: const methods may run concurrently.
//
// Errors: DataLoss for bytes that end early, an opcode out of this subset, or one that does not fit the stack.
#ifndef SEMBLANCE_EMBEDDER_BUNDLE_PICKLE_H_
#define SEMBLANCE_EMBEDDER_BUNDLE_PICKLE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace semblance::embedder {

struct PickleValue {
  enum class Kind {
    kNone,
    // Also bools: 0 and 1.
    kInteger,
    // Text and byte strings, and integers of more than 64 bits as their bytes.
    kText,
    // Lists and tuples.
    kSequence,
    // collections.OrderedDict too.
    kDict,
    // "module.name".
    kGlobal,
    // A call that was not made.
    kCall,
    // A reference to something outside of the pickle.
    kPersistentId,
    // What this subset does not look into: floats.
    kOther,
  };

  Kind kind = Kind::kNone;
  int64_t integer = 0;
  std::string text;
  // kSequence: the elements; kDict: key, value, key, value; kCall: what is called and its arguments; kPersistentId: the id. Owned
  // by the Pickle. May contain this value.
  std::vector<const PickleValue*> items;
};

struct Pickle {
  // All values, in the order in which they were made.
  std::vector<std::unique_ptr<PickleValue>> values;
  const PickleValue* root = nullptr;
  // Bytes of the pickle; others may follow it.
  size_t size = 0;
};

// Reads the pickle at the beginning of `bytes`.
absl::StatusOr<Pickle> ParsePickle(absl::string_view bytes);

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_BUNDLE_PICKLE_H_
