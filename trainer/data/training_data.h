// A data set as the trainer sees it: split, with numbered classes, checked to be trainable.
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
  // Held out of the training classes, and of split.train; and their classes, numbered for themselves.
  std::vector<int64_t> validation;
  std::vector<int64_t> validation_labels;
  // Where the data has triplets and no labels (see triplet_data.h), those of each side, by position in the lists of its images;
  // train_triplets is empty otherwise.
  std::vector<dataset::Triplet> train_triplets;
  std::vector<dataset::Triplet> validation_triplets;
  std::vector<dataset::Triplet> test_triplets;

  bool has_triplets() const { return !train_triplets.empty(); }
};

// Opens and splits config.path; a share `validation_fraction` of the training classes (or anchors) is held out for validation.
// Errors: as of OpenDataset, AssignSplit and PrepareTripletData; InvalidArgument with reason DATA_INVALID and a field below "data"
// when an example has no label, fewer than two classes remain for training, or fewer than two examples for a test that was asked
// for. REQUIRES: a validated config.
absl::StatusOr<TrainingData> OpenTrainingData(const v1::DataConfig& config, double validation_fraction);

// The same for a data set with labels that is open.
absl::StatusOr<TrainingData> PrepareTrainingData(std::unique_ptr<dataset::Dataset> dataset, const v1::DataConfig& config,
                                                 double validation_fraction);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_DATA_TRAINING_DATA_H_
