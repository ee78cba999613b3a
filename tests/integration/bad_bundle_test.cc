// Registers bad bundles with a running server. Each is refused with its exact reason, and the active generation continues to
// answer.
#include <grpcpp/grpcpp.h>

#include <filesystem>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/file.h"
#include "embedder/bundle/bundle.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "semblance/v1/search_service.grpc.pb.h"
#include "tests/integration/generation_client.h"
#include "tests/integration/generation_world.h"
#include "tests/testing/status_matchers.h"

namespace semblance::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr char kModelFile[] = "model.safetensors";

class BadBundleTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    world_ = new GenerationWorld(0);
    copy_ = new WorldCopy(world_);
    server_ = copy_->Start().release();
  }
  static void TearDownTestSuite() {
    delete server_;
    delete copy_;
    delete world_;
  }

  // Must hold after every case: nothing new is registered, and the active generation answers as before.
  void TearDown() override {
    v1::ListModelsResponse models;
    grpc::ClientContext context;
    ASSERT_TRUE(v1::ModelService::NewStub(server_->channel())->ListModels(&context, {}, &models).ok());
    EXPECT_EQ(models.models_size(), 2);
    EXPECT_EQ(Client().List().active(), kFirstGeneration);
    v1::SearchRequest request;
    request.mutable_query()->set_image(world_->oracle().image(7));
    request.set_top_k(5);
    v1::SearchResponse response;
    grpc::ClientContext search_context;
    const RichError error = Describe(v1::SearchService::NewStub(server_->channel())->Search(&search_context, request, &response));
    ASSERT_TRUE(error.ok()) << error;
    EXPECT_EQ(response.provenance().generation(), kFirstGeneration);
    EXPECT_EQ(world_->oracle().FaultOf(response, 7), "");
    EXPECT_EQ(response.result().neighbors(0).item_id(), "base/7");
  }

  static GenerationClient Client() { return GenerationClient(server_->channel()); }
  static std::string Root() { return copy_->data_dir() + "/models"; }

  // Makes a good bundle below the root, which a test then damages. Returns its directory.
  static std::string NewBundle(const std::string& name) {
    const std::string directory = absl::StrCat(Root(), "/", name);
    EXPECT_OK(embedder::CopyBundle(world_->bundle(), directory));
    return directory;
  }

  static std::string Read(const std::string& path) {
    absl::StatusOr<std::string> content = ReadFile(path);
    EXPECT_OK(content.status());
    return *std::move(content);
  }

  static void ExpectRefused(const std::string& path, grpc::StatusCode code, const std::string& reason, const std::string& what) {
    const RichError error = Client().TryRegister(path);
    EXPECT_EQ(error.code, code) << error;
    EXPECT_EQ(error.reason, reason) << error;
    EXPECT_THAT(error.message, HasSubstr(what));
    EXPECT_EQ(error.field, reason == "PATH_OUTSIDE_ROOT" ? "path" : "");
  }

  static GenerationWorld* world_;
  static WorldCopy* copy_;
  static ServerProcess* server_;
};

GenerationWorld* BadBundleTest::world_ = nullptr;
WorldCopy* BadBundleTest::copy_ = nullptr;
ServerProcess* BadBundleTest::server_ = nullptr;

TEST_F(BadBundleTest, AMissingFile) {
  ASSERT_OK(RemoveAll(absl::StrCat(NewBundle("missing"), "/", kModelFile)));
  ExpectRefused("missing", grpc::StatusCode::DATA_LOSS, "DIGEST_MISMATCH", "model.safetensors is missing");
}

TEST_F(BadBundleTest, ATruncatedFile) {
  const std::string file = absl::StrCat(NewBundle("truncated"), "/", kModelFile);
  fs::resize_file(file, fs::file_size(file) - 1);
  ExpectRefused("truncated", grpc::StatusCode::DATA_LOSS, "DIGEST_MISMATCH", kModelFile);
}

TEST_F(BadBundleTest, AFlippedByte) {
  const std::string file = absl::StrCat(NewBundle("flipped"), "/", kModelFile);
  std::string content = Read(file);
  content[content.size() / 2] = static_cast<char>(content[content.size() / 2] ^ 1);
  ASSERT_OK(WriteFileAtomically(file, content));
  ExpectRefused("flipped", grpc::StatusCode::DATA_LOSS, "DIGEST_MISMATCH", "sha256");
}

