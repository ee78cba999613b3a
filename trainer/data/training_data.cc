#include "trainer/data/training_data.h"

#include <cstddef>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "trainer/data/triplet_data.h"

namespace semblance::trainer {
namespace {

dataset::HoldOut HoldOutOf(v1::DataConfig::HoldOut hold_out) {
  switch (hold_out) {
    case v1::DataConfig::HOLD_OUT_CLASSES:
      return dataset::HoldOut::kClasses;
    case v1::DataConfig::HOLD_OUT_LAST_CLASSES:
      return dataset::HoldOut::kLastClasses;
    case v1::DataConfig::HOLD_OUT_NONE:
      return dataset::HoldOut::kNone;
    default:
      return dataset::HoldOut::kItems;
  }
}

absl::Status CheckLabels(const dataset::Dataset& dataset) {
  for (int64_t i = 0; i < dataset.size(); ++i) {
    if (dataset.example(i).label.empty()) {
      return InvalidField("data.path", v1::ERROR_REASON_DATA_INVALID, absl::StrCat(dataset.example(i).id, ": has no label"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckTrainable(const TrainingData& data, const v1::DataConfig& config, double validation_fraction) {
  if (data.classes.size() < 2) {
    // A loss on proxies needs a proxy that is not the positive one.
    return InvalidField("data.path", v1::ERROR_REASON_DATA_INVALID,
                        absl::StrCat("the ", data.split.train.size(), " training images are of ", data.classes.size(),
                                     " class; expected at least 2 classes"));
  }
  if (validation_fraction > 0 && data.validation.size() < 2) {
    return InvalidField("validation.fraction", v1::ERROR_REASON_DATA_INVALID,
                        absl::StrCat(data.validation.size(),
                                     " images are in the classes held out for validation; expected at least "
                                     "2: hold out more, or set it to 0"));
  }
  if (data.split.test.size() < 2 && config.hold_out() != v1::DataConfig::HOLD_OUT_NONE) {
    return InvalidField("data.hold_out_fraction", v1::ERROR_REASON_DATA_INVALID,
                        absl::StrCat(data.split.test.size(), " of ", data.dataset->size(),
                                     " images are held out for the test; expected at least 2, or HOLD_OUT_NONE"));
  }
  return absl::OkStatus();
}

// Numbers classes. The classes of one call are numbered by name, and new classes come after all earlier ones.
class ClassNumbers {
 public:
  std::vector<int64_t> Of(const dataset::Dataset& dataset, const std::vector<int64_t>& indices) {
    std::set<std::string> unknown;
    for (const int64_t index : indices) {
      if (numbers_.count(dataset.example(index).label) == 0) {
        unknown.insert(dataset.example(index).label);
      }
    }
    for (const std::string& name : unknown) {
      numbers_.emplace(name, static_cast<int64_t>(names_.size()));
      names_.push_back(name);
    }
    std::vector<int64_t> labels;
    labels.reserve(indices.size());
    for (const int64_t index : indices) {
      labels.push_back(numbers_.at(dataset.example(index).label));
    }
    return labels;
  }

  const std::vector<std::string>& names() const { return names_; }

 private:
  std::map<std::string, int64_t> numbers_;
  std::vector<std::string> names_;
};

// Moves the examples of some classes from training to validation. The classes are chosen by a hash of their names, so they stay the
// same when data is added. The hash is independent of the one that chose the test classes.
void HoldOutForValidation(double fraction, TrainingData* data) {
  if (fraction == 0) {
    return;
  }
  std::vector<int64_t> train;
  for (const int64_t index : data->split.train) {
    const std::string& label = data->dataset->example(index).label;
    (dataset::HashToUnit(absl::StrCat("validation ", label)) < fraction ? data->validation : train).push_back(index);
  }
  data->split.train = std::move(train);
}

}  // namespace

absl::StatusOr<TrainingData> OpenTrainingData(const v1::DataConfig& config, double validation_fraction) {
  if (dataset::IsTripletManifest(config.path())) {
    SEMBLANCE_ASSIGN_OR_RETURN(dataset::TripletData triplets, dataset::OpenTripletManifest(config.path()));
    return PrepareTripletData(std::move(triplets), config, validation_fraction);
  }
  SEMBLANCE_ASSIGN_OR_RETURN(std::unique_ptr<dataset::Dataset> dataset, dataset::OpenDataset(config.path()));
  return PrepareTrainingData(std::move(dataset), config, validation_fraction);
}

absl::StatusOr<TrainingData> PrepareTrainingData(std::unique_ptr<dataset::Dataset> dataset, const v1::DataConfig& config,
                                                 double validation_fraction) {
  SEMBLANCE_RETURN_IF_ERROR(CheckLabels(*dataset));
  TrainingData data;
  data.dataset = std::move(dataset);
  SEMBLANCE_ASSIGN_OR_RETURN(data.split,
                             dataset::AssignSplit(*data.dataset, HoldOutOf(config.hold_out()), config.hold_out_fraction()));
  HoldOutForValidation(validation_fraction, &data);

  ClassNumbers numbers;
  data.train_labels = numbers.Of(*data.dataset, data.split.train);
  data.classes = numbers.names();
  data.test_labels = numbers.Of(*data.dataset, data.split.test);
  data.test_classes = numbers.names();
  data.validation_labels = ClassNumbers().Of(*data.dataset, data.validation);
  SEMBLANCE_RETURN_IF_ERROR(CheckTrainable(data, config, validation_fraction));
  return data;
}

}  // namespace semblance::trainer
