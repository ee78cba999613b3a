#include <grpcpp/grpcpp.h>

#include <map>
#include <memory>
#include <semaphore>
#include <string>
#include <utility>
#include <vector>

#include "bench/reload/load.h"
#include "bench/reload/oracle.h"
#include "gtest/gtest.h"

namespace semblance::bench {
namespace {

constexpr char kOld[] = "gen-000001";
constexpr char kNew[] = "gen-000002";
// There are more items than a search asks for, so that an answer can miss some.
constexpr size_t kItems = 12;
constexpr int kTopK = 10;

std::string SpaceOf(const std::string& generation) {
  return "sha256:" + generation;
}

// There are two queries over 12 items. For one query, the old generation scores the items in descending order, and for the other in
// ascending order. The items 4 and 5 have equal scores, and so have 9, 10 and 11. The new generation scores each query as the old
// one scores the other query.
class OracleTest : public ::testing::Test {
 protected:
  OracleTest() {
    const std::vector<float> forth = {0.95f, 0.9f, 0.85f, 0.8f, 0.7f, 0.7f, 0.6f, 0.5f, 0.4f, 0.3f, 0.3f, 0.3f};
    const std::vector<float> back(forth.rbegin(), forth.rend());
    scores_ = {{forth, back}, {back, forth}};
    oracle_.AddTruth(kOld, {.embedding_space_id = SpaceOf(kOld), .scores = Joined(forth, back)});
    oracle_.AddTruth(kNew, {.embedding_space_id = SpaceOf(kNew), .scores = Joined(back, forth)});
  }

  static std::vector<float> Joined(std::vector<float> first, const std::vector<float>& second) {
    first.insert(first.end(), second.begin(), second.end());
    return first;
  }

  // Returns these items with the scores of the generation, in the name of that generation.
  v1::SearchResponse AnswerOf(const std::string& generation, size_t query, const std::vector<size_t>& items) const {
    v1::SearchResponse answer;
    answer.mutable_provenance()->set_generation(generation);
    answer.mutable_provenance()->set_embedding_space_id(SpaceOf(generation));
    for (const size_t item : items) {
      v1::Neighbor* neighbor = answer.mutable_result()->add_neighbors();
      neighbor->set_item_id(Oracle::ItemId(item));
      neighbor->set_score(scores_[generation == kOld ? 0 : 1][query][item]);
    }
    return answer;
  }

  static void Rename(const std::string& generation, v1::SearchResponse* answer) {
    answer->mutable_provenance()->set_generation(generation);
    answer->mutable_provenance()->set_embedding_space_id(SpaceOf(generation));
  }

  const std::vector<size_t> best_ = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  const std::vector<size_t> best_of_new_ = {11, 10, 9, 8, 7, 6, 5, 4, 3, 2};
  Oracle oracle_{std::vector<std::string>(kItems, "item"), {"one query", "the other"}};

