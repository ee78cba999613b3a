#include "service/rpc/convert.h"

#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"

namespace semblance::service {
namespace {

TEST(ConvertTest, QueriesKeepTheirKind) {
  v1::Query query;
  EXPECT_TRUE(std::holds_alternative<std::monostate>(FromProto(query)));
  query.set_image("bytes");
  EXPECT_EQ(std::get<ImageQuery>(FromProto(query)).bytes, "bytes");
  query.mutable_embedding()->add_values(0.5F);
  query.mutable_embedding()->set_embedding_space_id("space");
  EXPECT_EQ(std::get<VectorQuery>(FromProto(query)).values, std::vector<float>({0.5F}));
  query.set_item_id("a");
  EXPECT_EQ(std::get<ItemQuery>(FromProto(query)).id, "a");
}

TEST(ConvertTest, AttributesSurviveTheRoundTripWithTheirTypes) {
  const catalog::Attributes attributes = {{"b", true}, {"d", 2.0}, {"i", int64_t{-7}}, {"s", std::string("x")}};
  v1::Item item;
  item.set_id("a");
  ToProto(attributes, item.mutable_attributes());
  ASSERT_OK_AND_ASSIGN(const catalog::ItemWrite write, FromProto(item));
  EXPECT_EQ(write.attributes, attributes);
  EXPECT_EQ(write.label, std::nullopt);
}

TEST(ConvertTest, RefusesAnAttributeWithoutValue) {
  v1::Item item;
  (*item.mutable_attributes())["empty"];
  EXPECT_THAT(FromProto(item), testing::HasField("attributes[empty]"));
}

TEST(ConvertTest, AnEmptyLabelIsNotAMissingOne) {
  v1::Item item;
  item.set_label("");
  ASSERT_OK_AND_ASSIGN(const catalog::ItemWrite write, FromProto(item));
  EXPECT_EQ(write.label, "");
}

TEST(ConvertTest, StagesThatDidNotHappenAreAbsent) {
  v1::Latency latency;
  ToProto({.search = absl::Microseconds(1500), .total = absl::Milliseconds(2)}, &latency);
  EXPECT_FALSE(latency.has_decode());
  EXPECT_EQ(latency.search().nanos(), 1'500'000);
  EXPECT_EQ(latency.total().nanos(), 2'000'000);
}

TEST(ConvertTest, TimesBeforeTheEpochKeepPositiveNanos) {
  google::protobuf::Timestamp timestamp;
  ToProto(absl::UnixEpoch() - absl::Milliseconds(250), &timestamp);
  EXPECT_EQ(timestamp.seconds(), -1);
  EXPECT_EQ(timestamp.nanos(), 750'000'000);
}

}  // namespace
}  // namespace semblance::service
