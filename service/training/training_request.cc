#include "service/training/training_request.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/file.h"
#include "common/status_macros.h"
#include "config/training_config.h"
#include "index/index_spec.h"

namespace semblance::service {
namespace {

constexpr int kMaxReplicas = 64;
constexpr size_t kMaxRequestIdBytes = 128;
// No shell ever sees these paths, so such a character is a mistake or an attack.
constexpr char kShellCharacters[] = "|&;<>()$`\\\"'*?[]{}#~=%!^";

absl::Status Invalid(absl::string_view field, absl::string_view what) {
  return InvalidField(field, v1::ERROR_REASON_CONFIG_INVALID, absl::StrCat(field, " ", what));
}

absl::Status CheckPathText(absl::string_view field, absl::string_view path) {
  for (const char c : path) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c)) || absl::StrContains(kShellCharacters, c)) {
      return Invalid(field,
                     absl::StrCat("has the character '", absl::string_view(&c, 1), "', which paths of training jobs must not"));
    }
  }
  return absl::OkStatus();
}

// Makes a client's path absolute. An empty path stays empty.
absl::Status Resolve(absl::string_view field, const PathRoot& root, std::string* path) {
  if (path->empty()) {
    return absl::OkStatus();
  }
  SEMBLANCE_RETURN_IF_ERROR(CheckPathText(field, *path));
  const absl::StatusOr<std::string> real = FollowBelow(root, *path);
  if (real.status().code() == absl::StatusCode::kInvalidArgument) {
    return InvalidField(field, ReasonOf(real.status()), real.status().message());
  }
  if (!real.ok() || !PathExists(*real)) {
    return WithFieldPrefix(Error(absl::StatusCode::kNotFound, v1::ERROR_REASON_DATA_NOT_FOUND,
                                 absl::StrCat(field, ": there is no ", *path, " below ", root.name)),
                           field);
  }
  *path = *real;
  return absl::OkStatus();
}

absl::Status CheckData(const TrainingSpec& spec, const std::string& catalog_path, v1::DataConfig& data) {
  if (!data.catalog_path().empty()) {
    return Invalid("config.data.catalog_path", "is the server's to set; ask for from_catalog");
  }
  if (!spec.from_catalog) {
    return data.path().empty() ? Invalid("config.data.path", "is empty: name the data, or ask for from_catalog") : absl::OkStatus();
  }
  if (!data.path().empty()) {
    return Invalid("config.data.path", "and from_catalog do not go together");
  }
  data.set_catalog_path(catalog_path);
  return absl::OkStatus();
}

absl::Status CheckOptions(const TrainingSpec& spec) {
  if (spec.replicas < 0 || spec.replicas > kMaxReplicas) {
    return Invalid("replicas", absl::StrCat("is ", spec.replicas, "; it must be between 1 and ", kMaxReplicas));
  }
  if (!(spec.recall_tolerance >= 0 && spec.recall_tolerance <= 1)) {
    return Invalid("recall_tolerance", absl::StrCat("is ", spec.recall_tolerance, "; it must be between 0 and 1"));
  }
  if (spec.request_id.size() > kMaxRequestIdBytes) {
    return Invalid("request_id", absl::StrCat("has ", spec.request_id.size(), " bytes; at most ", kMaxRequestIdBytes));
  }
  if (!spec.index_factory.empty()) {
    if (const auto factory = index::ParseIndexSpec(spec.index_factory); !factory.ok()) {
      return InvalidField("index_factory", v1::ERROR_REASON_CONFIG_INVALID, factory.status().message());
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::TrainingConfig> CheckedTrainingConfig(const TrainingSpec& spec, const PathRoot& data_root,
                                                         const std::string& catalog_path) {
  SEMBLANCE_RETURN_IF_ERROR(CheckOptions(spec));
  v1::TrainingConfig config = spec.config;
  if (!config.output_dir().empty()) {
    return Invalid("config.output_dir", "is the server's to set");
  }
  SEMBLANCE_RETURN_IF_ERROR(CheckData(spec, catalog_path, *config.mutable_data()));
  SEMBLANCE_RETURN_IF_ERROR(Resolve("config.data.path", data_root, config.mutable_data()->mutable_path()));
  SEMBLANCE_RETURN_IF_ERROR(Resolve("config.model.pretrained_path", data_root, config.mutable_model()->mutable_pretrained_path()));
  SEMBLANCE_RETURN_IF_ERROR(
      Resolve("config.model.torchscript_path", data_root, config.mutable_model()->mutable_torchscript_path()));
  // The job's directory is not known yet, but the check below asks for one.
  config.set_output_dir("model");
  config = config::WithDefaults(std::move(config));
  if (const absl::Status status = config::ValidateTrainingConfig(config); !status.ok()) {
    return WithFieldPrefix(status, "config");
  }
  config.clear_output_dir();
  return config;
}

}  // namespace semblance::service
