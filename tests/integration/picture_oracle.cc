#include "tests/integration/picture_oracle.h"

#include <grpcpp/grpcpp.h>

#include <cmath>
#include <cstdlib>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "semblance/v1/embedding_service.grpc.pb.h"
#include "tests/integration/small_model.h"

namespace semblance::testing {
namespace {

constexpr int kPatterns = 12;

}  // namespace

PictureOracle::PictureOracle() {
  for (int picture = 0; picture < kPictures; ++picture) {
    images_.push_back(PatternImage(picture % kPatterns, picture));
  }
}

int PictureOracle::PictureOf(const std::string& item_id) {
  return std::atoi(item_id.c_str() + item_id.rfind('/') + 1);
}

std::string PictureOracle::Learn(const std::shared_ptr<grpc::Channel>& channel) {
  v1::EmbedImagesRequest request;
  for (const std::string& image : images_) {
    request.add_images(image);
  }
  v1::EmbedImagesResponse response;
  grpc::ClientContext context;
  const grpc::Status status = v1::EmbeddingService::NewStub(channel)->EmbedImages(&context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  const std::string space = response.provenance().embedding_space_id();
  std::vector<std::vector<float>>& vectors = vectors_[space];
  vectors.clear();
  for (const v1::Embedding& embedding : response.embeddings()) {
    vectors.emplace_back(embedding.values().begin(), embedding.values().end());
  }
  return space;
}

double PictureOracle::Score(const std::string& space, int a, int b) const {
  const std::vector<std::vector<float>>& vectors = vectors_.at(space);
  const std::vector<float>& x = vectors.at(static_cast<size_t>(a));
  const std::vector<float>& y = vectors.at(static_cast<size_t>(b));
  return std::inner_product(x.begin(), x.end(), y.begin(), 0.0);
}

double PictureOracle::Distance(const std::string& space, const std::string& other) const {
  double sum = 0;
  for (int a = 0; a < kPictures; ++a) {
    for (int b = 0; b < a; ++b) {
      sum += std::abs(Score(space, a, b) - Score(other, a, b));
    }
  }
  return sum / (kPictures * (kPictures - 1) / 2.0);
}

std::vector<std::pair<int, int>> PictureOracle::MutualPairs(const std::string& space) const {
  std::vector<int> nearest;
  for (int a = 0; a < kPictures; ++a) {
    int best = a == 0 ? 1 : 0;
    for (int b = 0; b < kPictures; ++b) {
      best = b != a && Score(space, a, b) > Score(space, a, best) ? b : best;
    }
    nearest.push_back(best);
  }
  std::vector<std::pair<int, int>> pairs;
  for (int a = 0; a < kPictures; ++a) {
    const int b = nearest[static_cast<size_t>(a)];
    if (a < b && nearest[static_cast<size_t>(b)] == a) {
      pairs.emplace_back(a, b);
    }
  }
  return pairs;
}

std::string PictureOracle::FaultOf(const v1::SearchResponse& answer, int picture) const {
  const std::string& space = answer.provenance().embedding_space_id();
  if (answer.provenance().generation().empty() || vectors_.count(space) == 0) {
    return absl::StrCat("the answer names generation \"", answer.provenance().generation(), "\" and space \"", space, "\"");
  }
  float last = 2;
  for (const v1::Neighbor& neighbor : answer.result().neighbors()) {
    const double expected = Score(space, picture, PictureOf(neighbor.item_id()));
    if (std::abs(neighbor.score() - expected) > kTolerance) {
      return absl::StrCat("in ", answer.provenance().generation(), " picture ", picture, " has the score ", neighbor.score(),
                          " with ", neighbor.item_id(), "; in its space it is ", expected);
    }
    if (neighbor.score() > last) {
      return absl::StrCat("the neighbours of picture ", picture, " are not in order");
    }
    last = neighbor.score();
  }
  return "";
}

}  // namespace semblance::testing
