#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/program/version.h"
#include "embedder/embedder.h"
#include "semblance/v1/admin_service.grpc.pb.h"
#include "service/engine/engine.h"
#include "service/rpc/convert.h"
#include "service/rpc/services.h"

namespace semblance::service {
namespace {

v1::ServerState StateToProto(EngineState state) {
  switch (state) {
    case EngineState::kStarting:
      return v1::SERVER_STATE_STARTING;
    case EngineState::kNoModel:
      return v1::SERVER_STATE_NO_MODEL;
    case EngineState::kServing:
      return v1::SERVER_STATE_SERVING;
    case EngineState::kDegraded:
      return v1::SERVER_STATE_DEGRADED;
    case EngineState::kDraining:
      return v1::SERVER_STATE_DRAINING;
  }
  return v1::SERVER_STATE_UNSPECIFIED;
}

std::string ArchitectureName(const storage::v1::Architecture& architecture) {
  switch (architecture.backbone_case()) {
    case storage::v1::Architecture::kSmallConvnet:
      return "small_convnet";
    case storage::v1::Architecture::kResnet:
      return absl::StrCat("resnet", architecture.resnet().depth());
    case storage::v1::Architecture::kBnInception:
      return "bn_inception";
    case storage::v1::Architecture::kTorchScript:
      return "torch_script";
    case storage::v1::Architecture::BACKBONE_NOT_SET:
      break;
  }
  return "unknown";
}

void DescribeModel(const embedder::Embedder& embedder, v1::ModelInfo* proto) {
  const storage::v1::BundleManifest& manifest = embedder.manifest();
  proto->set_name(manifest.name());
  proto->set_embedding_space_id(manifest.embedding_space_id());
  proto->set_dimension(manifest.dimension());
  proto->set_architecture(ArchitectureName(manifest.architecture()));
  proto->set_input_width(manifest.preprocessing().crop_side());
  proto->set_input_height(manifest.preprocessing().crop_side());
  proto->set_input_channels(manifest.preprocessing().channels());
  proto->set_device(embedder.device());
  absl::Time create_time;
  if (absl::ParseTime(absl::RFC3339_full, manifest.create_time(), &create_time, nullptr)) {
    ToProto(create_time, proto->mutable_create_time());
  }
}

void DescribeIndex(const Generation& generation, v1::IndexInfo* proto) {
  const index::IndexStats stats = generation.index().Stats();
  proto->set_live_count(stats.live_rows);
  proto->set_tombstone_count(stats.tombstone_rows);
  proto->set_sealed_segment_count(stats.sealed_segments);
  proto->set_growing_count(stats.growing_rows);
  proto->set_embedded_at_load_count(generation.embedded_at_load_count());
  proto->mutable_segments()->Add(stats.segments.begin(), stats.segments.end());
  proto->set_memory_bytes(stats.memory_bytes);
}

void DescribeRecall(const RecallStats& stats, v1::RecallProbeInfo* proto) {
  proto->set_probe_count(stats.probes);
  if (stats.recall.has_value()) {
    proto->set_recall(*stats.recall);
  }
}

class AdminServiceAdaptor final : public v1::AdminService::CallbackService {
 public:
  AdminServiceAdaptor(Engine* engine, CallTracker* calls) : engine_(engine), calls_(calls) {}

  grpc::ServerUnaryReactor* GetServerInfo(grpc::CallbackServerContext* context, const v1::GetServerInfoRequest* request,
                                          v1::GetServerInfoResponse* response) override {
    return calls_->Run(context, {v1::AdminService::service_full_name(), "GetServerInfo"}, *request, [&](UnaryCall* call) {
      const EngineStatus status = engine_->status();
      response->set_version(std::string(Version()));
      response->set_state(StateToProto(status.state));
      response->set_state_reason(status.reason);
      ToProto(start_time_, response->mutable_start_time());
      response->set_item_count(engine_->item_count());
      *response->mutable_limits() = engine_->config().limits();
      DescribeRecall(engine_->recall(), response->mutable_recall_probe());
      if (status.generation != nullptr) {
        ToProto(status.generation->ProvenanceAt(status.generation->index().applied_sequence()), response->mutable_provenance());
        DescribeModel(status.generation->embedder(), response->mutable_model());
        DescribeIndex(*status.generation, response->mutable_index());
      }
      call->Complete(absl::OkStatus());
    });
  }

 private:
  Engine* const engine_;
  CallTracker* const calls_;
  const absl::Time start_time_ = absl::Now();
};

}  // namespace

std::unique_ptr<grpc::Service> NewAdminService(Engine* engine, CallTracker* calls) {
  return std::make_unique<AdminServiceAdaptor>(engine, calls);
}

}  // namespace semblance::service
