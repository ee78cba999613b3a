// A client's request for a new generation: how it is recorded, and how a repetition is recognized.
//
// Thread-safe: functions without state.
#ifndef SEMBLANCE_SERVICE_GENERATIONS_GENERATION_REQUEST_H_
#define SEMBLANCE_SERVICE_GENERATIONS_GENERATION_REQUEST_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "semblance/storage/v1/generation.pb.h"
#include "semblance/v1/generation_config.pb.h"
#include "service/live/generation_info.h"

namespace semblance::service {

// Makes a manifest with everything that the request decides. GenerationStore::Create sets the rest. REQUIRES: CompleteSpec has
// returned the spec.
storage::v1::GenerationManifest ManifestOf(const GenerationSpec& spec);

// Returns the generation that an earlier request with the same request_id has made, or nullopt when the request is new. Errors:
// AlreadyExists/REQUEST_ID_REUSED, field "request_id", when the earlier request was different.
absl::StatusOr<std::optional<GenerationInfo>> FindRequest(const GenerationSpec& spec,
                                                          const std::vector<GenerationInfo>& generations);

// Returns the gates in a manifest. A manifest of an earlier version has none; the result is then the defaults.
v1::GenerationGates GatesOf(const storage::v1::GenerationManifest& manifest);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_GENERATIONS_GENERATION_REQUEST_H_
