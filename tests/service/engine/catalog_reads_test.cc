#include "service/engine/catalog_reads.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/engine/engine_fixture.h"

namespace semblance::testing {
namespace {

using ::testing::ElementsAre;

class CatalogReadsTest : public ::testing::Test, public EngineFixture {};

TEST_F(CatalogReadsTest, ListsEveryItemOnceAPageAtATime) {
  ASSERT_OK(Start("model"));
  for (uint32_t i = 0; i < 7; ++i) {
    ASSERT_OK(Upsert({ItemOf(absl::StrCat("item", i), i)}));
  }
  std::vector<std::string> ids;
  std::string token;
  do {
    const auto page = Await<service::ItemPage>([&](auto done) { engine().List(3, token, Now(), done); });
    ASSERT_OK(page);
    EXPECT_LE(page->items.size(), 3u);
    for (const catalog::CatalogItem& item : page->items) {
      ids.push_back(item.id);
    }
    token = page->next_page_token;
  } while (!token.empty());
  EXPECT_THAT(ids, ElementsAre("item0", "item1", "item2", "item3", "item4", "item5", "item6"));
}

TEST_F(CatalogReadsTest, RefusesPageTokensOfOthersAndPagesThatAreTooLarge) {
  config().mutable_limits()->set_max_page_size(10);
  ASSERT_OK(Start("model"));
  const auto list = [&](int page_size, const std::string& token) {
    return Await<service::ItemPage>([&](auto done) { engine().List(page_size, token, Now(), done); });
  };
  EXPECT_THAT(list(1, "not a token"), HasReason("INVALID_PAGE_TOKEN"));
  EXPECT_THAT(list(1, "aXRlbTE"), HasReason("INVALID_PAGE_TOKEN")) << "base64, but without our prefix";
  EXPECT_THAT(list(11, ""), HasField("page_size"));
  EXPECT_THAT(list(-1, ""), HasField("page_size"));
  EXPECT_OK(list(10, ""));
}

TEST_F(CatalogReadsTest, FindsAnItemWithAndWithoutItsImage) {
  ASSERT_OK(Start("model"));
  ASSERT_OK(Upsert({ItemOf("a", 1)}));
  const auto item = Await<catalog::CatalogItem>([&](auto done) { engine().Find("a", Now(), done); });
  ASSERT_OK(item);
  EXPECT_EQ(item->label, "picture 1");
  const auto with_image = Await<service::CatalogReads::ItemWithImage>([&](auto done) { engine().FindWithImage("a", Now(), done); });
  ASSERT_OK(with_image);
  EXPECT_EQ(with_image->first.sequence, item->sequence);
  EXPECT_EQ(with_image->second, PictureOf(1));
}

TEST_F(CatalogReadsTest, SaysThatAnItemDoesNotExistOrThatItsIdCannot) {
  ASSERT_OK(Start("model"));
  EXPECT_THAT(Await<catalog::CatalogItem>([&](auto done) { engine().Find("a", Now(), done); }), HasReason("ITEM_NOT_FOUND"));
  EXPECT_THAT(Await<catalog::CatalogItem>([&](auto done) { engine().Find("", Now(), done); }), HasReason("INVALID_ID"));
  EXPECT_THAT(Await<service::CatalogReads::ItemWithImage>([&](auto done) { engine().FindWithImage("a", Now(), done); }),
              HasReason("ITEM_NOT_FOUND"));
  EXPECT_THAT(Await<service::CatalogReads::ItemWithImage>([&](auto done) { engine().FindWithImage("", Now(), done); }),
              HasReason("INVALID_ID"));
}

// A catalog that has lost the image of its item.
class CatalogWithoutImages final : public catalog::Catalog {
 public:
  void Upsert(std::vector<catalog::ItemWrite> /*items*/, WriteCallback /*done*/) override {}
  void Delete(std::vector<std::string> /*ids*/, WriteCallback /*done*/) override {}
  absl::StatusOr<catalog::CatalogItem> Find(absl::string_view id) const override {
    catalog::CatalogItem item;
    item.id = std::string(id);
    item.sequence = 7;
    return item;
  }
  absl::StatusOr<std::string> ReadImage(uint64_t /*sequence*/) const override { return absl::NotFoundError("no such image"); }
  absl::StatusOr<std::vector<catalog::CatalogItem>> List(absl::string_view /*after_id*/, int /*limit*/) const override {
    return std::vector<catalog::CatalogItem>();
  }
  absl::StatusOr<std::vector<catalog::Change>> ReadChanges(uint64_t /*after_sequence*/, int /*limit*/) const override {
    return std::vector<catalog::Change>();
  }
  int64_t item_count() const override { return 1; }
  uint64_t last_sequence() const override { return 7; }
};

TEST(LostImageTest, IsReportedAsDataLossAndDoesNotHoldAThread) {
  CatalogWithoutImages catalog;
  SystemClock clock;
  service::RequestThreads threads({.threads = 1}, &clock);
  service::RequestEnvironment environment;
  environment.limits.set_max_id_bytes(10);
  environment.catalog = &catalog;
  environment.threads = &threads;
  const service::CatalogReads reads(&environment);
  const auto found = Await<service::CatalogReads::ItemWithImage>([&](auto done) { reads.FindWithImage("a", Now(), done); });
  EXPECT_THAT(found, StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(CatalogReadsTest, NeedsNoModel) {
  ASSERT_OK(Start(""));
  EXPECT_OK(Await<service::ItemPage>([&](auto done) { engine().List(0, "", Now(), done); }));
}

}  // namespace
}  // namespace semblance::testing
