#include "trainer/report/progress_file.h"

#include <filesystem>

#include "absl/time/clock.h"
#include "common/file.h"
#include "common/json_record.h"
#include "common/logging.h"

namespace semblance::trainer {
namespace {

constexpr absl::Duration kInterval = absl::Seconds(1);

}  // namespace

void ProgressFile::Write() {
  if (absl::Now() - written_ >= kInterval) {
    WriteNow();
  }
}

void ProgressFile::WriteActivity(const std::string& activity) {
  progress_.set_activity(activity);
  WriteNow();
}

void ProgressFile::WriteFailure(const std::string& error) {
  progress_.set_error(error);
  WriteActivity("failed");
}

void ProgressFile::WriteNow() {
  if (path_.empty()) {
    return;
  }
  written_ = absl::Now();
  absl::Status status = CreateDirectories(std::filesystem::path(path_).parent_path().string());
  if (status.ok()) {
    status = WriteJsonRecord(path_, progress_);
  }
  if (!status.ok() && !failed_) {
    failed_ = true;
    LOG(WARNING) << "progress is not reported: " << status;
  }
}

}  // namespace semblance::trainer
