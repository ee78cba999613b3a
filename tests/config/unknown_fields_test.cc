#include "config/unknown_fields.h"

#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "semblance/v1/training_config.pb.h"
#include "tests/testing/status_matchers.h"

namespace semblance::config {
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
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_CONFIG_INVALID);
  EXPECT_EQ(ErrorField(status), "loss.proxy_nca");
  EXPECT_NE(status.message().find("77"), absl::string_view::npos);
}

TEST(CheckNoUnknownFieldsTest, LooksIntoLists) {
  // Any message with lists of messages.
  google::protobuf::FileDescriptorSet files;
  files.add_file();
  google::protobuf::FileOptions* options = files.add_file()->mutable_options();
  EXPECT_OK(CheckNoUnknownFields(files));
  options->GetReflection()->MutableUnknownFields(options)->AddVarint(77, 1);
  EXPECT_EQ(ErrorField(CheckNoUnknownFields(files)), "file[1].options");
}

}  // namespace
}  // namespace semblance::config
