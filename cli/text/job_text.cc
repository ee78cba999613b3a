#include "cli/text/job_text.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "cli/text/format.h"
#include "cli/text/table.h"

namespace semblance::cli {
namespace {

std::string DataOf(const v1::TrainingJob& job) {
  return job.from_catalog() ? "the catalog" : job.config().data().path();
}

// Returns "shoes/3" once the model is registered, and "shoes" before.
std::string ModelOf(const v1::TrainingJob& job) {
  return job.model().empty() ? job.config().model_name() : job.model();
}

std::string OnSuccessName(v1::OnSuccess on_success) {
  return on_success == v1::ON_SUCCESS_UNSPECIFIED ? "nothing" : FormatEnum(v1::OnSuccess_Name(on_success), "ON_SUCCESS_");
}

// Returns text such as "running 42%".
std::string StateWithProgress(const v1::TrainingJob& job) {
  const v1::TrainingProgress& progress = job.progress();
  if (job.state() != v1::TRAINING_JOB_STATE_RUNNING || progress.total_steps() <= 0) {
    return StateName(job.state());
  }
  return absl::StrFormat("%s %d%%", StateName(job.state()), 100 * progress.step() / progress.total_steps());
}

std::string ProgressText(const v1::TrainingProgress& progress) {
  std::vector<std::string> parts;
  if (!progress.activity().empty()) {
    parts.push_back(progress.activity());
  }
  if (progress.total_steps() > 0) {
    parts.push_back(absl::StrCat("step ", progress.step(), " of ", progress.total_steps()));
  }
  if (progress.has_time_left()) {
    parts.push_back(absl::StrCat(FormatDuration(progress.time_left()), " left"));
  }
  return absl::StrJoin(parts, ", ");
}

}  // namespace

std::string StateName(v1::TrainingJobState state) {
  const std::string& name = v1::TrainingJobState_Name(state);
  return name.empty() ? absl::StrCat("state ", static_cast<int>(state)) : FormatEnum(name, "TRAINING_JOB_STATE_");
}

std::string Measurements(const v1::TrainingProgress& progress) {
  std::vector<std::string> parts;
  if (progress.total_epochs() > 0) {
    parts.push_back(absl::StrCat("epoch ", progress.epoch(), "/", progress.total_epochs()));
  }
  if (progress.has_loss()) {
    parts.push_back(absl::StrFormat("loss %.4f", progress.loss()));
  }
  if (progress.has_recall_at_1()) {
    parts.push_back(absl::StrFormat("recall@1 %.4f", progress.recall_at_1()));
  }
  if (progress.images_per_second() > 0) {
    parts.push_back(absl::StrFormat("%.0f images/s", progress.images_per_second()));
  }
  return absl::StrJoin(parts, ", ");
}

void PrintJobs(const v1::ListTrainingJobsResponse& response, std::ostream& out) {
  Table table({"job", "state", "model", "data", "on success", "recall@1", "generation", "since"});
  for (const v1::TrainingJob& job : response.jobs()) {
    table.AddRow({job.id(), StateWithProgress(job), ModelOf(job), DataOf(job), OnSuccessName(job.on_success()),
                  job.progress().has_recall_at_1() ? absl::StrFormat("%.4f", job.progress().recall_at_1()) : "-",
                  job.generation().empty() ? "-" : job.generation(), FormatTimestamp(job.state_time())});
  }
  out << table;
}

void PrintJob(const v1::GetTrainingJobResponse& response, std::ostream& out) {
  const v1::TrainingJob& job = response.job();
  Table table({});
  table.AddRow({"job", job.id()});
  table.AddRow({"state", StateWithProgress(job)});
  table.AddRow({"because", job.state_reason()});
  table.AddRow({"since", FormatTimestamp(job.state_time())});
  table.AddRow({"created", FormatTimestamp(job.create_time())});
  table.AddRow({"model", ModelOf(job)});
  table.AddRow({"data", DataOf(job)});
  table.AddRow({"on success", OnSuccessName(job.on_success())});
  if (!job.generation().empty()) {
    table.AddRow({"generation", job.generation()});
  }
  if (job.has_progress()) {
    table.AddRow({"progress", ProgressText(job.progress())});
    table.AddRow({"measured", Measurements(job.progress())});
  }
  table.AddRow(
      {"attempt", absl::StrCat(job.attempt(), job.replicas() > 1 ? absl::StrCat(", of ", job.replicas(), " processes") : "")});
  out << table;
  if (!response.log_lines().empty()) {
    out << "\n" << absl::StrJoin(response.log_lines(), "\n") << "\n";
  }
}

}  // namespace semblance::cli
