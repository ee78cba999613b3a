#include "embedder/bundle/safetensors.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/logging.h"
#include "common/status_macros.h"

namespace semblance::embedder {
namespace {

using nlohmann::json;

constexpr size_t kLengthBytes = 8;
// The header is padded to a multiple of this, so that the data starts aligned for every type.
constexpr size_t kAlignment = 8;
constexpr char kMetadataKey[] = "__metadata__";

struct Entry {
  std::string name;
  HostTensor tensor;
  uint64_t begin = 0;
  uint64_t end = 0;
};

absl::Status Broken(absl::string_view name, absl::string_view message) {
  return absl::DataLossError(absl::StrCat(name, ": ", message));
}

absl::Status BrokenTensor(absl::string_view file, absl::string_view tensor, absl::string_view message) {
  return Broken(file, absl::StrCat("tensor ", tensor, " ", message));
}

// Returns the bytes of a dense tensor; nothing for an unknown dtype, a negative size, or a product that overflows.
std::optional<uint64_t> ByteSize(const HostTensor& tensor) {
  uint64_t size = static_cast<uint64_t>(DtypeSize(tensor.dtype));
  for (const int64_t extent : tensor.shape) {
    if (extent < 0 || __builtin_mul_overflow(size, static_cast<uint64_t>(extent), &size)) {
      return std::nullopt;
    }
  }
  return DtypeSize(tensor.dtype) == 0 ? std::nullopt : std::make_optional(size);
}

// Parses an array of numbers from 0 to the largest int64_t.
std::optional<std::vector<int64_t>> ReadNumbers(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_array()) {
    return std::nullopt;
  }
  std::vector<int64_t> numbers;
  for (const json& element : *found) {
    if (!element.is_number_unsigned() || element.get<uint64_t>() > std::numeric_limits<int64_t>::max()) {
      return std::nullopt;
    }
    numbers.push_back(element.get<int64_t>());
  }
  return numbers;
}

absl::StatusOr<Entry> ReadEntry(absl::string_view file, const std::string& name, const json& value) {
  const auto dtype = value.find("dtype");
  if (!value.is_object() || dtype == value.end() || !dtype->is_string()) {
    return BrokenTensor(file, name, "has no dtype");
  }
  const std::optional<std::vector<int64_t>> shape = ReadNumbers(value, "shape");
  const std::optional<std::vector<int64_t>> offsets = ReadNumbers(value, "data_offsets");
  if (!shape.has_value() || !offsets.has_value() || offsets->size() != 2) {
    return BrokenTensor(file, name, "has no shape or no data_offsets of two numbers");
  }
  Entry entry = {
      name, {dtype->get<std::string>(), *shape, ""}, static_cast<uint64_t>((*offsets)[0]), static_cast<uint64_t>((*offsets)[1])};
  const std::optional<uint64_t> size = ByteSize(entry.tensor);
  if (DtypeSize(entry.tensor.dtype) == 0) {
    return BrokenTensor(file, name, absl::StrCat("has dtype ", entry.tensor.dtype, ", which is not F32 or I64"));
  }
  if (!size.has_value() || entry.begin > entry.end || entry.end - entry.begin != *size) {
    return BrokenTensor(file, name,
                        absl::StrCat("of shape [", absl::StrJoin(*shape, ", "), "] has its data at [", entry.begin, ", ", entry.end,
                                     "), which is not its size"));
  }
  return entry;
}

absl::StatusOr<std::vector<Entry>> ReadEntries(absl::string_view file, absl::string_view header) {
  const json parsed = json::parse(header.begin(), header.end(), /*cb=*/nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object()) {
    return Broken(file, "the header is not a JSON object");
  }
  std::vector<Entry> entries;
  for (const auto& [name, value] : parsed.items()) {
    if (name != kMetadataKey) {
      SEMBLANCE_ASSIGN_OR_RETURN(Entry entry, ReadEntry(file, name, value));
      entries.push_back(std::move(entry));
    }
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return std::make_pair(a.begin, a.end) < std::make_pair(b.begin, b.end); });
  return entries;
}

// Orders tensors by descending size of an element, then by name. So every tensor is aligned to its elements.
std::vector<const TensorMap::value_type*> InFileOrder(const TensorMap& tensors) {
  std::vector<const TensorMap::value_type*> order;
  for (const auto& tensor : tensors) {
    order.push_back(&tensor);
  }
  std::stable_sort(order.begin(), order.end(),
                   [](const auto* a, const auto* b) { return DtypeSize(a->second.dtype) > DtypeSize(b->second.dtype); });
  return order;
}

}  // namespace

int DtypeSize(absl::string_view dtype) {
  return dtype == "F32" ? 4 : dtype == "I64" ? 8 : 0;
}

std::string SerializeSafetensors(const TensorMap& tensors) {
  json header = json::object();
  uint64_t end = 0;
  for (const auto* entry : InFileOrder(tensors)) {
    const auto& [name, tensor] = *entry;
    CHECK(ByteSize(tensor) == tensor.data.size()) << "tensor " << name << " has " << tensor.data.size() << " bytes";
    const uint64_t begin = end;
    end += tensor.data.size();
    header[name] = {{"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {begin, end}}};
  }
  std::string text = header.dump(/*indent=*/-1, ' ', /*ensure_ascii=*/true, json::error_handler_t::replace);
  text.append((kAlignment - text.size() % kAlignment) % kAlignment, ' ');

  std::string bytes;
  bytes.reserve(kLengthBytes + text.size() + end);
  for (size_t i = 0; i < kLengthBytes; ++i) {
    bytes.push_back(static_cast<char>(static_cast<uint64_t>(text.size()) >> (8 * i)));
  }
  bytes += text;
  for (const auto* entry : InFileOrder(tensors)) {
    bytes += entry->second.data;
  }
  return bytes;
}

absl::StatusOr<TensorMap> ParseSafetensors(absl::string_view bytes, absl::string_view name) {
  if (bytes.size() < kLengthBytes) {
    return Broken(name, absl::StrCat("has ", bytes.size(), " bytes: too short for a header"));
  }
  uint64_t header_size = 0;
  for (size_t i = 0; i < kLengthBytes; ++i) {
    header_size |= static_cast<uint64_t>(static_cast<uint8_t>(bytes[i])) << (8 * i);
  }
  bytes.remove_prefix(kLengthBytes);
  if (header_size > bytes.size()) {
    return Broken(name, absl::StrCat("the header claims ", header_size, " bytes of ", bytes.size()));
  }
  SEMBLANCE_ASSIGN_OR_RETURN(std::vector<Entry> entries, ReadEntries(name, bytes.substr(0, header_size)));
  const absl::string_view data = bytes.substr(header_size);
  TensorMap tensors;
  uint64_t end = 0;
  for (Entry& entry : entries) {
    if (entry.begin != end || entry.end > data.size()) {
      return BrokenTensor(name, entry.name,
                          absl::StrCat("has its data at [", entry.begin, ", ", entry.end, "), where ", end,
                                       " is the next free byte of ", data.size()));
    }
    end = entry.end;
    entry.tensor.data = std::string(data.substr(entry.begin, entry.end - entry.begin));
    tensors.emplace(std::move(entry.name), std::move(entry.tensor));
  }
  if (end != data.size()) {
    return Broken(name, absl::StrCat(data.size() - end, " bytes at the end belong to no tensor"));
  }
  return tensors;
}

}  // namespace semblance::embedder
