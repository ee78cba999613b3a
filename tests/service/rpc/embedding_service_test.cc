#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "semblance/v1/embedding_service.grpc.pb.h"
#include "tests/service/rpc/engine_service_fixture.h"

namespace semblance::service {
namespace {

using ::semblance::testing::EngineServiceFixture;
using ::semblance::testing::FieldOf;
using ::semblance::testing::PictureOf;
using ::testing::FloatNear;
using ::testing::Pointwise;
using ::testing::StartsWith;

class EmbeddingServiceTest : public ::testing::Test, protected EngineServiceFixture<v1::EmbeddingService> {
 protected:
  EmbeddingServiceTest() : EngineServiceFixture(NewEmbeddingService) {}

  grpc::Status EmbedImages(const v1::EmbedImagesRequest& request) {
    return Call(&v1::EmbeddingService::Stub::EmbedImages, request, &embedded_);
  }

  v1::EmbedImagesResponse embedded_;
};

TEST_F(EmbeddingServiceTest, EmbedsInTheOrderOfTheImages) {
  v1::EmbedImagesRequest request;
  request.add_images(PictureOf(3));
  request.add_images(PictureOf(4));
  const grpc::Status status = EmbedImages(request);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(embedded_.embeddings_size(), 2);
  EXPECT_THAT(embedded_.embeddings(0).values(), Pointwise(FloatNear(1e-5), VectorOf(3)));
  EXPECT_THAT(embedded_.embeddings(1).values(), Pointwise(FloatNear(1e-5), VectorOf(4)));
  EXPECT_EQ(embedded_.embeddings(0).embedding_space_id(), embedded_.provenance().embedding_space_id());
  EXPECT_THAT(embedded_.embeddings(0).embedding_space_id(), StartsWith("sha256:"));
}

TEST_F(EmbeddingServiceTest, AnErrorNamesTheImage) {
  v1::EmbedImagesRequest request;
  request.add_images(PictureOf(3));
  request.add_images("no image");
  const grpc::Status status = EmbedImages(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(FieldOf(status), "images[1]");
}

TEST_F(EmbeddingServiceTest, NoImagesAreAnError) {
  EXPECT_EQ(FieldOf(EmbedImages(v1::EmbedImagesRequest())), "images");
}

}  // namespace
}  // namespace semblance::service
