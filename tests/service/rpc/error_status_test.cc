#include "service/rpc/error_status.h"

#include "common/error.h"
#include "google/rpc/error_details.pb.h"
#include "gtest/gtest.h"

namespace semblance::service {
namespace {

TEST(ErrorStatusTest, OkStaysOk) {
  EXPECT_TRUE(ToGrpcStatus(absl::OkStatus()).ok());
}

TEST(ErrorStatusTest, CarriesReasonFieldAndRetryDelay) {
  const absl::Status status =
      WithRetryDelay(InvalidField("top_k", v1::ERROR_REASON_LIMIT_EXCEEDED, "top_k is 0"), absl::Milliseconds(1500));
  const grpc::Status converted = ToGrpcStatus(status);
  EXPECT_EQ(converted.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(converted.error_message(), "top_k is 0");
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(converted.error_details()));
  EXPECT_EQ(details.code(), 3);
  EXPECT_EQ(details.message(), "top_k is 0");
  ASSERT_EQ(details.details_size(), 3);
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(details.details(0).UnpackTo(&info));
  EXPECT_EQ(info.reason(), "LIMIT_EXCEEDED");
  EXPECT_EQ(info.domain(), "semblance");
  google::rpc::BadRequest bad_request;
  ASSERT_TRUE(details.details(1).UnpackTo(&bad_request));
  EXPECT_EQ(bad_request.field_violations(0).field(), "top_k");
  google::rpc::RetryInfo retry;
  ASSERT_TRUE(details.details(2).UnpackTo(&retry));
  EXPECT_EQ(retry.retry_delay().seconds(), 1);
  EXPECT_EQ(retry.retry_delay().nanos(), 500'000'000);
}

TEST(ErrorStatusTest, APlainStatusHasNoDetails) {
  const grpc::Status converted = ToGrpcStatus(absl::NotFoundError("nothing here"));
  EXPECT_EQ(converted.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(converted.error_details(), "");
}

}  // namespace
}  // namespace semblance::service
