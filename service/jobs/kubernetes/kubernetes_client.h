// Calls the REST interface of a Kubernetes API server over HTTPS. Requests and answers are texts.
//
// Thread-safe.
//
// The bearer token and the certificate authority are read from their files for every request, because both are replaced while a
// pod runs. A request that is answered with 401 is repeated once. There are few requests, so each has a connection of its own.
// Making a client ignores SIGPIPE in this process, which OpenSSL would raise for a lost connection.
//
// Errors: InvalidArgument (400, 422); PermissionDenied (401, 403); ResourceExhausted (403 for an exceeded quota); NotFound
// (404); AlreadyExists (409); OutOfRange (410, the server has dropped the resource version); Unavailable (429, 5xx, no
// connection, a lost one, no token), with the server's Retry-After if it sent one; Cancelled after Interrupt. The messages are
// those of the server.
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
  // https://HOST[:PORT]. http:// is accepted for a loopback address only, so that no token crosses a network unencrypted.
  std::string api_server;
  std::string token_path;
  // A PEM file. The certificate of the server must come from one of these authorities.
  std::string ca_path;
  // The limits of making a connection and of each wait for bytes.
  absl::Duration connect_timeout = absl::Seconds(5);
  absl::Duration read_timeout = absl::Seconds(15);
};

class KubernetesClient {
 public:
  virtual ~KubernetesClient() = default;

  // `path` is percent-encoded and begins with "/". Returns the body of the answer.
  virtual absl::StatusOr<std::string> Get(const std::string& path) = 0;
  // `body` is JSON.
  virtual absl::StatusOr<std::string> Post(const std::string& path, const std::string& body) = 0;
  virtual absl::StatusOr<std::string> Delete(const std::string& path, const std::string& body) = 0;

  // Passes the lines of an answer to on_line as they arrive, without line feeds, until the server ends it or on_line returns
  // false. The server may be silent for `limit` plus the read timeout.
  virtual absl::Status Watch(const std::string& path, absl::Duration limit,
                             const std::function<bool(absl::string_view line)>& on_line) = 0;

  // Makes every call return Cancelled, including those in flight. Returns when none is in flight. This happens at once, or
  // after the timeout of a connection that is being made.
  virtual void Interrupt() = 0;
};

// Errors: InvalidArgument for an address of another form.
absl::StatusOr<std::unique_ptr<KubernetesClient>> NewKubernetesClient(KubernetesClientOptions options);

}  // namespace semblance::service

#endif  // SEMBLANCE_SERVICE_JOBS_KUBERNETES_KUBERNETES_CLIENT_H_
