#include "embedder/bundle/pth.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "embedder/bundle/pickle.h"
#include "embedder/bundle/zip_archive.h"

namespace semblance::embedder {
namespace {

using Kind = PickleValue::Kind;

constexpr absl::string_view kZipBegin = "PK\x03\x04";
// A pickle of the number 0x1950a86a20f9469cfc6c, which begins the older layout.
constexpr absl::string_view kLegacyBegin = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
constexpr char kPickleRecord[] = "data.pkl";

// The bytes of storages by key.
using Storages = std::map<std::string, absl::string_view>;

bool IsCallOf(const PickleValue& value, absl::string_view function) {
  return value.kind == Kind::kCall && value.items[0]->kind == Kind::kGlobal && value.items[0]->text == function;
}

// Returns the arguments of a call; nothing for any other value.
const std::vector<const PickleValue*>* ArgumentsOf(const PickleValue& value, absl::string_view function, size_t least) {
  if (!IsCallOf(value, function) || value.items[1]->items.size() < least) {
    return nullptr;
  }
  return &value.items[1]->items;
}

// A storage as a pickle refers to it: ("storage", type, key, location, number of elements, ...).
struct StorageId {
  // For example "torch.FloatStorage".
  std::string type;
  std::string key;
  int64_t count = 0;
};

std::optional<StorageId> ReadStorageId(const PickleValue& value) {
  if (value.kind != Kind::kPersistentId) {
    return std::nullopt;
  }
  const std::vector<const PickleValue*>& fields = value.items[0]->items;
  if (fields.size() < 5 || fields[0]->text != "storage" || fields[1]->kind != Kind::kGlobal || fields[4]->kind != Kind::kInteger ||
      fields[4]->integer < 0) {
    return std::nullopt;
  }
  return StorageId{fields[1]->text, fields[2]->text, fields[4]->integer};
}

// Returns the dtype of a HostTensor for a type of storage; empty for types that HostTensor does not have.
std::string DtypeOfStorage(absl::string_view type) {
  return type == "torch.FloatStorage" ? "F32" : type == "torch.LongStorage" ? "I64" : "";
}

// Returns the bytes of an element, for all types that a file of the older layout may hold; 0 for others.
size_t ElementSize(absl::string_view type) {
  static constexpr std::pair<absl::string_view, size_t> kSizes[] = {
      {"torch.FloatStorage", 4},    {"torch.LongStorage", 8}, {"torch.DoubleStorage", 8}, {"torch.HalfStorage", 2},
      {"torch.BFloat16Storage", 2}, {"torch.IntStorage", 4},  {"torch.ShortStorage", 2},  {"torch.CharStorage", 1},
      {"torch.ByteStorage", 1},     {"torch.BoolStorage", 1}};
  const auto* const found = std::find_if(std::begin(kSizes), std::end(kSizes), [type](const auto& s) { return s.first == type; });
  return found == std::end(kSizes) ? 0 : found->second;
}

std::optional<std::vector<int64_t>> ReadIntegers(const PickleValue& value) {
  std::vector<int64_t> integers;
  for (const PickleValue* const item : value.items) {
    if (item->kind != Kind::kInteger || item->integer < 0) {
      return std::nullopt;
    }
    integers.push_back(item->integer);
  }
  return value.kind == Kind::kSequence ? std::make_optional(std::move(integers)) : std::nullopt;
}

// The position of the elements of a tensor in its storage.
struct Layout {
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;
  int64_t offset = 0;

