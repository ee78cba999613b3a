#include "bench/reload/testbed.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/file.h"
#include "common/status_macros.h"
#include "semblance/v1/catalog_service.grpc.pb.h"
#include "tests/testing/grpc_health.h"
#include "tests/testing/test_images.h"

namespace semblance::bench {
namespace {

constexpr size_t kItemsPerUpsert = 128;
constexpr int kTrainImages = 8;

std::string Program(const std::string& name) {
  return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / name).string();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Testbed>> Testbed::Start(const std::string& directory) {
  SEMBLANCE_RETURN_IF_ERROR(RemoveAll(directory));
  SEMBLANCE_RETURN_IF_ERROR(CreateDirectories(directory));
  auto testbed = std::unique_ptr<Testbed>(new Testbed(directory));
  SEMBLANCE_RETURN_IF_ERROR(testbed->WriteModels());
  SEMBLANCE_RETURN_IF_ERROR(testbed->StartServer());
  return testbed;
}

std::string Testbed::BundleDir(int version) const {
  return absl::StrCat(directory_, "/data/models/reload/", version);
}

absl::Status Testbed::WriteModels() {
  for (int i = 0; i < kTrainImages; ++i) {
    const std::string folder = absl::StrCat(directory_, "/images/", i % 2);
    SEMBLANCE_RETURN_IF_ERROR(CreateDirectories(folder));
    SEMBLANCE_RETURN_IF_ERROR(WriteFileAtomically(absl::StrCat(folder, "/", i, ".png"),
                                                  testing::EncodePng(testing::SmoothImage(32, 32, 3, static_cast<uint32_t>(i)))));
  }
  const std::string config = directory_ + "/model.textproto";
  SEMBLANCE_RETURN_IF_ERROR(WriteFileAtomically(config, absl::StrCat(R"(
    model_name: "reload"
    data { path: ")",
                                                                     directory_, R"(/images" hold_out: HOLD_OUT_NONE }
    model { input_side: 32 convnet_channels: 16 convnet_channels: 32 convnet_convolutions_per_stage: 1 }
    batch_size: 4
    epochs: 0
  )")));
  for (int version = 1; version <= 2; ++version) {
    const int code =
        testing::RunProgram({Program("semblance-trainer"), "--config=" + config, "--set",
                             absl::StrCat("output_dir=", BundleDir(version)), "--set", absl::StrCat("seed=", version)});
    if (code != 0) {
      return absl::InternalError(absl::StrCat("semblance-trainer ended with ", code));
    }
  }
  return absl::OkStatus();
}

absl::Status Testbed::StartServer() {
  const std::string config = directory_ + "/server.textproto";
  // The index is exact, like the oracle. Models are registered at once.
  SEMBLANCE_RETURN_IF_ERROR(WriteFileAtomically(config, "index { factory: \"Flat\" }\nmodel_registry { watch_seconds: 1 }\n"));
  server_ = std::make_unique<testing::Process>(
      std::vector<std::string>{Program("semblance-server"), absl::StrCat("--data_dir=", directory_, "/data"), "--config=" + config,
                               "--model=" + BundleDir(1), "--listen=127.0.0.1:0"});
  const std::string line = server_->ReadLine();
  absl::string_view address = line;
  if (!absl::ConsumePrefix(&address, "listening on ")) {
    return absl::InternalError(absl::StrCat("the server did not start: ", line));
  }
  address_ = std::string(address);
  channel_ = grpc::CreateChannel(address_, grpc::InsecureChannelCredentials());
  return testing::AwaitServing(channel_.get()) ? absl::OkStatus() : absl::InternalError("the server ended before it was ready");
}

absl::Status Testbed::Ingest(const Oracle& oracle) {
  const auto stub = v1::CatalogService::NewStub(channel_);
  for (size_t begin = 0; begin < oracle.items().size(); begin += kItemsPerUpsert) {
    v1::UpsertItemsRequest request;
    for (size_t i = begin; i < std::min(begin + kItemsPerUpsert, oracle.items().size()); ++i) {
      v1::Item* item = request.add_items();
      item->set_id(Oracle::ItemId(i));
      item->set_image(oracle.items()[i]);
    }
    grpc::ClientContext context;
    v1::UpsertItemsResponse response;
    const grpc::Status status = stub->UpsertItems(&context, request, &response);
    if (!status.ok()) {
      return absl::InternalError(absl::StrCat("ingest: ", status.error_message()));
    }
  }
  return absl::OkStatus();
}

ProcessSize Testbed::Size() const {
  ProcessSize size;
  const std::string proc = absl::StrCat("/proc/", server_->pid());
  const absl::StatusOr<std::string> status = ReadFile(proc + "/status");
  for (absl::string_view line : absl::StrSplit(status.ok() ? *status : "", '\n')) {
    if (absl::ConsumePrefix(&line, "VmRSS:")) {
      (void)absl::SimpleAtoi(absl::StripSuffix(line, "kB"), &size.memory_kib);
    } else if (absl::ConsumePrefix(&line, "Threads:")) {
      (void)absl::SimpleAtoi(line, &size.threads);
    }
  }
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(proc + "/fd", ignored)) {
    (void)entry;
    ++size.descriptors;
  }
  return size;
}

}  // namespace semblance::bench
