#include "trainer/ranks/ranks.h"

#include <torch/torch.h>

#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/testing/status_matchers.h"
#include "tests/trainer/ranks/rank_group.h"

namespace semblance::trainer {
namespace {

using ::testing::HasSubstr;
using testing::RunAsRanks;
using testing::StatusIs;
using testing::StatusMessage;

// Sets what torchrun sets, and removes it at the end of the test.
class RankEnvironmentTest : public ::testing::Test {
 protected:
  RankEnvironmentTest() { Clear(); }
  ~RankEnvironmentTest() override { Clear(); }

  static void Set(const std::map<std::string, std::string>& variables) {
    for (const auto& [name, value] : variables) {
      ::setenv(name.c_str(), value.c_str(), 1);  // NOLINT(concurrency-mt-unsafe): no other thread runs.
    }
  }

  static std::map<std::string, std::string> Complete() {
    return {{"WORLD_SIZE", "4"}, {"RANK", "3"}, {"LOCAL_RANK", "1"}, {"MASTER_ADDR", "10.0.0.7"}, {"MASTER_PORT", "1234"}};
  }

 private:
  static void Clear() {
    for (const char* const name : {"WORLD_SIZE", "RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"}) {
      ::unsetenv(name);  // NOLINT(concurrency-mt-unsafe): no other thread runs.
    }
  }
};

TEST_F(RankEnvironmentTest, IsARunAloneWhereNothingIsSet) {
  ASSERT_OK_AND_ASSIGN(const RankEnvironment environment, RankEnvironment::FromProcess());
  EXPECT_EQ(environment.world_size, 1);
  EXPECT_EQ(environment.rank, 0);
}

TEST_F(RankEnvironmentTest, IsWhatTorchrunSets) {
  Set(Complete());
  ASSERT_OK_AND_ASSIGN(const RankEnvironment environment, RankEnvironment::FromProcess());
  EXPECT_EQ(environment.world_size, 4);
  EXPECT_EQ(environment.rank, 3);
  EXPECT_EQ(environment.local_rank, 1);
  EXPECT_EQ(environment.master_address, "10.0.0.7");
  EXPECT_EQ(environment.master_port, 1234);
}

TEST_F(RankEnvironmentTest, NamesTheVariableThatIsMissingOrOutOfRange) {
  const std::map<std::string, std::string> bad_values = {
      {"WORLD_SIZE", "none"}, {"RANK", "4"}, {"LOCAL_RANK", "-1"}, {"MASTER_PORT", "70000"}};
  for (const auto& [name, value] : bad_values) {
    std::map<std::string, std::string> variables = Complete();
    variables[name] = value;
    Set(variables);
    const absl::Status status = RankEnvironment::FromProcess().status();
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument)) << name;
    EXPECT_THAT(status, StatusMessage(HasSubstr(name + "=" + value)));
  }
  Set(Complete());
  ::unsetenv("MASTER_ADDR");  // NOLINT(concurrency-mt-unsafe): no other thread runs.
  EXPECT_THAT(RankEnvironment::FromProcess().status(), StatusMessage(HasSubstr("MASTER_ADDR")));
}

TEST(RanksTest, ARunAloneExchangesNothing) {
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Ranks> alone, Ranks::Join({}, torch::kCPU));
  EXPECT_TRUE(alone->is_alone());
  EXPECT_TRUE(alone->is_first());
  EXPECT_TRUE(alone->Any(true));
  EXPECT_FALSE(alone->Any(false));
  EXPECT_EQ(alone->FromFirst(0.25), 0.25);
  const torch::Tensor rows = torch::rand({3, 2}).requires_grad_();
  EXPECT_TRUE(alone->Gather(rows).is_same(rows));
  EXPECT_TRUE(alone->GatherWithGradient(rows).is_same(rows));
  torch::Tensor values = torch::ones({2});
  alone->Sum(&values);
  EXPECT_TRUE(torch::equal(values, torch::ones({2})));
}

TEST(RanksTest, AddUpAndCopyValues) {
  RunAsRanks(3, [](const Ranks& ranks) {
    EXPECT_EQ(ranks.world_size(), 3);
    EXPECT_FALSE(ranks.is_alone());
    torch::Tensor sum = torch::full({2}, 10.0F + static_cast<float>(ranks.rank()));
    ranks.Sum(&sum);
    EXPECT_TRUE(torch::equal(sum, torch::full({2}, 33.0F)));
    torch::Tensor copied = torch::full({2}, 5.0F + static_cast<float>(ranks.rank()));
    ranks.CopyFromFirst(&copied);
    EXPECT_TRUE(torch::equal(copied, torch::full({2}, 5.0F)));
    EXPECT_EQ(ranks.FromFirst(0.5 + ranks.rank()), 0.5);
    EXPECT_TRUE(ranks.Any(ranks.rank() == 2));
    EXPECT_FALSE(ranks.Any(false));
  });
}

