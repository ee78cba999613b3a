// Reads Python pickles as inert data: classes and calls remain names, and nothing is ever run or imported. It supports the part of
// protocols 2 to 4 that torch.save uses. Private to the library; callers use pth.h.
//
// Thread-compatible: const methods may run concurrently.
//
// Errors: DataLoss for bytes that end early, an unsupported opcode, or an opcode that does not fit the stack.
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
    // Integers, and bools as 0 and 1.
    kInteger,
    // Text and byte strings. Integers of more than 64 bits are kept as their bytes.
    kText,
    // Lists and tuples.
    kSequence,
    // Dicts, and collections.OrderedDict.
    kDict,
    // A class or function, as "module.name".
    kGlobal,
    // A call that was not made.
    kCall,
    // A reference to something outside the pickle.
    kPersistentId,
    // Floats, whose value is not read.
    kOther,
  };

  Kind kind = Kind::kNone;
  int64_t integer = 0;
  std::string text;
  // kSequence: the elements; kDict: key, value, key, value; kCall: the callee and its arguments; kPersistentId: the id. The Pickle
  // owns them. A value may contain itself.
  std::vector<const PickleValue*> items;
};

struct Pickle {
  // Owns all values, in the order in which they were made.
  std::vector<std::unique_ptr<PickleValue>> values;
  const PickleValue* root = nullptr;
  // Number of bytes of the pickle. Other bytes may follow it.
  size_t size = 0;
};

// Reads the pickle at the beginning of `bytes`.
absl::StatusOr<Pickle> ParsePickle(absl::string_view bytes);

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_BUNDLE_PICKLE_H_
