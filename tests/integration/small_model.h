// A small data set made in code and a model trained on it by the trainer of the build.
#ifndef SEMBLANCE_TESTS_INTEGRATION_SMALL_MODEL_H_
#define SEMBLANCE_TESTS_INTEGRATION_SMALL_MODEL_H_

#include <string>

namespace semblance::testing {

// Returns one image of the data set, a 24 x 24 gray PNG. Images of one class share a pattern; `variant` moves it and adds noise.
std::string PatternImage(int label, int variant);

// Writes an image folder with train/ and test/. It has `classes` x (`train_each` + `test_each`) images of PatternImage.
void WritePatternFolder(const std::string& directory, int classes, int train_each, int test_each);

// Trains a small convnet (8 dimensions) on such a folder and writes the bundle. It is a test failure when the trainer fails. With 0
// `epochs` the network stays untrained. Different seeds give different embedding spaces.
void TrainSmallModel(const std::string& data, const std::string& bundle, int epochs, int seed = 1);

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_INTEGRATION_SMALL_MODEL_H_
