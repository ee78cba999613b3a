#include "trainer/training_run.h"

#include <google/protobuf/text_format.h>
#include <torch/torch.h>

#include <map>
#include <memory>
#include <set>
#include <stop_token>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "common/file.h"
#include "common/logging.h"
#include "common/progress.h"
#include "common/status_macros.h"
#include "config/loss_traits.h"
#include "config/training_config.h"
#include "embedder/bundle/bundle.h"
#include "embedder/bundle/trained_images.h"
#include "embedder/torch/device.h"
#include "embedder/torch/networks.h"
#include "embedder/torch/pretrained.h"
#include "embedder/torch/state.h"
#include "trainer/checkpoint.h"
#include "trainer/data/catalog_snapshot.h"
#include "trainer/data/image_store.h"
#include "trainer/data/training_data.h"
#include "trainer/learning/learner.h"
#include "trainer/learning/snapshot.h"
#include "trainer/ranks/ranks.h"
#include "trainer/report/report.h"
#include "trainer/report/run_log.h"
#include "trainer/training_loop.h"

namespace semblance::trainer {
namespace {

using storage::v1::BundleManifest;
using storage::v1::Preprocessing;
using v1::TrainingConfig;

constexpr char kCheckpointSuffix[] = ".checkpoints";

struct LoadedImages {
  std::unique_ptr<ImageStore> train;
  std::unique_ptr<ImageStore> validation;
  std::unique_ptr<ImageStore> test;
};

absl::StatusOr<LoadedImages> LoadImages(const TrainingConfig& config, const TrainingData& data, const std::stop_token& stop) {
  const absl::Time start = absl::Now();
  SEMBLANCE_ASSIGN_OR_RETURN(const embedder::Preprocessor preprocessor,
                             embedder::Preprocessor::Create(config::PreprocessingOf(config.model())));
  ImageStoreOptions options;
  options.threads = config.loader_threads();
  // The features are kept instead of the images.
  options.max_cached_bytes = config.model().cache_features() ? 0 : config.data().max_cached_bytes();
  options.stop = stop;
  LoadedImages images;
  SEMBLANCE_ASSIGN_OR_RETURN(images.train,
                             ImageStore::Load(data.dataset.get(), data.split.train, preprocessor, options, "load training images"));
  options.max_cached_bytes -= images.train->cached_bytes();
  SEMBLANCE_ASSIGN_OR_RETURN(
      images.validation, ImageStore::Load(data.dataset.get(), data.validation, preprocessor, options, "load validation images"));
  options.max_cached_bytes -= images.validation->cached_bytes();
  SEMBLANCE_ASSIGN_OR_RETURN(images.test,
                             ImageStore::Load(data.dataset.get(), data.split.test, preprocessor, options, "load test images"));
  const std::string kind =
      data.has_triplets() ? absl::StrCat(data.train_triplets.size(), " training and ", data.test_triplets.size(), " test triplets")
                          : absl::StrCat(data.classes.size(), " classes");
  LOG(INFO) << "loaded " << images.train->size() << " training and " << images.test->size() << " test images of " << kind << " in "
            << FormatSeconds(absl::ToDoubleSeconds(absl::Now() - start));
  return images;
}

// If the config has no input_mean, uses the mean and the standard deviation of the training images.
Preprocessing PreprocessingFor(const v1::ModelConfig& config, const ImageStore& train) {
  Preprocessing preprocessing = train.preprocessor().config();
  if (!config.input_mean().empty()) {
    return preprocessing;
  }
  const PixelStatistics statistics = train.statistics();
  preprocessing.mutable_mean()->Assign(statistics.mean.begin(), statistics.mean.end());
  preprocessing.mutable_std()->Assign(statistics.std.begin(), statistics.std.end());
  return preprocessing;
}

BundleManifest DescribeNetwork(const TrainingConfig& config, const Preprocessing& preprocessing) {
  BundleManifest manifest;
  manifest.set_name(config.model_name());
  manifest.set_dimension(config.model().dimension());
  *manifest.mutable_architecture() = config::ArchitectureOf(config.model());
  *manifest.mutable_preprocessing() = preprocessing;
  return manifest;
}

storage::v1::TrainingRecord DescribeRun(const TrainingConfig& config, const TrainingInputs& inputs, const TrainingOutcome& outcome,
                                        torch::Device device) {
  storage::v1::TrainingRecord record;
  google::protobuf::TextFormat::PrintToString(config, record.mutable_config());
  record.set_seed(config.seed());
  record.set_data_digest(DigestOf(inputs.train));
  record.set_train_examples(inputs.train.images->size());
  record.set_test_examples(inputs.test.images->size());
  if (inputs.train.triplets != nullptr) {
    record.set_train_triplets(static_cast<int64_t>(inputs.train.triplets->size()));
  }
  record.set_epochs(outcome.epoch);
  record.set_train_seconds(outcome.train_seconds);
  if (outcome.untrained.has_value()) {
    *record.mutable_untrained_evaluation() = *outcome.untrained;
    *record.mutable_untrained_recall() = outcome.untrained->recall();
  }
  if (outcome.trained.has_value()) {
    *record.mutable_evaluation() = ToEvaluationRecord(*outcome.trained);
    *record.mutable_recall() = record.evaluation().recall();
  }
  record.set_device(device.str());
  return record;
}

absl::Status LoadPretrainedWeights(const v1::ModelConfig& config, embedder::EmbeddingNet& net) {
  const std::string& path = config.pretrained_path();
  SEMBLANCE_ASSIGN_OR_RETURN(const embedder::TensorMap weights, embedder::ReadWeights(path));
  const absl::StatusOr<embedder::PretrainedReport> report = embedder::LoadPretrained(weights, config.pretrained_bgr(), net);
  if (!report.ok()) {
    return InvalidField("model.pretrained_path", v1::ERROR_REASON_CONFIG_INVALID,
                        absl::StrCat(path, ": ", report.status().message()));
  }
  LOG(INFO) << "took " << report->taken << " tensors from " << path << "; left out " << report->ignored << " of its classifier";
  return absl::OkStatus();
}

absl::StatusOr<embedder::EmbeddingNet> NewNetwork(const v1::ModelConfig& config, const BundleManifest& manifest) {
  std::string program;
  if (!config.torchscript_path().empty()) {
    SEMBLANCE_ASSIGN_OR_RETURN(program, ReadFile(config.torchscript_path()));
  }
  absl::StatusOr<embedder::EmbeddingNet> net =
      embedder::NewEmbeddingNet(manifest.architecture(), manifest.preprocessing(), manifest.dimension(), program);
  if (!net.ok() && !program.empty()) {
    return InvalidField("model.torchscript_path", v1::ERROR_REASON_CONFIG_INVALID,
                        absl::StrCat(config.torchscript_path(), ": ", net.status().message()));
  }
  SEMBLANCE_RETURN_IF_ERROR(net.status());
  if (!config.pretrained_path().empty()) {
    SEMBLANCE_RETURN_IF_ERROR(LoadPretrainedWeights(config, *net));
  }
  if (config.freeze_batch_norm()) {
    (*net)->FreezeBatchNorms();
  }
  return net;
}

absl::StatusOr<std::unique_ptr<Learner>> NewLearner(const TrainingConfig& config, const BundleManifest& manifest,
                                                    int64_t class_count, torch::Device device, const Ranks* ranks) {
  torch::manual_seed(config.seed());
  SEMBLANCE_ASSIGN_OR_RETURN(embedder::EmbeddingNet net, NewNetwork(config.model(), manifest));
  int64_t parameter_count = 0;
  for (const torch::Tensor& parameter : net->parameters()) {
    parameter_count += parameter.numel();
  }
  LOG(INFO) << "network of " << parameter_count << " parameters on " << device << ", " << at::get_num_threads()
            << " compute threads";
  return Learner::Create(config, std::move(net), class_count, device, ranks);
}

TrainingInputs InputsOf(const TrainingData& data, const LoadedImages& images, const CheckpointStore& checkpoints) {
  const auto given = [&](const std::vector<dataset::Triplet>& triplets) { return data.has_triplets() ? &triplets : nullptr; };
  return {{images.train.get(), &data.train_labels, given(data.train_triplets)},
          {images.validation.get(), &data.validation_labels, given(data.validation_triplets)},
          {images.test.get(), &data.test_labels, given(data.test_triplets)},
          &data.classes,
          &checkpoints};
}

absl::Status CheckProxyCount(const TrainingConfig& config, int64_t class_count) {
  if (!config::UsesProxies(config.loss())) {
    return absl::OkStatus();
  }
  if (const int64_t count = Proxies::Count(config.proxies(), class_count); count < 2) {
    return InvalidField("proxies.per_class", v1::ERROR_REASON_CONFIG_INVALID,
                        absl::StrCat("proxies.per_class is ", config.proxies().per_class(), ": ", count, " proxy for the ",
                                     class_count, " training classes; a loss needs at least 2"));
  }
  return absl::OkStatus();
}

int64_t CountClasses(const std::vector<int64_t>& labels) {
  return static_cast<int64_t>(std::set<int64_t>(labels.begin(), labels.end()).size());
}

RunReport ReportOf(const BundleManifest& manifest, const TrainingData& data, const TrainingOutcome& outcome) {
  const storage::v1::TrainingRecord& record = manifest.training();
  RunReport report;
  report.model_name = manifest.name();
  report.data_digest = record.data_digest();
  report.train = {record.train_examples(), static_cast<int64_t>(data.classes.size()), record.train_triplets()};
  report.test = {record.test_examples(), CountClasses(data.test_labels), static_cast<int64_t>(data.test_triplets.size())};
  report.class_names = data.test_classes;
  if (record.has_untrained_evaluation()) {
    report.untrained = FromEvaluationRecord(record.untrained_evaluation());
  }
  report.trained = outcome.trained;
  report.device = record.device();
  report.epochs = record.epochs();
  report.steps = outcome.steps;
  report.train_seconds = outcome.train_seconds;
  report.total_seconds = outcome.train_seconds;
  report.images = outcome.images;
  report.config = record.config();
  return report;
}

absl::Status WriteTrainedBundle(const std::string& directory, BundleManifest manifest, const Learner& learner,
                                std::map<std::string, std::string> documents) {
  manifest.set_create_time(absl::FormatTime(absl::RFC3339_sec, absl::Now(), absl::UTCTimeZone()));
  embedder::Bundle bundle;
  bundle.manifest = std::move(manifest);
  TrainedState state = TrainedStateOf(learner);
  bundle.model = std::move(state.model);
  bundle.proxies = std::move(state.proxies);
  bundle.backbone = std::move(state.backbone);
  bundle.documents = std::move(documents);
  SEMBLANCE_RETURN_IF_ERROR(embedder::WriteBundle(directory, bundle));
  LOG(INFO) << "wrote the model bundle to " << directory;
  return absl::OkStatus();
}

// Opens the data set. If the data is a catalog, opens a snapshot of it, which the first rank makes.
absl::StatusOr<TrainingData> OpenData(const TrainingConfig& config, const std::string& directory, bool is_first,
                                      const std::stop_token& stop) {
  v1::DataConfig data = config.data();
  if (!data.catalog_path().empty()) {
    const std::string snapshot = directory + "/catalogue";
    SEMBLANCE_ASSIGN_OR_RETURN(*data.mutable_path(), is_first ? SnapshotCatalog(data.catalog_path(), snapshot, stop)
                                                              : AwaitCatalogSnapshot(snapshot, stop));
  }
  SEMBLANCE_ASSIGN_OR_RETURN(TrainingData opened, OpenTrainingData(data, config.validation().fraction()));
  for (const std::string& remark : opened.dataset->remarks()) {
    if (is_first) {
      LOG(WARNING) << remark;
    }
  }
  return opened;
}

// Lists the images that took part in training: those that trained the network, and those that chose its epoch.
std::string TrainedImagesOf(const LoadedImages& images) {
  std::vector<uint64_t> keys = images.train->keys();
  const std::vector<uint64_t> validation = images.validation->keys();
  keys.insert(keys.end(), validation.begin(), validation.end());
  return embedder::TrainedImagesContent(std::move(keys));
}

// Ensures that only one run at a time uses a directory of checkpoints.
absl::StatusOr<std::unique_ptr<FileLock>> LockRun(const std::string& directory, bool is_first) {
  if (!is_first) {
    return std::unique_ptr<FileLock>();
  }
  SEMBLANCE_RETURN_IF_ERROR(CreateDirectories(directory));
  absl::StatusOr<std::unique_ptr<FileLock>> lock = FileLock::Acquire(directory + "/LOCK");
  if (lock.status().code() == absl::StatusCode::kFailedPrecondition) {
    return absl::UnavailableError(absl::StrCat("another run trains here: ", lock.status().message(), "; wait for it, or stop it"));
  }
  return lock;
}

absl::Status CheckOutputIsFree(const TrainingConfig& config) {
  if (PathExists(config.output_dir())) {
    return absl::AlreadyExistsError(absl::StrCat("output_dir ", config.output_dir(), " exists; name a new one, or remove it"));
  }
  return absl::OkStatus();
}

absl::Status Run(const TrainingConfig& config, const RankEnvironment& environment, const std::stop_token& stop,
                 ProgressFile* progress) {
  const CheckpointStore checkpoints(absl::StrCat(config.output_dir(), kCheckpointSuffix), config.checkpoint().keep());
  SEMBLANCE_ASSIGN_OR_RETURN(torch::Device device, embedder::ParseDevice(config.device()));
  if (device.is_cuda() && environment.world_size > 1) {
    device = torch::Device(torch::kCUDA, static_cast<c10::DeviceIndex>(environment.local_rank));
  }
  at::set_num_threads(config.compute_threads());  // Debian's LibTorch starts with one.
  progress->WriteActivity("reading the data");
  SEMBLANCE_ASSIGN_OR_RETURN(const TrainingData data, OpenData(config, checkpoints.directory(), environment.rank == 0, stop));
  const auto class_count = static_cast<int64_t>(data.classes.size());
  SEMBLANCE_RETURN_IF_ERROR(CheckProxyCount(config, class_count));
  SEMBLANCE_ASSIGN_OR_RETURN(const LoadedImages images, LoadImages(config, data, stop));

  BundleManifest manifest = DescribeNetwork(config, PreprocessingFor(config.model(), *images.train));
  manifest.mutable_classes()->Assign(data.classes.begin(), data.classes.end());
  manifest.set_without_proxies(!config::UsesProxies(config.loss()));
  manifest.set_dynamic_proxies(config::UsesProxies(config.loss()) &&
                               config.proxies().assignment() == v1::ProxyConfig::ASSIGNMENT_DYNAMIC);
  SEMBLANCE_ASSIGN_OR_RETURN(const std::unique_ptr<Ranks> ranks, Ranks::Join(environment, device));
  SEMBLANCE_ASSIGN_OR_RETURN(const std::unique_ptr<Learner> learner,
                             NewLearner(config, manifest, class_count, device, ranks.get()));
  TrainingInputs inputs = InputsOf(data, images, checkpoints);
  inputs.progress = progress;
  SEMBLANCE_ASSIGN_OR_RETURN(const TrainingOutcome outcome, RunTrainingLoop(config, inputs, stop, learner.get()));
  if (!ranks->is_first()) {
    return absl::OkStatus();
  }
  *manifest.mutable_training() = DescribeRun(config, inputs, outcome, device);
  SEMBLANCE_ASSIGN_OR_RETURN(const std::unique_ptr<RunLog> log, RunLog::Open(checkpoints.directory(), outcome.steps));
  SEMBLANCE_ASSIGN_OR_RETURN(auto documents, log->Documents(ReportOf(manifest, data, outcome)));
  documents[embedder::kTrainedImagesFile] = TrainedImagesOf(images);
  progress->WriteActivity("writing the bundle");
  SEMBLANCE_RETURN_IF_ERROR(WriteTrainedBundle(config.output_dir(), std::move(manifest), *learner, std::move(documents)));
  return checkpoints.RemoveAll();
}

}  // namespace

absl::Status RunTraining(const TrainingConfig& config, const std::stop_token& stop) {
  SEMBLANCE_RETURN_IF_ERROR(CheckOutputIsFree(config));
  SEMBLANCE_ASSIGN_OR_RETURN(const RankEnvironment environment, RankEnvironment::FromProcess());
  if (environment.world_size > config.batch_size()) {
    return InvalidField("batch_size", v1::ERROR_REASON_CONFIG_INVALID,
                        absl::StrCat("batch_size is ", config.batch_size(), ", less than the ", environment.world_size, " ranks"));
  }
  const std::string directory = absl::StrCat(config.output_dir(), kCheckpointSuffix);
  const bool is_first = environment.rank == 0;
  SEMBLANCE_ASSIGN_OR_RETURN(const std::unique_ptr<FileLock> lock, LockRun(directory, is_first));
  // Check again, because the run that held the lock may have written the output.
  SEMBLANCE_RETURN_IF_ERROR(CheckOutputIsFree(config));
  ProgressFile progress(is_first ? directory + "/progress.json" : "");
  const absl::Status status = Run(config, environment, stop, &progress);
  if (!status.ok() && !absl::IsCancelled(status)) {
    progress.WriteFailure(std::string(status.message()));
  }
  return status;
}

}  // namespace semblance::trainer
