// semblance-server opens the catalog, loads a model, and answers until SIGTERM.
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "catalog/catalog.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/file.h"
#include "common/logging.h"
#include "common/program/command_line.h"
#include "common/program/exit_timer.h"
#include "common/program/process.h"
#include "common/program/sd_notify.h"
#include "common/program/stop_signals.h"
#include "common/status_macros.h"
#include "common/text_proto.h"
#include "common/threads/stop.h"
#include "common/threads/worker.h"
#include "config/server_config.h"
#include "embedder/embedder.h"
#include "service/engine/engine.h"
#include "service/generations/generation_lifecycle.h"
#include "service/http/http_server.h"
#include "service/http/prometheus_metrics.h"
#include "service/jobs/job_launcher.h"
#include "service/jobs/kubernetes/kubernetes_job_launcher.h"
#include "service/models/model_registry.h"
#include "service/models/model_watcher.h"
#include "service/models/rooted_path.h"
#include "service/rpc/server.h"
#include "service/training/training_jobs.h"

namespace semblance::service {
namespace {

// How long after the drain the process may take to end. It is shorter than what the files in deploy/ leave before SIGKILL.
constexpr absl::Duration kExitGrace = absl::Seconds(10);
// A shutdown of gRPC needs some time even when no request is left.
constexpr absl::Duration kShortestShutdown = absl::Milliseconds(100);

struct Flags {
  std::string data_dir;
  std::string listen = "127.0.0.1:50051";
  std::string http;
  std::string config;
  std::string model;
  std::string models;
  std::string training_data;
};

CommandLine ServerCommand(Flags& flags) {
  CommandLine command("semblance-server", "",
                      "Serves similarity search over a catalog of images: embeds queries with a trained model and answers nearest\n"
                      "neighbors over gRPC.");
  command.AddFlag("data_dir", "DIR", "directory of the catalog and the generations; created if it is missing. Required",
                  &flags.data_dir);
  command.AddFlag("model", "BUNDLE_DIR", "model bundle to serve; default: the model that was active before", &flags.model);
  command.AddFlag("models", "DIR", "model root, where bundles are found and registered; default: DATA_DIR/models, which is created",
                  &flags.models);
  command.AddFlag("training_data", "DIR",
                  "data root, where training jobs find their data; default: DATA_DIR/training_data, which is created",
                  &flags.training_data);
  command.AddFlag("listen", "HOST:PORT", "address for gRPC; port 0 chooses a free port", &flags.listen);
  command.AddFlag("http", "HOST:PORT", "address for /metrics and /healthz; off by default", &flags.http);
  command.AddFlag("config", "FILE.textproto", "limits, batching, index, models (semblance.v1.ServerConfig)", &flags.config);
  command.AddExample("semblance-server --data_dir=/var/lib/semblance --model=models/shoes");
  command.AddExample("semblance-server --data_dir=/var/lib/semblance --listen=0.0.0.0:50051 --http=127.0.0.1:8080");
  return command;
}

absl::StatusOr<v1::ServerConfig> LoadConfig(const std::string& file) {
  v1::ServerConfig config;
  if (!file.empty()) {
    SEMBLANCE_ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
    SEMBLANCE_RETURN_IF_ERROR(ParseTextProto(text, file, &config));
  }
  return config::CompleteServerConfig(std::move(config));
}

int ExitCodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kExitDone;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kDataLoss:
    case absl::StatusCode::kPermissionDenied:
      return kExitBadInput;
    default:
      return kExitTransient;
  }
}

// The objects that live as long as the server answers, in the order in which they are made.
struct Server {
  std::unique_ptr<FileLock> lock;
  SystemClock clock;
  PrometheusMetrics metrics;
  std::unique_ptr<ModelRegistry> models;
  std::unique_ptr<ModelWatcher> watcher;
  std::unique_ptr<Engine> engine;
  std::unique_ptr<JobLauncher> launcher;
  std::unique_ptr<GenerationLifecycle> generations;
  std::unique_ptr<JobLauncher> training_launcher;
  std::unique_ptr<TrainingPublication> publication;
  std::unique_ptr<TrainingJobs> training;
  std::unique_ptr<HttpServer> http;
  std::unique_ptr<RpcServer> rpc;
  // Set when the generations are known. Before that some services do not answer, and health is not SERVING.
  std::atomic<bool> started = false;
};

bool Answers(const Server& server, EngineState state) {
  return server.started && (state == EngineState::kServing || state == EngineState::kDegraded);
}