 private:
  // The scores by generation and query.
  std::vector<std::vector<std::vector<float>>> scores_;
};

TEST_F(OracleTest, AgreesWithTheBestItemsAndTheirScores) {
  EXPECT_TRUE(oracle_.Agrees(0, AnswerOf(kOld, 0, best_), kTopK));
  EXPECT_TRUE(oracle_.Agrees(0, AnswerOf(kNew, 0, best_of_new_), kTopK));
  EXPECT_FALSE(oracle_.Agrees(1, AnswerOf(kOld, 0, best_), kTopK));
  // A server on another machine may round differently.
  v1::SearchResponse rounded = AnswerOf(kOld, 0, best_);
  for (v1::Neighbor& neighbor : *rounded.mutable_result()->mutable_neighbors()) {
    neighbor.set_score(neighbor.score() + 5e-4f);
  }
  EXPECT_TRUE(oracle_.Agrees(0, rounded, kTopK));
}

TEST_F(OracleTest, OfItemsThatScoreAlikeAnyMayBeReturnedInAnyOrder) {
  for (const size_t last : {9, 10, 11}) {
    EXPECT_TRUE(oracle_.Agrees(0, AnswerOf(kOld, 0, {0, 1, 2, 3, 5, 4, 6, 7, 8, last}), kTopK)) << last;
  }
  // No tied item may replace a better one, and none may occur twice.
  EXPECT_FALSE(oracle_.Agrees(0, AnswerOf(kOld, 0, {0, 1, 2, 3, 4, 6, 7, 8, 9, 10}), kTopK));
  EXPECT_FALSE(oracle_.Agrees(0, AnswerOf(kOld, 0, {0, 1, 2, 3, 4, 5, 6, 7, 9, 11}), kTopK));
  EXPECT_FALSE(oracle_.Agrees(0, AnswerOf(kOld, 0, {0, 1, 2, 3, 4, 4, 6, 7, 8, 9}), kTopK));
  EXPECT_FALSE(oracle_.Agrees(0, AnswerOf(kOld, 0, {0, 1, 2, 3, 4, 5, 6, 7, 8, 8}), kTopK));
}

TEST_F(OracleTest, AnAnswerThatIsRightForTheOtherGenerationIsNotRight) {
  v1::SearchResponse of_new = AnswerOf(kNew, 0, best_of_new_);
  Rename(kOld, &of_new);
  EXPECT_FALSE(oracle_.Agrees(0, of_new, kTopK));
  v1::SearchResponse of_old = AnswerOf(kOld, 0, best_);
  Rename(kNew, &of_old);
  EXPECT_FALSE(oracle_.Agrees(0, of_old, kTopK));
  // The items are right, but one score is that of the other generation; and the other way round.
  v1::SearchResponse one_score = AnswerOf(kOld, 0, best_);
  one_score.mutable_result()->mutable_neighbors(3)->set_score(0.4f);
  EXPECT_FALSE(oracle_.Agrees(0, one_score, kTopK));
  v1::SearchResponse one_item = AnswerOf(kOld, 0, best_);
  *one_item.mutable_result()->mutable_neighbors(3) = AnswerOf(kNew, 0, {11}).result().neighbors(0);
  EXPECT_FALSE(oracle_.Agrees(0, one_item, kTopK));
  // The answer is right, but it names the space of the other generation.
  v1::SearchResponse other_space = AnswerOf(kOld, 0, best_);
  other_space.mutable_provenance()->set_embedding_space_id(SpaceOf(kNew));
  EXPECT_FALSE(oracle_.Agrees(0, other_space, kTopK));
}

TEST_F(OracleTest, AnAnswerThatIsNoneAgreesWithNothing) {
  EXPECT_FALSE(oracle_.Agrees(0, {}, kTopK));
  EXPECT_FALSE(oracle_.Agrees(0, AnswerOf(kOld, 0, {0, 1, 2}), kTopK));
  EXPECT_TRUE(oracle_.Agrees(0, AnswerOf(kOld, 0, {0, 1, 2}), 3));
  for (const std::string id : {"", "item-", "item-12", "item--1", "other-3"}) {
    v1::SearchResponse foreign = AnswerOf(kOld, 0, best_);
    foreign.mutable_result()->mutable_neighbors(3)->set_item_id(id);
    EXPECT_FALSE(oracle_.Agrees(0, foreign, kTopK)) << id;
  }
  v1::SearchResponse unknown = AnswerOf(kOld, 0, best_);
  Rename("gen-000009", &unknown);
  EXPECT_FALSE(oracle_.Agrees(0, unknown, kTopK));
}

class LoadTest : public OracleTest {
 protected:
  // This server answers as one generation does, but names the other.
  void Serve(const std::string& generation, const std::string& name, grpc::Status status = grpc::Status::OK) {
    for (size_t query = 0; query < 2; ++query) {
      v1::SearchResponse answer = AnswerOf(generation, query, (generation == kOld) == (query == 0) ? best_ : best_of_new_);
      Rename(name, &answer);
      searches_.answers[oracle_.queries()[query]] = std::move(answer);
    }
    searches_.status = std::move(status);
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&searches_);
    server_ = builder.BuildAndStart();
    channel_ = grpc::CreateChannel("127.0.0.1:" + std::to_string(port), grpc::InsecureChannelCredentials());
    // gRPC 1.51 still touches a channel for a moment after the last callback of its calls. So the channels outlive the tests.
    static auto* const channels = new std::vector<std::shared_ptr<grpc::Channel>>;
    channels->push_back(channel_);
  }

  Capacity Measure() { return MeasureCapacity(channel_, oracle_, /*threads=*/2, absl::Milliseconds(50)); }

  // Returns the report of a load of a few searches.
  std::unique_ptr<Load> RunLoad() {
    while (searches_.served.try_acquire()) {  // The searches before this load do not count.
    }
    auto load = std::make_unique<Load>(channel_, &oracle_, /*rate=*/500, /*write_rate=*/0);
    for (int i = 0; i < 5; ++i) {
      searches_.served.acquire();
    }
    load->Stop();
    return load;
  }

 private:
  struct FakeSearch final : public v1::SearchService::Service {
    grpc::Status Search(grpc::ServerContext*, const v1::SearchRequest* request, v1::SearchResponse* response) override {
      *response = answers.at(request->query().image());
      served.release();
      return status;
    }
    grpc::Status status;
    // Is released once for each search.
    std::counting_semaphore<> served{0};
    // The answers by query.
    std::map<std::string, v1::SearchResponse> answers;
  };

  FakeSearch searches_;
  std::unique_ptr<grpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

TEST_F(LoadTest, CountsNothingAgainstRightAnswers) {
  Serve(kOld, kOld);
  const Capacity capacity = Measure();
  EXPECT_GT(capacity.searches, 0);
  EXPECT_GT(capacity.per_second, 0);
  EXPECT_EQ(capacity.failed, 0);
  EXPECT_EQ(capacity.mixed, 0);
  const auto load = RunLoad();
  EXPECT_EQ(load->failed(), 0);
  EXPECT_EQ(load->mixed(), 0);
}

TEST_F(LoadTest, CountsAnswersThatAreRightForTheOtherGenerationAsMixed) {
  Serve(kNew, kOld);
  const Capacity capacity = Measure();
  EXPECT_GT(capacity.searches, 0);
  EXPECT_EQ(capacity.failed, 0);
  EXPECT_EQ(capacity.mixed, capacity.searches);
  const auto load = RunLoad();
  EXPECT_EQ(load->failed(), 0);
  EXPECT_EQ(load->mixed(), load->searches());
}

TEST_F(LoadTest, CountsWhatIsNotAnswered) {
  Serve(kOld, kOld, {grpc::StatusCode::UNAVAILABLE, "no"});
  const Capacity capacity = Measure();
  EXPECT_GT(capacity.searches, 0);
  EXPECT_EQ(capacity.failed, capacity.searches);
  EXPECT_EQ(capacity.per_second, 0);
  const auto load = RunLoad();
  EXPECT_EQ(load->failed(), load->searches());
  EXPECT_EQ(load->mixed(), 0);
}

}  // namespace
}  // namespace semblance::bench
