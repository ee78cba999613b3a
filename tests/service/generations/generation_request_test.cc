#include "service/generations/generation_request.h"

#include <string>
#include <vector>

#include "common/file.h"
#include "common/json_proto.h"
#include "gmock/gmock.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::testing {
namespace {

using service::ActivationPolicy;
using storage::v1::GenerationManifest;

service::GenerationSpec SpecOf(const std::string& request_id) {
  service::GenerationSpec spec;
  spec.bundle_dir = "/models/shoes/4";
  spec.request_id = request_id;
  return spec;
}

service::GenerationInfo MadeBy(const service::GenerationSpec& spec) {
  service::GenerationInfo info;
  info.manifest = service::ManifestOf(spec);
  info.manifest.set_id("gen-000002");
  return info;
}

TEST(GenerationRequestTest, TheManifestKeepsWhatWasAskedFor) {
  service::GenerationSpec spec = SpecOf("once");
  spec.model_version = 4;
  spec.index_factory = "Flat";
  spec.gates.set_min_index_recall(0.9);
  spec.gates.set_label_recall_tolerance(0.02);
  spec.gates.set_sample_size(10);
  spec.policy = ActivationPolicy::kIfBetter;
  spec.recall_tolerance = 0.01;
  const GenerationManifest manifest = service::ManifestOf(spec);
  EXPECT_EQ(manifest.model_version(), 4);
  EXPECT_EQ(manifest.index_factory(), "Flat");
  EXPECT_EQ(manifest.policy(), GenerationManifest::POLICY_IF_BETTER);
  EXPECT_EQ(manifest.activation_policy(), "") << "only earlier versions wrote it";
  EXPECT_EQ(manifest.activation_recall_tolerance(), 0.01);
  const v1::GenerationGates gates = service::GatesOf(manifest);
  EXPECT_EQ(gates.min_index_recall(), 0.9);
  EXPECT_EQ(gates.label_recall_tolerance(), 0.02);
  EXPECT_EQ(gates.sample_size(), 10);
}

TEST(GenerationRequestTest, AManifestWithoutGatesHasTheDefaults) {
  const v1::GenerationGates gates = service::GatesOf({});
  EXPECT_EQ(gates.min_index_recall(), 0.95);
  EXPECT_FALSE(gates.has_label_recall_tolerance());
  EXPECT_EQ(gates.sample_size(), 1000);
}

TEST(GenerationRequestTest, EveryPolicyIsReadBack) {
  for (const ActivationPolicy policy : {ActivationPolicy::kManual, ActivationPolicy::kAlways, ActivationPolicy::kIfBetter}) {
    GenerationManifest manifest;
    service::SetPolicy(policy, manifest);
    EXPECT_EQ(service::PolicyOf(manifest), policy);
  }
  EXPECT_EQ(service::PolicyOf({}), ActivationPolicy::kManual);
}

TEST(GenerationRequestTest, ReadsThePolicyOfAManifestThatAnEarlierVersionHasWritten) {
  const TempDir dir;
  const std::vector<std::pair<std::string, ActivationPolicy>> policies = {
      {"manual", ActivationPolicy::kManual}, {"always", ActivationPolicy::kAlways}, {"if_better", ActivationPolicy::kIfBetter}};
  for (const auto& [text, policy] : policies) {
    ASSERT_OK(WriteFileAtomically(dir.Join("manifest.json"), "{\"activationPolicy\": \"" + text + "\"}"));
    GenerationManifest manifest;
    ASSERT_OK(ReadJsonProto(dir.Join("manifest.json"), &manifest));
    EXPECT_EQ(service::PolicyOf(manifest), policy) << text;
  }
  // If both fields are set, the enum counts.
  GenerationManifest both;
  both.set_activation_policy("always");
  service::SetPolicy(ActivationPolicy::kManual, both);
  EXPECT_EQ(service::PolicyOf(both), ActivationPolicy::kManual);
}

TEST(GenerationRequestTest, ARequestWithoutAnIdIsAlwaysNew) {
  EXPECT_EQ(service::FindRequest(SpecOf(""), {MadeBy(SpecOf(""))})->has_value(), false);
}

TEST(GenerationRequestTest, FindsWhatTheSameRequestHasMade) {
  const auto found = service::FindRequest(SpecOf("once"), {MadeBy(SpecOf("other")), MadeBy(SpecOf("once"))});
  ASSERT_OK(found);
  ASSERT_TRUE(found->has_value());
  EXPECT_EQ((*found)->manifest.request_id(), "once");
  EXPECT_FALSE(service::FindRequest(SpecOf("new"), {MadeBy(SpecOf("once"))})->has_value());
}

TEST(GenerationRequestTest, AnIdThatCameWithAnotherRequestIsRefused) {
  service::GenerationSpec changed = SpecOf("once");
  changed.policy = ActivationPolicy::kAlways;
  const auto refused = service::FindRequest(changed, {MadeBy(SpecOf("once"))});
  EXPECT_THAT(refused, HasReason("REQUEST_ID_REUSED"));
  EXPECT_THAT(refused, HasField("request_id"));
}

}  // namespace
}  // namespace semblance::testing