TEST_F(BadBundleTest, AnotherDimensionThanThatOfItsWeights) {
  const std::string file = absl::StrCat(NewBundle("dimension"), "/", embedder::kBundleManifestFile);
  const std::string manifest = Read(file);
  const std::string spoilt = absl::StrReplaceAll(manifest, {{"\"dimension\": 8", "\"dimension\": 9"}});
  ASSERT_NE(spoilt, manifest);
  ASSERT_OK(WriteFileAtomically(file, spoilt));
  ExpectRefused("dimension", grpc::StatusCode::FAILED_PRECONDITION, "MANIFEST_INVALID", "9");
}

TEST_F(BadBundleTest, AManifestThatIsCutOff) {
  const std::string file = absl::StrCat(NewBundle("cut"), "/", embedder::kBundleManifestFile);
  fs::resize_file(file, fs::file_size(file) / 2);
  ExpectRefused("cut", grpc::StatusCode::FAILED_PRECONDITION, "MANIFEST_INVALID", "JSON");
}

TEST_F(BadBundleTest, NoManifestWhileItIsCopied) {
  const std::string directory = NewBundle("copying");
  ASSERT_OK(RemoveAll(absl::StrCat(directory, "/", embedder::kBundleManifestFile)));
  ExpectRefused("copying", grpc::StatusCode::NOT_FOUND, "BUNDLE_NOT_FOUND", embedder::kBundleManifestFile);
  ExpectRefused("nowhere", grpc::StatusCode::NOT_FOUND, "BUNDLE_NOT_FOUND", "nowhere");
}

TEST_F(BadBundleTest, PathsThatLeaveTheRoot) {
  // The bundle exists, but not below the root.
  ASSERT_OK(embedder::CopyBundle(world_->bundle(), copy_->Join("outside")));
  for (const std::string& path : {std::string("../../outside"), std::string("patterns/../../../outside"), copy_->Join("outside"),
                                  std::string("/etc"), std::string("..")}) {
    ExpectRefused(path, grpc::StatusCode::INVALID_ARGUMENT, "PATH_OUTSIDE_ROOT", "model root");
  }
}

TEST_F(BadBundleTest, LinksThatLeaveTheRoot) {
  ASSERT_OK(embedder::CopyBundle(world_->bundle(), copy_->Join("elsewhere")));
  fs::create_directory_symlink(copy_->Join("elsewhere"), Root() + "/linked");
  ExpectRefused("linked", grpc::StatusCode::INVALID_ARGUMENT, "PATH_OUTSIDE_ROOT", "linked");

  const std::string file = absl::StrCat(NewBundle("linked_file"), "/", kModelFile);
  ASSERT_OK(RemoveAll(file));
  fs::create_symlink(absl::StrCat(copy_->Join("elsewhere"), "/", kModelFile), file);
  ExpectRefused("linked_file", grpc::StatusCode::INVALID_ARGUMENT, "PATH_OUTSIDE_ROOT", kModelFile);
}

TEST_F(BadBundleTest, AFileNameInTheManifestThatLeavesTheBundle) {
  const std::string file = absl::StrCat(NewBundle("names"), "/", embedder::kBundleManifestFile);
  const std::string manifest = Read(file);
  const std::string spoilt = absl::StrReplaceAll(manifest, {{"\"proxies.safetensors\"", "\"../patterns/1/proxies.safetensors\""}});
  ASSERT_NE(spoilt, manifest);
  ASSERT_OK(WriteFileAtomically(file, spoilt));
  ExpectRefused("names", grpc::StatusCode::FAILED_PRECONDITION, "MANIFEST_INVALID", "no plain file name");
}

// The bundle is good when it is registered, and damaged when a generation is built from it.
TEST_F(BadBundleTest, ARegisteredBundleThatIsDamagedLaterMakesNoGeneration) {
  const std::string file = Root() + "/patterns/2/" + kModelFile;
  const std::string content = Read(file);
  std::string damaged = content;
  damaged.back() = static_cast<char>(damaged.back() ^ 1);
  ASSERT_OK(WriteFileAtomically(file, damaged));
  v1::CreateGenerationRequest request;
  request.set_model(kOtherModel);
  v1::CreateGenerationResponse response;
  grpc::ClientContext context;
  const RichError error =
      Describe(v1::GenerationService::NewStub(server_->channel())->CreateGeneration(&context, request, &response));
  EXPECT_EQ(error.code, grpc::StatusCode::DATA_LOSS) << error;
  EXPECT_EQ(error.reason, "DIGEST_MISMATCH") << error;
  EXPECT_EQ(Client().List().generations_size(), 1);
  ASSERT_OK(WriteFileAtomically(file, content));
}

}  // namespace
}  // namespace semblance::testing
