#include "index/index_spec.h"

#include "tests/testing/status_matchers.h"

namespace semblance::index {
namespace {

using ::testing::HasSubstr;
using testing::StatusIs;
using testing::StatusMessage;
using Kind = IndexSpec::Kind;

TEST(IndexSpec, ReadsTheFactoryStringsAndWritesThemAgain) {
  for (const char* const factory :
       {"auto", "Flat", "HNSW4", "HNSW128", "HNSW16,SQ8,RFlat", "IVF0,Flat", "IVF1024,Flat", "IVF256,PQ16,RFlat"}) {
    ASSERT_OK_AND_ASSIGN(const IndexSpec spec, ParseIndexSpec(factory));
    EXPECT_EQ(ToString(spec), factory);
  }
  ASSERT_OK_AND_ASSIGN(const IndexSpec graph, ParseIndexSpec("HNSW32,Flat"));
  EXPECT_EQ(graph, (IndexSpec{.kind = Kind::kHnsw, .hnsw_m = 32}));
  ASSERT_OK_AND_ASSIGN(const IndexSpec lists, ParseIndexSpec("IVF7,PQ4,RFlat"));
  EXPECT_EQ(lists, (IndexSpec{.kind = Kind::kIvfPq, .lists = 7, .pq_bytes = 4, .mapped = true}));
}

TEST(IndexSpec, RefusesWhatItDoesNotKnow) {
  for (const char* const factory : {"", "flat", "HNSW", "HNSW3", "HNSW129", "HNSW16,PQ4", "HNSW16,SQ8", "IVF", "IVF-1,Flat", "IVF8",
                                    "IVF8,PQ4", "IVF8,PQ0,RFlat", "IVF8,PQ4,RFlat,", "Flat,Flat", "auto,Flat", "LSH"}) {
    EXPECT_THAT(ParseIndexSpec(factory), StatusIs(absl::StatusCode::kInvalidArgument)) << factory;
  }
  EXPECT_THAT(ParseIndexSpec("LSH").status(), StatusMessage(HasSubstr("HNSW16")));
}

TEST(IndexSpec, AProductQuantizerNeedsAMultipleOfItsBytes) {
  const auto fits = [](const char* factory, int dimension) { return ValidateIndexSpec(*ParseIndexSpec(factory), dimension); };
  EXPECT_OK(fits("IVF16,PQ8,RFlat", 64));
  EXPECT_OK(fits("IVF16,PQ64,RFlat", 64));
  EXPECT_OK(fits("auto", 7));
  EXPECT_OK(fits("HNSW16", 7));
  EXPECT_THAT(fits("IVF16,PQ7,RFlat", 64), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(fits("IVF16,PQ128,RFlat", 64), StatusMessage(HasSubstr("into 128 equal parts; the dimension 64")));
}

TEST(IndexSpec, AutoChoosesByRowsAndMemoryAndSaysWhy) {
  constexpr int64_t kGibibyte = int64_t{1} << 30;
  const auto choose = [](int64_t segment_rows, int64_t index_rows, int64_t budget) {
    return ChooseIndexSpec({}, 64, segment_rows, index_rows, budget);
  };
  EXPECT_EQ(choose(500, 10'000'000, kGibibyte).spec.kind, Kind::kFlat);
  EXPECT_EQ(ToString(choose(100'000, 1'000'000, kGibibyte).spec), "HNSW16");
  EXPECT_EQ(ToString(choose(100'000, 4'000'000, kGibibyte).spec), "HNSW16,SQ8,RFlat");
  EXPECT_EQ(ToString(choose(100'000, 10'000'000, kGibibyte).spec), "IVF0,PQ32,RFlat");
  EXPECT_THAT(choose(100'000, 4'000'000, kGibibyte).why, HasSubstr("1.00 GiB"));
  const IndexSpec fixed = {.kind = Kind::kFlat};
  EXPECT_EQ(ChooseIndexSpec(fixed, 64, 100'000, 100'000, kGibibyte).spec, fixed);
}

TEST(IndexSpec, AutoFindsAProductQuantizerForEveryDimension) {
  for (int dimension = 1; dimension <= 300; ++dimension) {
    const IndexSpec spec = ChooseIndexSpec({}, dimension, 100'000, 1'000'000'000, 1).spec;
    ASSERT_EQ(spec.kind, Kind::kIvfPq);
    EXPECT_EQ(dimension % spec.pq_bytes, 0) << dimension;
  }
}

}  // namespace
}  // namespace semblance::index