absl::Status Start(const Flags& flags, Server& server) {
  SEMBLANCE_RETURN_IF_ERROR(server.engine->Start(flags.model));
  SEMBLANCE_RETURN_IF_ERROR(server.generations->Start());
  SEMBLANCE_RETURN_IF_ERROR(server.training->Start());
  server.started = true;
  const EngineStatus status = server.engine->status();
  server.rpc->SetServing(Answers(server, status.state));
  LOG(INFO) << status.reason;
  NotifyServiceManager("READY=1");
  return absl::OkStatus();
}

absl::Status OpenModels(const Flags& flags, const v1::ModelRegistryConfig& config, Server& server) {
  std::string root = flags.models;
  if (root.empty()) {
    root = flags.data_dir + "/models";
    SEMBLANCE_RETURN_IF_ERROR(CreateDirectories(root));
  }
  SEMBLANCE_ASSIGN_OR_RETURN(server.models, ModelRegistry::Open(flags.data_dir, root));
  server.watcher = std::make_unique<ModelWatcher>(server.models.get(), absl::Seconds(config.watch_seconds()));
  return absl::OkStatus();
}

GenerationLifecycleOptions LifecycleOptions(const Flags& flags, Server& server) {
  const v1::GenerationsConfig& config = server.engine->config().generations();
  GenerationLifecycleOptions options;
  options.build.builder_path = config.builder_path();
  options.build.data_dir = flags.data_dir;
  options.build.config_path = flags.config;
  options.build.threads = config.builder_threads();
  options.metrics = &server.metrics;
  return options;
}

KubernetesOptions KubernetesOptionsOf(const v1::KubernetesConfig& config) {
  KubernetesOptions options;
  options.image = config.image();
  options.job_namespace = config.namespace_();
  options.volume_claim = config.volume_claim();
  options.mount_path = config.mount_path();
  options.service_account = config.service_account();
  options.api_server = config.api_server();
  options.token_path = config.token_path();
  options.ca_path = config.ca_path();
  options.ttl_seconds = config.ttl_seconds();
  options.owner_deployment = config.owner_deployment();
  return options;
}

absl::Status OpenTraining(const Flags& flags, const v1::TrainingJobsConfig& config, Server& server) {
  std::string root = flags.training_data;
  if (root.empty()) {
    root = flags.data_dir + "/training_data";
    SEMBLANCE_RETURN_IF_ERROR(CreateDirectories(root));
  }
  TrainingJobsOptions options;
  SEMBLANCE_ASSIGN_OR_RETURN(options.data_root, ResolveRoot(root, "the data root"));
  options.config = config;
  options.has_labeled_items = [engine = server.engine.get()] { return engine->has_labeled_items(); };
  SEMBLANCE_ASSIGN_OR_RETURN(TrainingStore store, TrainingStore::Open(flags.data_dir));
  if (config.has_kubernetes()) {
    SEMBLANCE_ASSIGN_OR_RETURN(server.training_launcher, NewKubernetesJobLauncher(KubernetesOptionsOf(config.kubernetes())));
  } else {
    server.training_launcher = NewLocalJobLauncher();
  }
  server.publication = std::make_unique<TrainingPublication>(server.models.get(), server.generations.get(), &server.clock);
  server.training = std::make_unique<TrainingJobs>(std::move(options), std::move(store), server.training_launcher.get(),
                                                   server.publication.get(), &server.clock);
  return absl::OkStatus();
}

absl::Status Open(const Flags& flags, Server& server) {
  SEMBLANCE_ASSIGN_OR_RETURN(v1::ServerConfig config, LoadConfig(flags.config));
  SEMBLANCE_RETURN_IF_ERROR(CreateDirectories(flags.data_dir));
  SEMBLANCE_ASSIGN_OR_RETURN(server.lock, FileLock::Acquire(flags.data_dir + "/LOCK"));
  catalog::CatalogOptions catalog_options;
  catalog_options.on_commit = [&server](absl::Duration duration) { server.metrics.ObserveCommit(duration); };
  SEMBLANCE_ASSIGN_OR_RETURN(std::unique_ptr<catalog::Catalog> catalog,
                             catalog::OpenSqliteCatalog(flags.data_dir + "/catalogue.db", catalog_options));
  SEMBLANCE_ASSIGN_OR_RETURN(generation::GenerationStore store, generation::GenerationStore::Open(flags.data_dir));
  SEMBLANCE_RETURN_IF_ERROR(OpenModels(flags, config.model_registry(), server));

  EngineOptions options;
  options.new_embedder = [embedder = embedder::EmbedderOptions{.device = config.device(), .threads = config.inference_threads()}](
                             const std::string& directory) { return embedder::NewTorchEmbedder(directory, embedder); };
  options.metrics = &server.metrics;
  options.on_state = [&server](EngineState state) { server.rpc->SetServing(Answers(server, state)); };
  options.clock = &server.clock;
  options.config = std::move(config);
  server.engine = std::make_unique<Engine>(std::move(options), std::move(catalog), std::move(store));
  server.launcher = NewLocalJobLauncher();
  server.generations = std::make_unique<GenerationLifecycle>(LifecycleOptions(flags, server), server.engine.get(),
                                                             server.launcher.get(), &server.clock);
  SEMBLANCE_RETURN_IF_ERROR(OpenTraining(flags, server.engine->config().training_jobs(), server));
  const RpcServices services = {.engine = server.engine.get(),
                                .models = server.models.get(),
                                .generations = server.generations.get(),
                                .training = server.training.get()};
  SEMBLANCE_ASSIGN_OR_RETURN(server.rpc, StartRpcServer(flags.listen, services, &server.metrics));
  if (!flags.http.empty()) {
    SEMBLANCE_ASSIGN_OR_RETURN(server.http, StartHttpServer(flags.http, server.engine.get(), server.generations.get(),
                                                            server.training.get(), &server.metrics));
  }
  return absl::OkStatus();
}

