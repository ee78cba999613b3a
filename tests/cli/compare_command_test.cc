#include "cli/compare_command.h"

#include <nlohmann/json.hpp>
#include <string>

#include "common/file.h"
#include "common/program/process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cli/command_fixture.h"
#include "tests/cli/generation_messages.h"

namespace semblance::cli {
namespace {

using ::semblance::testing::CommandFixture;
using ::semblance::testing::MakeGeneration;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Both generations find nothing for every query.
class CompareCommandTest : public CommandFixture {
 protected:
  CompareCommandTest() {
    server_.generations.get.answer = [](const v1::GetGenerationRequest& request, v1::GetGenerationResponse* response) {
      *response->mutable_generation() = MakeGeneration(request.generation(), v1::GENERATION_STATE_READY);
      return grpc::Status::OK;
    };
    server_.search.answer = [](const v1::SearchRequest& request, v1::SearchResponse* response) {
      response->mutable_provenance()->set_generation(request.generation());
      return grpc::Status::OK;
    };
  }

  const std::string page_ = dir_.Join("compare.html");
  const std::string query_ = MakeFile("query.jpg", "\xFF\xD8\xFF query");
};

TEST_F(CompareCommandTest, WritesThePageAndNamesIt) {
  EXPECT_EQ(Run({"generations", "compare", "gen-000001", "gen-000002", query_, "--out", page_}), kExitDone);
  EXPECT_EQ(out_,
            "generation  model    label precision@8\n"
            "gen-000001  shoes/1  -\n"
            "gen-000002  shoes/2  -\n"
            "\nMean overlap@8: 1.0000 over 1 queries. The page is " +
                page_ + "\n");
  EXPECT_THAT(ReadFile(page_).value_or(""), HasSubstr("<style>\n:root{color-scheme:light dark;"));
}

TEST_F(CompareCommandTest, WhatIsNotKnownIsNullForPrograms) {
  EXPECT_EQ(Run({"generations", "compare", "gen-000001", "gen-000002", query_, "--out=" + page_, "--json"}), kExitDone);
  const nlohmann::json json = nlohmann::json::parse(out_);
  EXPECT_EQ(json["page"], page_);
  EXPECT_EQ(json["top_k"], 8);
  EXPECT_TRUE(json["generations"][0]["label_precision"].is_null());
  EXPECT_EQ(json["queries"][0]["label_precision"], nlohmann::json({nullptr, nullptr}));
  EXPECT_THAT(json["left_out"], IsEmpty());
}

TEST_F(CompareCommandTest, NamesOfFilesNeedNotBeUtf8) {
  const std::string odd = MakeFile("odd-\xff.jpg", "\xFF\xD8\xFF odd");
  EXPECT_EQ(Run({"generations", "compare", "gen-000001", "gen-000002", odd, "--out=" + page_, "--json"}), kExitDone);
  EXPECT_TRUE(nlohmann::json::parse(out_)["queries"][0]["name"].is_string());
}

TEST_F(CompareCommandTest, APageThatCannotBeWrittenIsBadInput) {
  EXPECT_EQ(Run({"generations", "compare", "gen-000001", "gen-000002", query_, "--out=" + dir_.Join("missing/page.html")}),
            kExitBadInput);
  EXPECT_THAT(err_, HasSubstr("missing/page.html"));
  EXPECT_THAT(out_, IsEmpty());
}

TEST_F(CompareCommandTest, TakesTwoGenerationsAndCountsAboveZero) {
  for (const Arguments& args :
       {Arguments{"gen-000001"}, {"gen-000001", "gen-000002", "--count=0"}, {"gen-000001", "gen-000002", "--top_k", "0"}}) {
    Arguments all = {"generations", "compare"};
    all.insert(all.end(), args.begin(), args.end());
    EXPECT_EQ(Run(all), kExitUsage);
  }
}

}  // namespace
}  // namespace semblance::cli
