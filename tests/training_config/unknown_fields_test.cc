#include <gtest/gtest.h>

#include "common/error.h"
#include "semblance/v1/training_config.pb.h"
#include "tests/testing/status_matchers.h"
#include "training_config/config.h"

namespace semblance {
namespace {

TEST(CheckNoUnknownFieldsTest, PassesKnownFields) {
  v1::TrainingConfig config;
  config.mutable_loss()->mutable_proxy_nca()->set_proxy_scale(2);
  EXPECT_OK(CheckNoUnknownFields(config));
}

TEST(CheckNoUnknownFieldsTest, NamesTheMessageThatHasOne) {
  v1::TrainingConfig config;
  v1::ProxyNcaConfig* loss = config.mutable_loss()->mutable_proxy_nca();
  loss->GetReflection()->MutableUnknownFields(loss)->AddVarint(77, 1);
  const absl::Status status = CheckNoUnknownFields(config);
  EXPECT_EQ(ErrorReason(status), "CONFIG_INVALID");
  EXPECT_EQ(ErrorField(status), "loss.proxy_nca");
  EXPECT_NE(status.message().find("77"), absl::string_view::npos);
}

}  // namespace
}  // namespace semblance
