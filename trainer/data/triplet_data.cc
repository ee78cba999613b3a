#include "trainer/data/triplet_data.h"

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/status_macros.h"

namespace semblance::trainer {
namespace {

// The triplets of one split. They name positions in the list of the split's images.
class Side {
 public:
  void Add(const dataset::Triplet& triplet) {
    triplets_.push_back({PositionOf(triplet.anchor), PositionOf(triplet.positive), PositionOf(triplet.negative)});
  }

  void MoveTo(std::vector<int64_t>* images, std::vector<dataset::Triplet>* triplets) {
    *images = std::move(images_);
    *triplets = std::move(triplets_);
  }

 private:
  int64_t PositionOf(int64_t image) {
    const auto [known, is_new] = positions_.emplace(image, static_cast<int64_t>(images_.size()));
    if (is_new) {
      images_.push_back(image);
    }
    return known->second;
  }

  std::map<int64_t, int64_t> positions_;
  std::vector<int64_t> images_;
  std::vector<dataset::Triplet> triplets_;
};

absl::Status RequireTriplets(const std::vector<dataset::Triplet>& triplets, absl::string_view field, absl::string_view message) {
  return triplets.empty() ? InvalidField(field, v1::ERROR_REASON_DATA_INVALID, message) : absl::OkStatus();
}

}  // namespace

absl::StatusOr<TrainingData> PrepareTripletData(dataset::TripletData triplets, const v1::DataConfig& config,
                                                double validation_fraction) {
  const bool has_test = config.hold_out() != v1::DataConfig::HOLD_OUT_NONE;
  Side train;
  Side validation;
  Side test;
  for (const dataset::Triplet& triplet : triplets.triplets) {
    const std::string& anchor = triplets.images->example(triplet.anchor).id;
    if (has_test && dataset::HashToUnit(anchor) < config.hold_out_fraction()) {
      test.Add(triplet);
    } else if (dataset::HashToUnit(absl::StrCat("validation ", anchor)) < validation_fraction) {
      validation.Add(triplet);
    } else {
      train.Add(triplet);
    }
  }
  TrainingData data;
  train.MoveTo(&data.split.train, &data.train_triplets);
  validation.MoveTo(&data.validation, &data.validation_triplets);
  test.MoveTo(&data.split.test, &data.test_triplets);
  data.dataset = std::move(triplets.images);
  SEMBLANCE_RETURN_IF_ERROR(
      RequireTriplets(data.train_triplets, "data.path",
                      absl::StrCat("all ", triplets.triplets.size(), " triplets are held out; none is left to train")));
  if (validation_fraction > 0) {
    SEMBLANCE_RETURN_IF_ERROR(RequireTriplets(data.validation_triplets, "validation.fraction",
                                              "no anchor is held out for validation: hold out more, or set it to 0"));
  }
  if (has_test) {
    SEMBLANCE_RETURN_IF_ERROR(RequireTriplets(data.test_triplets, "data.hold_out_fraction",
                                              absl::StrCat("no anchor of the ", triplets.triplets.size(),
                                                           " triplets is held out for the test: hold out more, or HOLD_OUT_NONE")));
  }
  return data;
}

}  // namespace semblance::trainer
