#include "trainer/training_data.h"

#include <cstddef>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/status_macros.h"

namespace semblance {
namespace {

constexpr char kDataInvalid[] = "DATA_INVALID";

HoldOut HoldOutOf(v1::DataConfig::HoldOut hold_out) {
  switch (hold_out) {
    case v1::DataConfig::HOLD_OUT_CLASSES:
      return HoldOut::kClasses;
    case v1::DataConfig::HOLD_OUT_NONE:
      return HoldOut::kNone;
    default:
      return HoldOut::kItems;
  }
}

absl::Status CheckLabels(const Dataset& dataset) {
  for (int64_t i = 0; i < dataset.size(); ++i) {
    if (dataset.example(i).label.empty()) {
      return InvalidField("data.path", kDataInvalid, absl::StrCat(dataset.example(i).id, ": has no label"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckTrainable(const TrainingData& data, const v1::DataConfig& config) {
  if (data.classes.size() < 2) {
    // A loss over proxies needs a proxy that is not the positive one.
    return InvalidField("data.path", kDataInvalid,
                        absl::StrCat("the ", data.split.train.size(), " training images are of ", data.classes.size(),
                                     " class; expected at least 2 classes"));
  }
  if (data.split.test.size() < 2 && config.hold_out() != v1::DataConfig::HOLD_OUT_NONE) {
    return InvalidField("data.hold_out_fraction", kDataInvalid,
                        absl::StrCat(data.split.test.size(), " of ", data.dataset->size(),
                                     " images are held out for the test; expected at least 2, or HOLD_OUT_NONE"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<TrainingData> OpenTrainingData(const v1::DataConfig& config) {
  SEMBLANCE_ASSIGN_OR_RETURN(std::unique_ptr<Dataset> dataset, OpenDataset(config.path()));
  return PrepareTrainingData(std::move(dataset), config);
}

absl::StatusOr<TrainingData> PrepareTrainingData(std::unique_ptr<Dataset> dataset, const v1::DataConfig& config) {
  SEMBLANCE_RETURN_IF_ERROR(CheckLabels(*dataset));
  TrainingData data;
  data.dataset = std::move(dataset);
  SEMBLANCE_ASSIGN_OR_RETURN(data.split, AssignSplit(*data.dataset, HoldOutOf(config.hold_out()), config.hold_out_fraction()));

  std::set<std::string> names;
  for (const int64_t index : data.split.train) {
    names.insert(data.dataset->example(index).label);
  }
  data.classes.assign(names.begin(), names.end());
  std::map<std::string, int64_t> numbers;
  for (const std::string& name : data.classes) {
    numbers.emplace(name, static_cast<int64_t>(numbers.size()));
  }
  for (const int64_t index : data.split.train) {
    data.train_labels.push_back(numbers.at(data.dataset->example(index).label));
  }
  for (const int64_t index : data.split.test) {
    const auto next = static_cast<int64_t>(numbers.size());
    data.test_labels.push_back(numbers.emplace(data.dataset->example(index).label, next).first->second);
  }
  SEMBLANCE_RETURN_IF_ERROR(CheckTrainable(data, config));
  return data;
}

}  // namespace semblance
