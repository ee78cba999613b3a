#include "index/files/vector_log.h"

#include <cstring>
#include <utility>

#include "common/status_macros.h"
#include "index/files/byte_order.h"

namespace semblance::index {
namespace {

constexpr absl::string_view kMagic = "SMBLVLG1";

std::string Head(int dimension) {
  std::string head(kMagic);
  AppendValue<uint32_t>(dimension, &head);
  AppendValue<uint32_t>(Crc32(head), &head);
  return head;
}

size_t RecordBytes(int dimension) {
  return sizeof(uint32_t) + sizeof(uint64_t) + dimension * sizeof(float);
}

void AppendRecord(const IndexAdd& add, std::string* bytes) {
  std::string content;
  AppendValue<uint64_t>(add.key, &content);
  content.append(reinterpret_cast<const char*>(add.vector.data()), add.vector.size() * sizeof(float));
  AppendValue<uint32_t>(Crc32(content), bytes);
  bytes->append(content);
}

// Appends the row of a record to the log; returns false for a damaged record.
bool TakeRecord(absl::string_view record, int dimension, VectorLog* log) {
  if (TakeValue<uint32_t>(&record) != Crc32(record)) {
    return false;
  }
  log->keys.push_back(TakeValue<uint64_t>(&record));
  log->vectors.resize(log->vectors.size() + dimension);
  std::memcpy(&log->vectors[log->vectors.size() - dimension], record.data(), record.size());
  return true;
}

}  // namespace

absl::StatusOr<std::unique_ptr<VectorLogWriter>> VectorLogWriter::Create(const std::string& path, int dimension) {
  SEMBLANCE_ASSIGN_OR_RETURN(std::unique_ptr<AppendFile> file, AppendFile::Open(path));
  SEMBLANCE_RETURN_IF_ERROR(file->Append(Head(dimension)));
  return std::unique_ptr<VectorLogWriter>(new VectorLogWriter(std::move(file)));
}

absl::Status VectorLogWriter::Append(absl::Span<const IndexAdd> adds) {
  std::string bytes;
  for (const IndexAdd& add : adds) {
    AppendRecord(add, &bytes);
  }
  return file_->Append(bytes);
}

absl::StatusOr<VectorLog> DecodeVectorLog(absl::string_view file, int dimension) {
  const std::string head = Head(dimension);
  if (file.substr(0, head.size()) != head) {
    return absl::DataLossError("vector log: not the head of a log of this dimension");
  }
  file.remove_prefix(head.size());
  VectorLog log;
  int64_t bad_records = 0;
  for (; file.size() >= RecordBytes(dimension); file.remove_prefix(RecordBytes(dimension))) {
    if (TakeRecord(file.substr(0, RecordBytes(dimension)), dimension, &log)) {
      log.damaged_records += std::exchange(bad_records, 0);
    } else {
      ++bad_records;
    }
  }
  return log;
}

}  // namespace semblance::index
