#include "trainer/report/event_file.h"

#include <isa-l/crc.h>

#include <bit>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "embedder/image/decode.h"

namespace semblance::trainer {
namespace {

using storage::v1::TensorboardEvent;
using storage::v1::TensorboardSummary;

constexpr char kFileVersion[] = "brain.Event:2";

static_assert(std::endian::native == std::endian::little, "records hold little-endian values, which are copied as they are");

// CRC-32C (Castagnoli). ISA-L's iSCSI function leaves both inversions to the caller, and does not write to the buffer.
uint32_t Crc32c(absl::string_view bytes) {
  auto* const data = const_cast<unsigned char*>(reinterpret_cast<const unsigned char*>(bytes.data()));
  return ~crc32_iscsi(data, static_cast<int>(bytes.size()), 0xffffffffU);
}

// Rotates and shifts the checksum, as TFRecord does because data may contain checksums itself.
uint32_t MaskedCrc32c(absl::string_view bytes) {
  return std::rotr(Crc32c(bytes), 15) + 0xa282ead8U;
}

template <typename T>
void AppendValue(T value, std::string* bytes) {
  bytes->append(reinterpret_cast<const char*>(&value), sizeof(value));
}

std::string Frame(absl::string_view data) {
  std::string record;
  AppendValue(static_cast<uint64_t>(data.size()), &record);
  AppendValue(MaskedCrc32c(record), &record);
  absl::StrAppend(&record, data);
  AppendValue(MaskedCrc32c(data), &record);
  return record;
}

TensorboardEvent EventAt(absl::Time time, int64_t step) {
  TensorboardEvent event;
  event.set_wall_time(absl::ToDoubleSeconds(time - absl::UnixEpoch()));
  event.set_step(step);
  return event;
}

}  // namespace

absl::StatusOr<std::unique_ptr<EventFile>> EventFile::Create(const std::string& path, absl::Time time) {
  SEMBLANCE_RETURN_IF_ERROR(RemoveAll(path));
  SEMBLANCE_ASSIGN_OR_RETURN(std::unique_ptr<AppendFile> file, AppendFile::Open(path));
  std::unique_ptr<EventFile> events(new EventFile(std::move(file)));
  TensorboardEvent first = EventAt(time, 0);
  first.set_file_version(kFileVersion);
  SEMBLANCE_RETURN_IF_ERROR(events->Append(first));
  return events;
}

absl::Status EventFile::AddScalars(int64_t step, absl::Time time, absl::Span<const NamedValue> values) {
  TensorboardEvent event = EventAt(time, step);
  for (const NamedValue& named : values) {
    TensorboardSummary::Value* const value = event.mutable_summary()->add_value();
    value->set_tag(named.name);
    value->set_simple_value(static_cast<float>(named.value));
  }
  return Append(event);
}

absl::Status EventFile::AddImage(int64_t step, absl::Time time, absl::string_view tag, absl::string_view png) {
  SEMBLANCE_ASSIGN_OR_RETURN(const embedder::ImageHeader header, embedder::ReadImageHeader(png, embedder::DecodeLimits()));
  if (header.format != embedder::ImageFormat::kPng) {
    return absl::InvalidArgumentError(absl::StrCat("the picture ", tag, " is no PNG"));
  }
  TensorboardEvent event = EventAt(time, step);
  TensorboardSummary::Value* const value = event.mutable_summary()->add_value();
  value->set_tag(std::string(tag));
  value->mutable_image()->set_width(header.width);
  value->mutable_image()->set_height(header.height);
  value->mutable_image()->set_encoded_image_string(std::string(png));
  return Append(event);
}

absl::Status EventFile::Append(const TensorboardEvent& event) {
  return file_->Append(Frame(event.SerializeAsString()));
}

}  // namespace semblance::trainer
