// semblance-demo-loop-report adds the results of the second half of "make demo", the loop from labels to a better model, to
// report.json.
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "bench/benchmark_program.h"
#include "common/file.h"
#include "common/json_proto.h"
#include "common/logging.h"
#include "common/program/command_line.h"
#include "common/status_macros.h"
#include "embedder/bundle/bundle.h"
#include "semblance/v1/generation_service.pb.h"
#include "semblance/v1/training_service.pb.h"

namespace semblance::bench {
namespace {

using Json = nlohmann::ordered_json;

double Milliseconds(const google::protobuf::Duration& duration) {
  return 1e3 * static_cast<double>(duration.seconds()) + 1e-6 * static_cast<double>(duration.nanos());
}

absl::StatusOr<Json> ReadJson(const std::string& path) {
  SEMBLANCE_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    return absl::InvalidArgumentError(absl::StrCat(path, " is not a JSON object"));
  }
  return json;
}

// The commands of scripts/demo.sh printed these files with --json.
absl::StatusOr<Json> DescribeLoop(const std::string& dir, const std::string& job_model_dir) {
  v1::GetTrainingJobResponse job;
  v1::GetGenerationResponse generation;
  v1::RollbackGenerationResponse rollback;
  SEMBLANCE_RETURN_IF_ERROR(ReadJsonProto(dir + "/job.json", &job));
  SEMBLANCE_RETURN_IF_ERROR(ReadJsonProto(dir + "/generation.json", &generation));
  SEMBLANCE_RETURN_IF_ERROR(ReadJsonProto(dir + "/rollback.json", &rollback));
  SEMBLANCE_ASSIGN_OR_RETURN(const Json load, ReadJson(dir + "/load.json"));
  SEMBLANCE_ASSIGN_OR_RETURN(const Json ingest, ReadJson(dir + "/ingest_all.json"));
  SEMBLANCE_ASSIGN_OR_RETURN(const storage::v1::BundleManifest bundle, embedder::ReadBundleManifest(job_model_dir));
  const v1::GenerationEvaluation& evaluation = generation.generation().evaluation();
  Json loop;
  loop["recall_at_1_before"] = evaluation.active_label_recall();
  loop["recall_at_1_after"] = evaluation.label_recall();
  loop["measured_on_images"] = evaluation.label_query_count();
  loop["activated_by_itself"] = generation.generation().state() == v1::GENERATION_STATE_ACTIVE;
  loop["outcome"] = job.job().state_reason();
  loop["train_seconds"] = bundle.training().train_seconds();
  loop["train_images"] = bundle.training().train_examples();
  loop["items"] = generation.generation().item_count();
  loop["searches"] = load["requests"];
  loop["failed_requests"] = load["failed_requests"].get<int64_t>() + ingest["failed_requests"].get<int64_t>();
  loop["search_p50_ms"] = load["p50_ms"];
  loop["search_p99_ms"] = load["p99_ms"];
  loop["rollback_write_pause_ms"] = Milliseconds(rollback.write_pause());
  loop["answers"] = Json::object();
  for (const Json& answered : load["generations"]) {
    loop["answers"][answered["generation"].get<std::string>()] = answered["answers"];
  }
  return loop;
}

void Print(const Json& loop) {
  std::printf("\n");
  for (const auto& [key, value] : loop.items()) {
    std::printf("  %-28s %s\n", key.c_str(),
                value.is_number_float() ? absl::StrFormat("%.4f", value.get<double>()).c_str()
                : value.is_string()     ? value.get<std::string>().c_str()
                                        : value.dump().c_str());
  }
  std::printf("\n");
}

absl::Status Report(const std::string& dir, const std::string& job_model_dir) {
  SEMBLANCE_ASSIGN_OR_RETURN(Json report, ReadJson(dir + "/report.json"));
  SEMBLANCE_ASSIGN_OR_RETURN(const Json loop, DescribeLoop(dir, job_model_dir));
  Print(loop);
  report["failed_requests"] = report["failed_requests"].get<int64_t>() + loop["failed_requests"].get<int64_t>();
  report["loop"] = loop;
  return WriteFileAtomically(dir + "/report.json", report.dump(2) + "\n");
}

absl::Status ReportOrSayWhatIsWrong(const std::string& dir, const std::string& job_model_dir) {
  try {
    return Report(dir, job_model_dir);
  } catch (const nlohmann::json::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat("a file in ", dir, " is not what the demo writes: ", error.what()));
  }
}

int Main(const std::vector<std::string>& args) {
  std::string dir = "build/demo";
  std::string job_model_dir;
  CommandLine command("semblance-demo-loop-report", "", "Adds to report.json what the second half of the demo found.");
  command.AddFlag("output_dir", "DIR", "where the demo put what its commands printed", &dir);
  command.AddFlag("bundle", "DIR", "the bundle that the job trained", &job_model_dir);
  command.AddExample("semblance-demo-loop-report --output_dir=build/demo --bundle=build/demo/loop/jobs/job-000001/model");
  return bench::RunBenchmark(
      &command, args, [] { return absl::OkStatus(); }, [&] { return ReportOrSayWhatIsWrong(dir, job_model_dir); });
}

}  // namespace
}  // namespace semblance::bench

int main(int argc, char** argv) {
  semblance::InitLogging(argv[0]);
  return semblance::bench::Main(std::vector<std::string>(argv + 1, argv + argc));
}
