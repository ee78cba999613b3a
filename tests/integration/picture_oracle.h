// Knows the right answers: the vectors of a small set of pictures in each embedding space, and the scores that follow from them.
//
// The id of an item ends with the number of its picture ("base/17" shows picture 17). So every score of every answer can be
// compared with the score in the space that the answer names. A query that one model embedded and that was searched among the
// vectors of another does not fit, and neither does a list that mixes the two.
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

  // Embeds all pictures with the model that answers on the channel. Returns the id of its space. An error is a test failure.
  std::string Learn(const std::shared_ptr<grpc::Channel>& channel);

  // REQUIRES: Learn was called for the space.
  double Score(const std::string& space, int a, int b) const;

  // Returns the mean difference of the scores of the same pairs of pictures. For two spaces that tests must distinguish, it must be
  // far above the tolerance of FaultOf.
  double Distance(const std::string& space, const std::string& other) const;

  // Returns the pairs of pictures that are each other's nearest in the space.
  std::vector<std::pair<int, int>> MutualPairs(const std::string& space) const;

  // Describes what is wrong with the answer to a search for a picture. Returns an empty text if nothing is.
  std::string FaultOf(const v1::SearchResponse& answer, int picture) const;

  // Scores differ only by rounding, because a network's sums depend a little on the batch.
  static constexpr double kTolerance = 1e-3;

 private:
  std::vector<std::string> images_;
  // The vectors by space, then by picture.
  std::map<std::string, std::vector<std::vector<float>>> vectors_;
};

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_INTEGRATION_PICTURE_ORACLE_H_
