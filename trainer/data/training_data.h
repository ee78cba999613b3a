// The data set of a run: split into training, validation and test, with numbered classes, and checked to be fit for training.
//
// Thread-compatible: const use may run concurrently.
#ifndef SEMBLANCE_TRAINER_DATA_TRAINING_DATA_H_
#define SEMBLANCE_TRAINER_DATA_TRAINING_DATA_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "dataset/dataset.h"
#include "dataset/triplet_manifest.h"
#include "semblance/v1/training_config.pb.h"

namespace semblance::trainer {

struct TrainingData {
  std::unique_ptr<dataset::Dataset> dataset;
  dataset::SplitIndices split;
  // The classes of the training examples, sorted; a class is its position.
  std::vector<std::string> classes;
  // The class of every training example, in the order of split.train.
  std::vector<int64_t> train_labels;
  // The same for split.test; classes that training never sees get numbers from classes.size() on.
  std::vector<int64_t> test_labels;
  // Names of the classes of training and test, by number.
  std::vector<std::string> test_classes;
  // The validation examples, whose classes are held out of the training classes; they are not in split.train. Their classes have
  // numbers of their own.
  std::vector<int64_t> validation;
  std::vector<int64_t> validation_labels;
  // For data of triplets, without labels (see triplet_data.h): the triplets of each split. They name positions in the list of the
  // split's images. train_triplets is empty otherwise.
  std::vector<dataset::Triplet> train_triplets;
  std::vector<dataset::Triplet> validation_triplets;
  std::vector<dataset::Triplet> test_triplets;

  bool has_triplets() const { return !train_triplets.empty(); }
};

// Opens and splits config.path. The share `validation_fraction` of the training classes (or anchors) is held out for validation.
// Errors: those of OpenDataset, AssignSplit and PrepareTripletData; InvalidArgument with reason DATA_INVALID and a field below
// "data" when an example has no label, when fewer than two classes remain for training, or when a requested test has fewer than two
// examples. REQUIRES: a validated config.
absl::StatusOr<TrainingData> OpenTrainingData(const v1::DataConfig& config, double validation_fraction);

// The same for a data set with labels that is already open.
absl::StatusOr<TrainingData> PrepareTrainingData(std::unique_ptr<dataset::Dataset> dataset, const v1::DataConfig& config,
                                                 double validation_fraction);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_DATA_TRAINING_DATA_H_
