// Writes an event file, which TensorBoard can show during the run.
//
// Not thread-safe.
//
// The file is a sequence of TFRecords: length (64 bits), masked CRC-32C of the length, data, masked CRC-32C of the data, all
// little-endian. The data is a storage.v1.TensorboardEvent. Each call hands a whole record to the operating system, so records
// survive the end of the process. TensorBoard reads every file of a directory whose name contains "tfevents".
//
// Errors: InvalidArgument (a picture that is not a PNG); those of common/file.h.
#ifndef SEMBLANCE_TRAINER_REPORT_EVENT_FILE_H_
#define SEMBLANCE_TRAINER_REPORT_EVENT_FILE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/file.h"
#include "semblance/storage/v1/tensorboard_event.pb.h"
#include "trainer/metrics/named_value.h"

namespace semblance::trainer {

class EventFile {
 public:
  // Creates the file, replacing an existing one, and writes its first record. REQUIRES: the directory exists.
  static absl::StatusOr<std::unique_ptr<EventFile>> Create(const std::string& path, absl::Time time);
  EventFile(const EventFile&) = delete;
  EventFile& operator=(const EventFile&) = delete;

  // Adds a record with the values of a step, which are stored as float32.
  absl::Status AddScalars(int64_t step, absl::Time time, absl::Span<const NamedValue> values);

  // Adds a record with a picture under `tag`.
  absl::Status AddImage(int64_t step, absl::Time time, absl::string_view tag, absl::string_view png);

 private:
  explicit EventFile(std::unique_ptr<AppendFile> file) : file_(std::move(file)) {}

  absl::Status Append(const storage::v1::TensorboardEvent& event);

  const std::unique_ptr<AppendFile> file_;
};

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_REPORT_EVENT_FILE_H_
