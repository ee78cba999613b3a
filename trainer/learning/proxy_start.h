// Where proxies start: see ProxyConfig.initialization.
//
// Not thread-safe: uses the network and LibTorch's default generator.
#ifndef SEMBLANCE_TRAINER_LEARNING_PROXY_START_H_
#define SEMBLANCE_TRAINER_LEARNING_PROXY_START_H_

#include "absl/status/status.h"
#include "semblance/v1/training_config.pb.h"
#include "trainer/learning/labeled_images.h"
#include "trainer/learning/learner.h"

namespace semblance::trainer {

// Moves the learner's proxies to the class means, or to some, of the (untrained) network's embeddings of `train`, if the config
// says so. Takes a sample of a large data set; classes that are not in it keep random proxies. Errors: as of ForwardAll.
absl::Status StartProxies(const v1::TrainingConfig& config, const LabeledImages& train, Learner* learner);

}  // namespace semblance::trainer

#endif  // SEMBLANCE_TRAINER_LEARNING_PROXY_START_H_
