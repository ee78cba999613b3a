// Moves proxies to the place where they start (see ProxyConfig.initialization).
//
// Not thread-safe: uses the network and LibTorch's default generator.
#ifndef SEMBLANCE_TRAINER_LEARNING_PROXY_START_H_
#define SEMBLANCE_TRAINER_LEARNING_PROXY_START_H_

#include "absl/status/status.h"
#include "semblance/v1/training_config.pb.h"
#include "trainer/learning/labeled_images.h"
#include "trainer/learning/learner.h"

namespace semblance::trainer {

// Embeds the images of `train` with the (untrained) network. Moves the learner's proxies to the means of the classes, or to some of
// the embeddings, if the config says so. Uses a sample of a large data set; classes without an example in it get random proxies.
// Errors: those of ForwardAll.
absl::Status StartProxies(const v1::TrainingConfig& config, const LabeledImages& train, Learner* learner);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LEARNING_PROXY_START_H_