// Rank r has r rows with the number r.
torch::Tensor OwnRows(const Ranks& ranks) {
  return torch::full({ranks.rank(), 2}, static_cast<float>(ranks.rank()));
}

TEST(RanksTest, GatherTheRowsOfAllInTheOrderOfTheRanks) {
  RunAsRanks(4, [](const Ranks& ranks) {
    const torch::Tensor expected = torch::tensor({1, 2, 2, 3, 3, 3}, torch::kFloat32).unsqueeze(1).expand({6, 2});
    EXPECT_TRUE(torch::equal(ranks.Gather(OwnRows(ranks)), expected));
    EXPECT_TRUE(torch::equal(ranks.GatherWithGradient(OwnRows(ranks)), expected));
  });
}

TEST(RanksTest, GiveEachRankTheGradientOfItsOwnRows) {
  RunAsRanks(3, [](const Ranks& ranks) {
    const torch::Tensor rows = torch::ones({2, 2}).requires_grad_();
    const torch::Tensor weights = torch::arange(12, torch::kFloat32).view({6, 2});
    (ranks.GatherWithGradient(rows) * weights).sum().backward();
    EXPECT_TRUE(torch::equal(rows.grad(), weights.slice(0, 2 * ranks.rank(), 2 * ranks.rank() + 2)));
  });
}

TEST(RanksTest, AddUpGradientsAndAverageSharedOnes) {
  RunAsRanks(2, [](const Ranks& ranks) {
    const float number = ranks.is_first() ? 1 : 3;
    const torch::Tensor first = torch::zeros({2, 2}).requires_grad_();
    const torch::Tensor second = torch::zeros({3}).requires_grad_();
    const torch::Tensor without_gradient = torch::zeros({5}).requires_grad_();
    const torch::Tensor shared = torch::zeros({4}).requires_grad_();
    (number * first.sum() + 10 * number * second.sum() + number * shared.sum()).backward();

    ranks.ReduceGradients({first, without_gradient, second}, shared);

    EXPECT_TRUE(torch::equal(first.grad(), torch::full({2, 2}, 4.0F)));
    EXPECT_TRUE(torch::equal(second.grad(), torch::full({3}, 40.0F)));
    EXPECT_TRUE(torch::equal(shared.grad(), torch::full({4}, 2.0F)));
    EXPECT_FALSE(without_gradient.grad().defined());
  });
}

// This loss compares all pairs of the batch, so it is not a mean over examples. Its gradient still is that of one process.
TEST(RanksTest, ComputeTheGradientOfOneProcess) {
  torch::manual_seed(3);
  const torch::Tensor inputs = torch::randn({6, 4});
  const torch::Tensor start = torch::randn({4, 2});
  const auto loss_of = [](const torch::Tensor& outputs) { return torch::pdist(outputs).logsumexp(0); };
  const torch::Tensor whole = start.clone().requires_grad_();
  loss_of(inputs.matmul(whole)).backward();

  RunAsRanks(3, [&](const Ranks& ranks) {
    const torch::Tensor weights = start.clone().requires_grad_();
    const torch::Tensor own = inputs.slice(0, 2 * ranks.rank(), 2 * ranks.rank() + 2);
    loss_of(ranks.GatherWithGradient(own.matmul(weights))).backward();
    ranks.ReduceGradients({weights}, torch::Tensor());
    EXPECT_TRUE(torch::allclose(weights.grad(), whole.grad(), 1e-4, 1e-6));
  });
}

TEST(RanksTest, ReportARankThatEndedAsUnavailable) {
  const int port = testing::FreePort();
  const auto run = [port](int rank) {
    RankEnvironment environment;
    environment.rank = rank;
    environment.world_size = 2;
    environment.master_port = port;
    const std::unique_ptr<Ranks> ranks = Ranks::Join(environment, torch::kCPU).value();
    EXPECT_FALSE(ranks->Any(false));  // Both are connected.
    if (rank == 1) {
      return;
    }
    const absl::Status status = ranks->CatchErrors([&] {
      // The connection ends some time after the other rank's object.
      for (int i = 0; i < 1'000'000; ++i) {
        ranks->Any(false);
      }
      return absl::OkStatus();
    });
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable));
    EXPECT_THAT(status, StatusMessage(HasSubstr("rank 0 lost another one")));
    EXPECT_TRUE(ranks->has_lost_others());
  };
  std::thread other(run, 1);
  run(0);
  other.join();
}

TEST(RanksTest, KeepTheErrorOfARankWhoseExchangesWork) {
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Ranks> alone, Ranks::Join({}, torch::kCPU));
  EXPECT_THAT(alone->CatchErrors([] { return absl::NotFoundError("no image"); }), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(alone->CatchErrors([]() -> absl::Status { throw std::runtime_error("no memory"); }),
              StatusMessage(HasSubstr("no memory")));
}

}  // namespace
}  // namespace semblance::trainer
