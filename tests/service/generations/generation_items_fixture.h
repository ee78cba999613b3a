// A running server with twenty items, and a map that repeats every write.
#ifndef SEMBLANCE_TESTS_SERVICE_GENERATIONS_GENERATION_ITEMS_FIXTURE_H_
#define SEMBLANCE_TESTS_SERVICE_GENERATIONS_GENERATION_ITEMS_FIXTURE_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/service/generations/generation_fixture.h"

namespace semblance::testing {

class GenerationItemsFixture : public ::testing::Test, public GenerationFixture {
 protected:
  // Starts an engine with the items "0" to "19", each with its own picture.
  void StartWithItems() {
    ASSERT_OK(StartAll("model"));
    std::vector<catalog::ItemWrite> items;
    for (uint32_t i = 0; i < 20; ++i) {
      items.push_back(ItemOf(absl::StrCat(i), i));
      model_[absl::StrCat(i)] = i;
    }
    ASSERT_OK(Upsert(std::move(items)));
  }

  void Put(const std::string& id, uint32_t picture) {
    ASSERT_OK(Upsert({ItemOf(id, picture)}));
    model_[id] = picture;
  }

  void Remove(const std::string& id) {
    ASSERT_OK(Delete({id}));
    model_.erase(id);
  }

  // The items that the catalog has, and their pictures.
  std::map<std::string, uint32_t> model_;
};

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_SERVICE_GENERATIONS_GENERATION_ITEMS_FIXTURE_H_