// Programs that start a server on port 0 read these lines.
void PrintAddresses(const Flags& flags, const Server& server) {
  std::printf("listening on %s:%d\n", flags.listen.substr(0, flags.listen.rfind(':')).c_str(), server.rpc->port());
  if (server.http != nullptr) {
    std::printf("metrics on http://%s:%d/metrics\n", flags.http.substr(0, flags.http.rfind(':')).c_str(), server.http->port());
  }
  std::fflush(stdout);
}

// Serves until SIGTERM or SIGINT.
absl::Status Serve(const Flags& flags) {
  StopSignals signals({SIGTERM, SIGINT}, StopSignals::Repeated::kIgnored);
  ExitTimer exit_timer;  // It outlives the server, whose destructor may hang in a thread that does not end.
  Server server;
  SEMBLANCE_RETURN_IF_ERROR(Open(flags, server));
  PrintAddresses(flags, server);
  absl::Status started;
  Worker starter("start", [&](const std::stop_token& /*stop*/) {
    started = Start(flags, server);
    if (!started.ok()) {
      signals.RequestStop();
    }
  });
  WaitForStop(signals.token());
  const absl::Duration drain = absl::Seconds(server.engine->config().drain_seconds());
  const absl::Time end = absl::Now() + drain;
  LOG(INFO) << "stopping: within " << drain;
  exit_timer.Start(drain + kExitGrace, kExitTransient);
  server.engine->AnswerUntil(end);
  NotifyServiceManager("STOPPING=1");
  // Clients that watch health move to another server and are answered until then. Requests that still arrive after a while are
  // refused.
  bool quiet = false;
  if (Answers(server, server.engine->status().state)) {
    server.rpc->SetServing(false);
    quiet = server.rpc->WaitUntilQuiet(drain / 4);
  }
  server.engine->Drain();  // This also ends a start that still runs.
  starter.Stop();
  // Objects that wait for a generation end first.
  server.training->Shutdown();
  server.generations->Shutdown();
  if (!quiet) {
    server.rpc->WaitUntilQuiet(drain / 4);
  }
  // All the time that is left is for the requests that were admitted.
  server.rpc->Shutdown(std::max(end - absl::Now(), kShortestShutdown));
  LOG(INFO) << "stopped";
  return absl::IsCancelled(started) ? absl::OkStatus() : started;
}

int Main(int argc, char** argv) {
  InitLogging(argv[0]);
  Flags flags;
  CommandLine command = ServerCommand(flags);
  const auto arguments = command.Parse(std::vector<std::string>(argv + 1, argv + argc));
  if (!command.requested_text().empty()) {
    std::fputs(command.requested_text().c_str(), stdout);
    return kExitDone;
  }
  if (!arguments.ok() || flags.data_dir.empty()) {
    const std::string what(arguments.ok() ? "--data_dir=DIR is required" : arguments.status().message());
    std::fprintf(stderr, "semblance-server: %s\n", what.c_str());
    return kExitUsage;
  }
  TuneForCompute(argv);
  const absl::Status status = Serve(flags);
  if (!status.ok()) {
    std::fprintf(stderr, "semblance-server: %s\n", status.ToString().c_str());
  }
  return ExitCodeOf(status);
}

}  // namespace
}  // namespace semblance::service

int main(int argc, char** argv) {
  return semblance::service::Main(argc, argv);
}
