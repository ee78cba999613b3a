// Writes the bodies of requests to a Kubernetes API server to files in a directory, for validate_kubernetes_manifests.py.
#include <iostream>
#include <optional>
#include <string>

#include "common/file.h"
#include "service/jobs/kubernetes/kubernetes_job_manifest.h"

namespace semblance::service {
namespace {

absl::Status Render(const std::string& directory) {
  KubernetesOptions options;
  options.image = "registry.example.org/semblance:1.0";
  options.job_namespace = "semblance";
  options.volume_claim = "semblance-data";
  options.mount_path = "/var/lib/semblance";
  options.service_account = "default";
  options.ttl_seconds = 86400;
  JobSpec spec;
  spec.name = "job-000001-1";
  spec.arguments = {"/usr/bin/semblance-trainer", "--config=/var/lib/semblance/jobs/job-000001/config.textproto"};
  spec.log_path = "/var/lib/semblance/jobs/job-000001/trainer.log";
  const KubernetesOwner deployment = {.name = "semblance", .uid = "0d6b2a4e-0000-4000-8000-000000000001"};
  absl::Status status = WriteFileAtomically(directory + "/plain.json", RenderJob(spec, options, std::nullopt));
  spec.max_memory_bytes = int64_t{8} << 30;
  spec.cpus = 2.5;
  spec.gpus = 1;
  status.Update(WriteFileAtomically(directory + "/resources.json", RenderJob(spec, options, deployment)));
  spec.replicas = 4;
  status.Update(WriteFileAtomically(directory + "/replicas.json", RenderJob(spec, options, deployment)));
  const KubernetesOwner job = {.name = spec.name, .uid = "0d6b2a4e-0000-4000-8000-000000000002"};
  status.Update(WriteFileAtomically(directory + "/service.json", RenderReplicaService(job)));
  status.Update(WriteFileAtomically(directory + "/deletion.json", RenderDeletion(job.uid, absl::Seconds(25))));
  return status;
}

}  // namespace
}  // namespace semblance::service

int main(int argc, char** argv) {
  const absl::Status status =
      argc == 2 ? semblance::service::Render(argv[1]) : absl::InvalidArgumentError("one argument: a directory");
  if (!status.ok()) {
    std::cerr << status << "\n";
  }
  return status.ok() ? 0 : 1;
}
