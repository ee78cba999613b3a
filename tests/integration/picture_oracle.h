// Knows the right answers: the vectors of a small set of pictures in each embedding space, and the scores that follow from
// them.
//
// Items carry the number of their picture at the end of their ids ("base/17" shows picture 17), so that every score of every answer
// can be compared with the one of the space that the answer names; a query embedded by one model and searched among vectors of
// another, or a list that mixes the two, does not fit.
//
// Thread-compatible: const methods may run concurrently.
#ifndef SEMBLANCE_TESTS_INTEGRATION_PICTURE_ORACLE_H_
#define SEMBLANCE_TESTS_INTEGRATION_PICTURE_ORACLE_H_

#include <grpcpp/channel.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "semblance/v1/search_service.pb.h"

namespace semblance::testing {

class PictureOracle {
 public:
  static constexpr int kPictures = 48;

  PictureOracle();

  // An encoded image.
  const std::string& image(int picture) const { return images_[static_cast<size_t>(picture)]; }

  // Returns the picture of an item by its id.
  static int PictureOf(const std::string& item_id);

  // Embeds all pictures with the model that answers there; returns the id of its space. A test failure where that fails.
  std::string Learn(const std::shared_ptr<grpc::Channel>& channel);

  // REQUIRES: the space has been learnt.
  double Score(const std::string& space, int a, int b) const;

  // The mean difference of the scores of the same pairs of pictures: two spaces that are to be told apart must lie far above the
  // tolerance of FaultOf.
  double Distance(const std::string& space, const std::string& other) const;

  // Pairs of pictures that are each other's nearest in the space.
  std::vector<std::pair<int, int>> MutualPairs(const std::string& space) const;

  // Describes what is wrong with the answer to a search for a picture. Empty if nothing is.
  std::string FaultOf(const v1::SearchResponse& answer, int picture) const;

  // Scores differ by rounding alone: a network's sums depend a little on the batch.
  static constexpr double kTolerance = 1e-3;

 private:
  std::vector<std::string> images_;
  // The vectors by space, then by picture.
  std::map<std::string, std::vector<std::vector<float>>> vectors_;
};

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_INTEGRATION_PICTURE_ORACLE_H_
