#include <nlohmann/json.hpp>
#include <string>

#include "common/program/process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cli/command_fixture.h"

namespace semblance::cli {
namespace {

using ::semblance::testing::CommandFixture;
using ::testing::HasSubstr;
using ::testing::Not;

class StatusTest : public CommandFixture {
 protected:
  static void SetProvenance(v1::Provenance& provenance) {
    provenance.set_generation("gen-000001");
    provenance.set_model("shoes");
    provenance.set_embedding_space_id("sha256:ab");
    provenance.set_applied_sequence(7);
  }
};

TEST_F(StatusTest, StatusIsATableForPeople) {
  v1::GetServerInfoResponse info;
  info.set_state(v1::SERVER_STATE_NO_MODEL);
  info.set_state_reason("give --model");
  info.set_version("0.1.0");
  info.set_item_count(12);
  server_.get_server_info.AnswerWith(info);
  EXPECT_EQ(Run({"status"}), kExitDone);
  EXPECT_EQ(out_,
            "state    no_model\n"
            "because  give --model\n"
            "version  0.1.0\n"
            "items    12\n");
}

TEST_F(StatusTest, StatusShowsTheRecallOnceItWasProbed) {
  v1::GetServerInfoResponse info;
  info.mutable_recall_probe()->set_probe_count(0);
  server_.get_server_info.AnswerWith(info);
  EXPECT_EQ(Run({"status"}), kExitDone);
  EXPECT_THAT(out_, Not(HasSubstr("recall")));
  info.mutable_recall_probe()->set_probe_count(12);
  info.mutable_recall_probe()->set_recall(0.9875);
  server_.get_server_info.AnswerWith(info);
  EXPECT_EQ(Run({"status"}), kExitDone);
  EXPECT_THAT(out_, HasSubstr("0.9875 (12 queries probed)"));
}

TEST_F(StatusTest, StatusIsOneDocumentForPrograms) {
  v1::GetServerInfoResponse info;
  info.set_state(v1::SERVER_STATE_SERVING);
  SetProvenance(*info.mutable_provenance());
  server_.get_server_info.AnswerWith(info);
  EXPECT_EQ(Run({"status", "--json"}), kExitDone);
  const auto json = nlohmann::json::parse(out_);
  EXPECT_EQ(json["state"], "SERVER_STATE_SERVING");
  EXPECT_EQ(json["item_count"], "0");
  EXPECT_EQ(json["provenance"]["generation"], "gen-000001");
}

TEST_F(StatusTest, AServerThatCannotBeReachedIsTransient) {
  // Port 1 is reserved, and nothing listens there.
  EXPECT_EQ(RunAlone({"status", "--server=127.0.0.1:1"}), kExitTransient);
  EXPECT_THAT(err_, HasSubstr("is a server listening on 127.0.0.1:1?"));
}

}  // namespace
}  // namespace semblance::cli
