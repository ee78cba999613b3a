#include "service/engine/limits.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "common/threads/thread_pool.h"
#include "generation/index_config.h"

namespace semblance::service {
namespace {

constexpr int kMaxAttributeKeyBytes = 64;
constexpr size_t kMaxRoutingKeyBytes = 128;

// Reads and fills one numeric field of a config message: the default where it is zero, an error where it is out of range.
template <typename T>
absl::Status Complete(absl::string_view field, T value, T default_value, T max, const std::function<void(T)>& set) {
  if (value < 0 || value > max) {
    return InvalidField(field, v1::ERROR_REASON_CONFIG_INVALID,
                        absl::StrCat(field, " is ", value, "; it must be between 1 and ", max));
  }
  set(value == 0 ? default_value : value);
  return absl::OkStatus();
}

#define SEMBLANCE_COMPLETE(message, path, field, default_value, max)                                           \
  SEMBLANCE_RETURN_IF_ERROR(                                                                                   \
      Complete<decltype((message).field())>(absl::StrCat(path, #field), (message).field(), default_value, max, \
                                            [&](decltype((message).field()) value) { (message).set_##field(value); }))

absl::Status CompleteLimits(v1::Limits& limits) {
  SEMBLANCE_COMPLETE(limits, "limits.", max_image_bytes, int64_t{8} << 20, int64_t{128} << 20);
  SEMBLANCE_COMPLETE(limits, "limits.", max_image_pixels, 40'000'000, 1'000'000'000);
  SEMBLANCE_COMPLETE(limits, "limits.", max_image_side, 16384, 65535);
  SEMBLANCE_COMPLETE(limits, "limits.", max_message_bytes, int64_t{16} << 20, int64_t{1} << 30);
  SEMBLANCE_COMPLETE(limits, "limits.", max_top_k, 1000, 100'000);
  SEMBLANCE_COMPLETE(limits, "limits.", max_batch_queries, 64, 10'000);
  SEMBLANCE_COMPLETE(limits, "limits.", max_embed_images, 64, 10'000);
  SEMBLANCE_COMPLETE(limits, "limits.", max_write_items, 256, 10'000);
  SEMBLANCE_COMPLETE(limits, "limits.", max_excluded_items, 1000, 100'000);
  SEMBLANCE_COMPLETE(limits, "limits.", max_page_size, 1000, 100'000);
  SEMBLANCE_COMPLETE(limits, "limits.", max_id_bytes, 128, 4096);
  SEMBLANCE_COMPLETE(limits, "limits.", max_label_bytes, 256, 65536);
  SEMBLANCE_COMPLETE(limits, "limits.", max_attribute_bytes, 16 << 10, 1 << 20);
  SEMBLANCE_COMPLETE(limits, "limits.", default_deadline_ms, 10'000, 3'600'000);
  return absl::OkStatus();
}

bool HasControlCharacter(absl::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

absl::Status CheckVector(const VectorQuery& query, absl::string_view field) {
  const std::string values = absl::StrCat(field, ".embedding.values");
  if (query.embedding_space_id.empty()) {
    return InvalidField(absl::StrCat(field, ".embedding.embedding_space_id"), v1::ERROR_REASON_EMBEDDING_SPACE_MISSING,
                        "a query vector needs the embedding_space_id that it was answered with");
  }
  double squared_norm = 0;
  for (size_t i = 0; i < query.values.size(); ++i) {
    if (!std::isfinite(query.values[i])) {
      return InvalidField(values, v1::ERROR_REASON_INVALID_VECTOR,
                          absl::StrCat("component ", i, " is ", query.values[i], "; components must be finite"));
    }
    squared_norm += double{query.values[i]} * query.values[i];
  }
  if (squared_norm == 0) {
    return InvalidField(values, v1::ERROR_REASON_INVALID_VECTOR,
                        query.values.empty() ? "the vector is empty" : "the zero vector has no direction");
  }
  return absl::OkStatus();
}

absl::Status CheckQuery(const Query& query, const std::string& field, const v1::Limits& limits) {
  if (std::holds_alternative<std::monostate>(query)) {
    return InvalidField(field, v1::ERROR_REASON_QUERY_MISSING, "set one of image, embedding or item_id");
  }
  if (const auto* vector = std::get_if<VectorQuery>(&query)) {
    return CheckVector(*vector, field);
  }
  if (const auto* item = std::get_if<ItemQuery>(&query)) {
    return CheckItemId(absl::StrCat(field, ".item_id"), item->id, limits);
  }
  return absl::OkStatus();  // Images are checked by decoding them.
}

absl::Status CheckAttributes(const catalog::Attributes& attributes, const std::string& field, const v1::Limits& limits) {
  for (const auto& [key, value] : attributes) {
    if (key.empty() || key.size() > kMaxAttributeKeyBytes || HasControlCharacter(key)) {
      return InvalidField(field, v1::ERROR_REASON_INVALID_ATTRIBUTE,
                          absl::StrCat("a key has ", key.size(), " bytes or a control character; keys have 1 to ",
                                       kMaxAttributeKeyBytes, " printable bytes"));
    }
    const double* number = std::get_if<double>(&value);
    if (number != nullptr && !std::isfinite(*number)) {
      return InvalidField(absl::StrCat(field, "[", key, "]"), v1::ERROR_REASON_INVALID_ATTRIBUTE,
                          absl::StrCat("the value is ", *number, "; it must be finite"));
    }
  }
  const size_t size = attributes.empty() ? 0 : catalog::AttributesToJson(attributes).size();
  if (size > static_cast<size_t>(limits.max_attribute_bytes())) {
    return InvalidField(field, v1::ERROR_REASON_LIMIT_EXCEEDED,
                        absl::StrCat("the attributes take ", size, " bytes; the limit is ", limits.max_attribute_bytes()));
  }
  return absl::OkStatus();
}

absl::Status CheckItem(const catalog::ItemWrite& item, const std::string& field, const v1::Limits& limits) {
  SEMBLANCE_RETURN_IF_ERROR(CheckItemId(absl::StrCat(field, ".id"), item.id, limits));
  if (item.label.has_value() && item.label->size() > static_cast<size_t>(limits.max_label_bytes())) {
    return InvalidField(absl::StrCat(field, ".label"), v1::ERROR_REASON_LIMIT_EXCEEDED,
                        absl::StrCat("the label has ", item.label->size(), " bytes; the limit is ", limits.max_label_bytes()));
  }
  return CheckAttributes(item.attributes, absl::StrCat(field, ".attributes"), limits);
}

absl::Status DuplicateId(const std::string& field, absl::string_view id) {
  return InvalidField(field, v1::ERROR_REASON_DUPLICATE_ID, absl::StrCat("\"", id, "\" occurs twice in one request"));
}

// A program in the directory of this one.
std::string ProgramBeside(absl::string_view name) {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? std::string(name) : (self.parent_path() / std::string(name)).string();
}

int64_t MachineMemoryMib() {
  return (int64_t{::sysconf(_SC_PHYS_PAGES)} * ::sysconf(_SC_PAGESIZE)) >> 20;
}

// Where 0 means something of its own.
absl::Status CheckAtMost(absl::string_view field, int64_t value, int64_t max) {
  return value >= 0 && value <= max ? absl::OkStatus()
                                    : InvalidField(field, v1::ERROR_REASON_CONFIG_INVALID,
                                                   absl::StrCat(field, " is ", value, "; it must be between 0 and ", max));
}

absl::Status CompleteModelRegistry(v1::ModelRegistryConfig& registry) {
  if (!registry.has_watch_seconds()) {
    registry.set_watch_seconds(10);
  }
  return CheckAtMost("model_registry.watch_seconds", registry.watch_seconds(), 86'400);
}

absl::Status CompleteGenerations(v1::GenerationsConfig& generations) {
  SEMBLANCE_RETURN_IF_ERROR(CheckAtMost("generations.builder_threads", generations.builder_threads(), 1024));
  if (generations.builder_path().empty()) {
    generations.set_builder_path(ProgramBeside("semblance-builder"));
  }
  SEMBLANCE_COMPLETE(generations, "generations.", memory_budget_mib, std::max<int64_t>(1, MachineMemoryMib() * 3 / 4),
                     int64_t{1} << 30);
  if (!generations.has_grace_seconds()) {
    generations.set_grace_seconds(60);
  }
  SEMBLANCE_RETURN_IF_ERROR(CheckAtMost("generations.grace_seconds", generations.grace_seconds(), 2'592'000));
  SEMBLANCE_COMPLETE(generations, "generations.", max_write_pause_ms, 50, 60'000);
  return absl::OkStatus();
}

absl::Status CompleteKubernetes(v1::KubernetesConfig& cluster) {
  for (const auto& [field, value] : {std::pair("image", cluster.image()), std::pair("volume_claim", cluster.volume_claim())}) {
    if (value.empty()) {
      return InvalidField(absl::StrCat("training_jobs.kubernetes.", field), v1::ERROR_REASON_CONFIG_INVALID,
                          absl::StrCat("training_jobs.kubernetes.", field, " is required"));
    }
  }
  if (cluster.mount_path().empty()) {
    cluster.set_mount_path("/var/lib/semblance");
  }
  SEMBLANCE_COMPLETE(cluster, "training_jobs.kubernetes.", ttl_seconds, 86'400, 31'536'000);
  return absl::OkStatus();
}

absl::Status CompleteTrainingJobs(v1::TrainingJobsConfig& jobs) {
  SEMBLANCE_COMPLETE(jobs, "training_jobs.", max_running, 1, 64);
  SEMBLANCE_COMPLETE(jobs, "training_jobs.", max_queued, 64, 10'000);
  SEMBLANCE_COMPLETE(jobs, "training_jobs.", max_attempts, 4, 1000);
  if (jobs.trainer_path().empty()) {
    jobs.set_trainer_path(ProgramBeside("semblance-trainer"));
  }
  SEMBLANCE_RETURN_IF_ERROR(CheckAtMost("training_jobs.threads", jobs.threads(), 1024));
  SEMBLANCE_RETURN_IF_ERROR(CheckAtMost("training_jobs.max_memory_mib", jobs.max_memory_mib(), int64_t{1} << 30));
  SEMBLANCE_RETURN_IF_ERROR(CheckAtMost("training_jobs.gpus", jobs.gpus(), 64));
  if (!(jobs.cpus() >= 0 && jobs.cpus() <= 1024)) {
    return InvalidField("training_jobs.cpus", v1::ERROR_REASON_CONFIG_INVALID,
                        absl::StrCat("training_jobs.cpus is ", jobs.cpus(), "; it must be between 0 and 1024"));
  }
  return jobs.has_kubernetes() ? CompleteKubernetes(*jobs.mutable_kubernetes()) : absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::ServerConfig> CompleteServerConfig(v1::ServerConfig config) {
  SEMBLANCE_RETURN_IF_ERROR(CompleteLimits(*config.mutable_limits()));
  SEMBLANCE_ASSIGN_OR_RETURN(*config.mutable_index(), generation::CompleteIndexConfig(config.index()));
  v1::BatchingConfig& batching = *config.mutable_batching();
  SEMBLANCE_COMPLETE(batching, "batching.", max_queued_images, 1024, 1 << 20);
  if (batching.max_batch_size() < 0 || batching.max_batch_size() > 4096) {
    return InvalidField("batching.max_batch_size", v1::ERROR_REASON_CONFIG_INVALID,
                        "batching.max_batch_size must be between 1 and 4096");
  }
  if (batching.max_queue_delay_us() < 0 || batching.max_queue_delay_us() > 1'000'000) {
    return InvalidField("batching.max_queue_delay_us", v1::ERROR_REASON_CONFIG_INVALID,
                        "batching.max_queue_delay_us must be between 0 and 1,000,000");
  }
  SEMBLANCE_COMPLETE(config, "", worker_threads, CoreCount(), 1024);
  SEMBLANCE_COMPLETE(config, "", inference_threads, CoreCount(), 1024);
  SEMBLANCE_COMPLETE(config, "", drain_seconds, 20, 3600);
  SEMBLANCE_COMPLETE(config, "", max_queued_requests, 1024, 1 << 20);
  v1::RecallProbeConfig& recall_probe = *config.mutable_recall_probe();
  if (!recall_probe.has_one_in()) {
    recall_probe.set_one_in(100);
  }
  if (recall_probe.one_in() < 0) {
    return InvalidField(
        "recall_probe.one_in", v1::ERROR_REASON_CONFIG_INVALID,
        absl::StrCat("recall_probe.one_in is ", recall_probe.one_in(), "; it must be at least 1, or 0 for no probe"));
  }
  SEMBLANCE_RETURN_IF_ERROR(CompleteModelRegistry(*config.mutable_model_registry()));
  SEMBLANCE_RETURN_IF_ERROR(CompleteGenerations(*config.mutable_generations()));
  SEMBLANCE_RETURN_IF_ERROR(CompleteTrainingJobs(*config.mutable_training_jobs()));
  if (config.device().empty()) {
    config.set_device("auto");
  }
  return config;
}

embedder::DecodeLimits DecodeLimitsOf(const v1::Limits& limits) {
  return {.max_bytes = limits.max_image_bytes(), .max_pixels = limits.max_image_pixels(), .max_side = limits.max_image_side()};
}

absl::Status CheckCount(absl::string_view field, int64_t count, int64_t max) {
  if (count >= 1 && count <= max) {
    return absl::OkStatus();
  }
  return InvalidField(field, v1::ERROR_REASON_LIMIT_EXCEEDED,
                      absl::StrCat(field, " is ", count, "; it must be between 1 and ", max));
}

absl::Status CheckItemId(absl::string_view field, absl::string_view id, const v1::Limits& limits) {
  if (id.empty() || id.size() > static_cast<size_t>(limits.max_id_bytes())) {
    return InvalidField(field, v1::ERROR_REASON_INVALID_ID,
                        absl::StrCat("the id has ", id.size(), " bytes; it must have between 1 and ", limits.max_id_bytes()));
  }
  if (HasControlCharacter(id)) {
    return InvalidField(field, v1::ERROR_REASON_INVALID_ID, "the id contains a control character");
  }
  return absl::OkStatus();
}

absl::Status CheckSearch(const SearchInput& input, const v1::Limits& limits) {
  SEMBLANCE_RETURN_IF_ERROR(CheckCount("queries", static_cast<int64_t>(input.queries.size()), limits.max_batch_queries()));
  SEMBLANCE_RETURN_IF_ERROR(CheckCount("top_k", input.top_k, limits.max_top_k()));
  if (!input.exclude_item_ids.empty()) {
    SEMBLANCE_RETURN_IF_ERROR(
        CheckCount("exclude_item_ids", static_cast<int64_t>(input.exclude_item_ids.size()), limits.max_excluded_items()));
  }
  if (input.routing_key.size() > kMaxRoutingKeyBytes) {
    return InvalidField("routing_key", v1::ERROR_REASON_LIMIT_EXCEEDED,
                        absl::StrCat("routing_key has ", input.routing_key.size(), " bytes; at most ", kMaxRoutingKeyBytes));
  }
  for (size_t i = 0; i < input.queries.size(); ++i) {
    SEMBLANCE_RETURN_IF_ERROR(CheckQuery(input.queries[i], input.query_fields[i], limits));
  }
  return absl::OkStatus();
}

absl::Status CheckUpsert(const std::vector<catalog::ItemWrite>& items, const v1::Limits& limits) {
  SEMBLANCE_RETURN_IF_ERROR(CheckCount("items", static_cast<int64_t>(items.size()), limits.max_write_items()));
  absl::flat_hash_set<absl::string_view> seen;
  for (size_t i = 0; i < items.size(); ++i) {
    const std::string field = absl::StrCat("items[", i, "]");
    SEMBLANCE_RETURN_IF_ERROR(CheckItem(items[i], field, limits));
    if (!seen.insert(items[i].id).second) {
      return DuplicateId(absl::StrCat(field, ".id"), items[i].id);
    }
  }
  return absl::OkStatus();
}

absl::Status CheckIds(const std::vector<std::string>& ids, const v1::Limits& limits) {
  SEMBLANCE_RETURN_IF_ERROR(CheckCount("ids", static_cast<int64_t>(ids.size()), limits.max_write_items()));
  absl::flat_hash_set<absl::string_view> seen;
  for (size_t i = 0; i < ids.size(); ++i) {
    const std::string field = absl::StrCat("ids[", i, "]");
    SEMBLANCE_RETURN_IF_ERROR(CheckItemId(field, ids[i], limits));
    if (!seen.insert(ids[i]).second) {
      return DuplicateId(field, ids[i]);
    }
  }
  return absl::OkStatus();
}

}  // namespace semblance::service
