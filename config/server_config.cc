#include "config/server_config.h"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>

#include "absl/strings/string_view.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "common/threads/thread_pool.h"
#include "config/field_rules.h"
#include "index/index_spec.h"

namespace semblance::config {
namespace {

// The path of a program in the directory of this one.
std::string ProgramBeside(absl::string_view name) {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? std::string(name) : (self.parent_path() / std::string(name)).string();
}

int64_t MachineMemoryMib() {
  return (int64_t{::sysconf(_SC_PHYS_PAGES)} * ::sysconf(_SC_PAGESIZE)) >> 20;
}

void FillThreads(v1::ServerConfig& config) {
  if (config.worker_threads() == 0) {
    config.set_worker_threads(CoreCount());
  }
  if (config.inference_threads() == 0) {
    config.set_inference_threads(CoreCount());
  }
}

void FillPrograms(v1::ServerConfig& config) {
  if (config.generations().builder_path().empty()) {
    config.mutable_generations()->set_builder_path(ProgramBeside("semblance-builder"));
  }
  if (config.training_jobs().trainer_path().empty()) {
    config.mutable_training_jobs()->set_trainer_path(ProgramBeside("semblance-trainer"));
  }
}

absl::Status CheckFactory(const v1::IndexConfig& index) {
  const auto spec = index::ParseIndexSpec(index.factory());
  return spec.ok() ? absl::OkStatus() : InvalidField("index.factory", v1::ERROR_REASON_CONFIG_INVALID, spec.status().message());
}

}  // namespace

absl::StatusOr<v1::ServerConfig> CompleteServerConfig(v1::ServerConfig config) {
  FillDefaults(&config);
  FillThreads(config);
  FillPrograms(config);
  if (config.generations().memory_budget_mib() == 0) {
    config.mutable_generations()->set_memory_budget_mib(std::max<int64_t>(1, MachineMemoryMib() * 3 / 4));
  }
  SEMBLANCE_RETURN_IF_ERROR(CheckFields(config));
  SEMBLANCE_RETURN_IF_ERROR(CheckFactory(config.index()));
  return config;
}

absl::StatusOr<v1::IndexConfig> CompleteIndexConfig(v1::IndexConfig config) {
  FillDefaults(&config);
  SEMBLANCE_RETURN_IF_ERROR(CheckFields(config, "index"));
  SEMBLANCE_RETURN_IF_ERROR(CheckFactory(config));
  return config;
}

}  // namespace semblance::config
