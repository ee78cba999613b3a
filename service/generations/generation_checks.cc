#include "service/generations/generation_checks.h"

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/status_macros.h"

namespace semblance::service {
namespace {

constexpr size_t kMaxRequestIdBytes = 128;
constexpr int kMinSampleSize = 10;
constexpr int kMaxSampleSize = 100'000;

// NaN lies in no range.
absl::Status CheckShare(absl::string_view field, double value) {
  if (value >= 0 && value <= 1) {
    return absl::OkStatus();
  }
  return InvalidField(field, v1::ERROR_REASON_CONFIG_INVALID, absl::StrCat(field, " is ", value, "; it must lie between 0 and 1"));
}

absl::Status CheckGates(const GenerationGates& gates) {
  SEMBLANCE_RETURN_IF_ERROR(CheckShare("min_index_recall", gates.min_index_recall));
  SEMBLANCE_RETURN_IF_ERROR(CheckShare("label_recall_tolerance", gates.label_recall_tolerance.value_or(0)));
  if (gates.sample_size >= kMinSampleSize && gates.sample_size <= kMaxSampleSize) {
    return absl::OkStatus();
  }
  return InvalidField(
      "sample_size", v1::ERROR_REASON_CONFIG_INVALID,
      absl::StrCat("sample_size is ", gates.sample_size, "; it must lie between ", kMinSampleSize, " and ", kMaxSampleSize));
}

}  // namespace

absl::Status CheckSpec(const GenerationSpec& spec) {
  SEMBLANCE_RETURN_IF_ERROR(WithFieldPrefix(CheckGates(spec.gates), "gates"));
  if (spec.request_id.size() > kMaxRequestIdBytes) {
    return InvalidField("request_id", v1::ERROR_REASON_CONFIG_INVALID,
                        absl::StrCat("request_id has ", spec.request_id.size(), " bytes; the limit is ", kMaxRequestIdBytes));
  }
  return absl::OkStatus();
}

}  // namespace semblance::service
