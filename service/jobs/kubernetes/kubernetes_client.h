// The REST interface of a Kubernetes API server: one request at a time over HTTPS, texts in and texts out.
//
// Thread-safe.
//
// The bearer token and the certificate authority are read from their files anew for every request, since both are replaced while a
// pod runs; an answer of 401 is tried once more. Every request has a connection of its own: there are few of them. Making a client
// ignores SIGPIPE in this process, which OpenSSL would raise for a lost connection.
//
// Errors: InvalidArgument (400, 422), PermissionDenied (401, 403), ResourceExhausted (403 for an exceeded quota), NotFound (404),
// AlreadyExists (409), OutOfRange (410: a resource version that is gone); Unavailable (429, 5xx, no connection, a lost one, no
// token), with the server's Retry-After where it sent one; Cancelled after Interrupt. Messages are those of the server.
#ifndef SEMBLANCE_SERVICE_JOBS_KUBERNETES_KUBERNETES_CLIENT_H_
#define SEMBLANCE_SERVICE_JOBS_KUBERNETES_KUBERNETES_CLIENT_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace semblance::service {

struct KubernetesClientOptions {
  // https://HOST[:PORT]. http:// only for a loopback address: a token never goes over a network in the clear.
  std::string api_server;
  std::string token_path;
  // PEM; the server's certificate must come from one of these authorities.
  std::string ca_path;
  // For a connection, and for each wait for bytes.
  absl::Duration connect_timeout = absl::Seconds(5);
  absl::Duration read_timeout = absl::Seconds(15);
};

class KubernetesClient {
 public:
  virtual ~KubernetesClient() = default;

  // `path` is encoded and begins with "/". Returns the body of the answer.
  virtual absl::StatusOr<std::string> Get(const std::string& path) = 0;
  // `body` is JSON.
  virtual absl::StatusOr<std::string> Post(const std::string& path, const std::string& body) = 0;
  virtual absl::StatusOr<std::string> Delete(const std::string& path, const std::string& body) = 0;

  // Hands over the lines of an answer as they come, without line feeds, until the server ends it or on_line returns false. `limit`
  // is how long the server may keep silent, on top of the read timeout.
  virtual absl::Status Watch(const std::string& path, absl::Duration limit,
                             const std::function<bool(absl::string_view line)>& on_line) = 0;

  // From now on every call returns Cancelled, those in flight too. Returns when none is in flight: at once, or, where a connection
  // is being made, after its timeout.
  virtual void Interrupt() = 0;
};

// Errors: InvalidArgument for an address that is not as above.
absl::StatusOr<std::unique_ptr<KubernetesClient>> NewKubernetesClient(KubernetesClientOptions options);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_JOBS_KUBERNETES_KUBERNETES_CLIENT_H_