  // Returns the number of elements; nothing when some lie outside a storage of `count` elements, or when there are more than
  // `count`.
  std::optional<int64_t> ElementsWithin(int64_t count) const {
    int64_t elements = 1;
    int64_t last = offset;
    for (size_t i = 0; i < shape.size(); ++i) {
      int64_t reach = 0;
      if (__builtin_mul_overflow(elements, shape[i], &elements) || __builtin_mul_overflow(shape[i] - 1, strides[i], &reach) ||
          __builtin_add_overflow(last, reach, &last)) {
        return std::nullopt;
      }
    }
    // Nothing is read for an empty tensor. A tensor with more elements than its storage repeats them, and could grow without bound.
    return elements == 0 || (last < count && elements <= count) ? std::make_optional(elements) : std::nullopt;
  }
};

// Copies the elements in row-major order.
std::string Gather(const Layout& layout, int64_t elements, absl::string_view storage, size_t element_size) {
  std::string data;
  data.reserve(static_cast<size_t>(elements) * element_size);
  std::vector<int64_t> index(layout.shape.size(), 0);
  int64_t position = layout.offset;
  for (int64_t i = 0; i < elements; ++i) {
    data.append(storage.data() + static_cast<size_t>(position) * element_size, element_size);
    for (size_t axis = index.size(); axis > 0; --axis) {
      position += layout.strides[axis - 1];
      if (++index[axis - 1] < layout.shape[axis - 1]) {
        break;
      }
      position -= layout.strides[axis - 1] * layout.shape[axis - 1];
      index[axis - 1] = 0;
    }
  }
  return data;
}

absl::Status BadTensor(absl::string_view name, absl::string_view message) {
  return absl::DataLossError(absl::StrCat("tensor ", name, " ", message));
}

// Reads the arguments of torch._utils._rebuild_tensor_v2: storage, offset, shape, strides, ...
absl::StatusOr<HostTensor> ReadTensor(const std::string& name, const std::vector<const PickleValue*>& arguments,
                                      const Storages& storages) {
  const std::optional<StorageId> id = ReadStorageId(*arguments[0]);
  const std::optional<std::vector<int64_t>> shape = ReadIntegers(*arguments[2]);
  const std::optional<std::vector<int64_t>> strides = ReadIntegers(*arguments[3]);
  if (!id.has_value() || !shape.has_value() || !strides.has_value() || shape->size() != strides->size() ||
      arguments[1]->kind != Kind::kInteger || arguments[1]->integer < 0) {
    return BadTensor(name, "has no storage, shape and strides");
  }
  const std::string dtype = DtypeOfStorage(id->type);
  if (dtype.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("tensor ", name, " is of ", id->type, "; expected float32 or int64"));
  }
  const auto size = static_cast<size_t>(DtypeSize(dtype));
  const auto storage = storages.find(id->key);
  if (storage == storages.end() || storage->second.size() / size < static_cast<uint64_t>(id->count)) {
    return BadTensor(name, absl::StrCat("has no data, or too little: storage ", id->key, " of ", id->count, " elements"));
  }
  const Layout layout = {*shape, *strides, arguments[1]->integer};
  const std::optional<int64_t> elements = layout.ElementsWithin(id->count);
  if (!elements.has_value()) {
    return BadTensor(name, absl::StrCat("does not lie within its ", id->count, " elements"));
  }
  return HostTensor{dtype, *shape, Gather(layout, *elements, storage->second, size)};
}

// Returns the arguments of the call that makes a tensor or a parameter; null for a value that is not a tensor.
const std::vector<const PickleValue*>* TensorCall(const PickleValue& value) {
  const auto* const parameter = ArgumentsOf(value, "torch._utils._rebuild_parameter", 1);
  const PickleValue& call = parameter == nullptr ? value : *(*parameter)[0];
  const auto* const tensor = ArgumentsOf(call, "torch._utils._rebuild_tensor_v2", 4);
  return tensor != nullptr ? tensor : ArgumentsOf(call, "torch._utils._rebuild_tensor", 4);
}

// Returns the entry "state_dict" of `root`, or the root itself when there is none.
const PickleValue& StateDictOf(const PickleValue& root) {
  if (root.kind == Kind::kDict) {
    for (size_t i = 0; i < root.items.size(); i += 2) {
      if (root.items[i]->text == "state_dict" && root.items[i + 1]->kind == Kind::kDict) {
        return *root.items[i + 1];
      }
    }
  }
  return root;
}

absl::StatusOr<TensorMap> ReadTensors(const Pickle& pickle, const Storages& storages) {
  const PickleValue& dict = StateDictOf(*pickle.root);
  TensorMap tensors;
  for (size_t i = 0; dict.kind == Kind::kDict && i < dict.items.size(); i += 2) {
    const auto* const arguments = TensorCall(*dict.items[i + 1]);
    if (dict.items[i]->kind == Kind::kText && arguments != nullptr) {
      const std::string& name = dict.items[i]->text;
      SEMBLANCE_ASSIGN_OR_RETURN(tensors[name], ReadTensor(name, *arguments, storages));
    }
  }
  if (tensors.empty()) {
    return absl::InvalidArgumentError(
        "there is no dictionary of tensors; expected what torch.save(model.state_dict(), ...) writes");
  }
  return tensors;
}

absl::StatusOr<TensorMap> ParseZip(absl::string_view bytes) {
  SEMBLANCE_ASSIGN_OR_RETURN(const auto records, ReadStoredZip(bytes));
  const auto found = std::find_if(records.begin(), records.end(), [](const auto& record) {
    return record.first == kPickleRecord || absl::EndsWith(record.first, absl::StrCat("/", kPickleRecord));
  });
  if (found == records.end()) {
    return absl::InvalidArgumentError(absl::StrCat("the zip archive has no record ", kPickleRecord, ": not of torch.save"));
  }
  const std::string prefix = found->first.substr(0, found->first.size() - sizeof(kPickleRecord) + 1);
  const auto byte_order = records.find(absl::StrCat(prefix, "byteorder"));
  if (byte_order != records.end() && byte_order->second != "little") {
    return absl::InvalidArgumentError("it was written on a big-endian machine");
  }
  Storages storages;
  for (const auto& [name, data] : records) {
    if (absl::StartsWith(name, absl::StrCat(prefix, "data/"))) {
      storages.emplace(name.substr(prefix.size() + 5), data);
    }
  }
  SEMBLANCE_ASSIGN_OR_RETURN(const Pickle pickle, ParsePickle(found->second));
  return ReadTensors(pickle, storages);
}

// Returns the element sizes of all storages that the pickle mentions, by key.
std::map<std::string, size_t> ElementSizes(const Pickle& pickle) {
  std::map<std::string, size_t> sizes;
  for (const auto& value : pickle.values) {
    if (const std::optional<StorageId> id = ReadStorageId(*value)) {
      sizes[id->key] = ElementSize(id->type);
    }
  }
  return sizes;
}

// Reads the storages. For each key, in the order of the list, there are 8 bytes with the number of elements, then the elements.
absl::StatusOr<Storages> ReadLegacyStorages(const Pickle& keys, const std::map<std::string, size_t>& sizes,
                                            absl::string_view bytes) {
  Storages storages;
  for (const PickleValue* const key : keys.root->items) {
    const auto size = sizes.find(key->text);
    if (size == sizes.end() || size->second == 0) {
      return absl::DataLossError(absl::StrCat("storage ", key->text, " is of no known type"));
    }
    uint64_t count = 0;
    for (size_t i = 0; i < sizeof(count) && bytes.size() >= sizeof(count); ++i) {
      count |= uint64_t{static_cast<uint8_t>(bytes[i])} << (8 * i);
    }
    if (bytes.size() < sizeof(count) || (bytes.size() - sizeof(count)) / size->second < count) {
      return absl::DataLossError(absl::StrCat("storage ", key->text, " is cut short"));
    }
    bytes.remove_prefix(sizeof(count));
    storages[key->text] = bytes.substr(0, count * size->second);
    bytes.remove_prefix(count * size->second);
  }
  return storages;
}

// Reads the older layout: pickles of the magic number above, the version of the layout, the machine, the dictionary and the keys of
// the storages, and then the data of the storages.
absl::StatusOr<TensorMap> ParseLegacy(absl::string_view bytes) {
  constexpr int64_t kVersion = 1001;
  bytes.remove_prefix(kLegacyBegin.size());
  std::vector<Pickle> pickles;
  for (int i = 0; i < 4; ++i) {
    SEMBLANCE_ASSIGN_OR_RETURN(Pickle pickle, ParsePickle(bytes));
    bytes.remove_prefix(pickle.size);
    pickles.push_back(std::move(pickle));
  }
  if (pickles[0].root->integer != kVersion) {
    return absl::InvalidArgumentError(absl::StrCat("its layout has version ", pickles[0].root->integer, ", not ", kVersion));
  }
  SEMBLANCE_ASSIGN_OR_RETURN(const Storages storages, ReadLegacyStorages(pickles[3], ElementSizes(pickles[2]), bytes));
  return ReadTensors(pickles[2], storages);
}

}  // namespace

bool IsPth(absl::string_view bytes) {
  return absl::StartsWith(bytes, kZipBegin) || absl::StartsWith(bytes, kLegacyBegin);
}

absl::StatusOr<TensorMap> ParsePth(absl::string_view bytes, absl::string_view name) {
  if (!IsPth(bytes)) {
    return absl::InvalidArgumentError(absl::StrCat(name, ": not a file of torch.save"));
  }
  absl::StatusOr<TensorMap> tensors = absl::StartsWith(bytes, kZipBegin) ? ParseZip(bytes) : ParseLegacy(bytes);
  return tensors.ok() ? std::move(tensors) : WithContext(tensors.status(), name);
}

}  // namespace semblance::embedder
