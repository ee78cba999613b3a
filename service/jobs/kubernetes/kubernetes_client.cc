#include "service/jobs/kubernetes/kubernetes_client.h"

#include <arpa/inet.h>
#include <httplib.h>
#include <signal.h>

#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/error.h"
#include "common/file.h"
#include "common/status_macros.h"
#include "common/threads/condition.h"
#include "common/threads/mutex.h"

namespace semblance::service {
namespace {

constexpr int kHttpsPort = 443;
constexpr int kHttpPort = 80;
// Interrupt repeats its attempt in this interval, because a request cannot be ended before it has a connection.
constexpr absl::Duration kInterruptPoll = absl::Milliseconds(10);

struct Address {
  bool tls = true;
  std::string host;
  int port = 0;
};

bool IsLoopback(const std::string& host) {
  in_addr address{};
  return host == "localhost" || host == "::1" ||
         (::inet_pton(AF_INET, host.c_str(), &address) == 1 && (ntohl(address.s_addr) >> 24) == 127);
}

absl::StatusOr<Address> ParseAddress(const std::string& api_server) {
  const absl::Status bad = absl::InvalidArgumentError(absl::StrCat("the API server ", api_server, " is not https://HOST[:PORT]"));
  Address address;
  absl::string_view rest = api_server;
  if (absl::ConsumePrefix(&rest, "http://")) {
    address.tls = false;
  } else if (!absl::ConsumePrefix(&rest, "https://")) {
    return bad;
  }
  absl::ConsumeSuffix(&rest, "/");
  address.port = address.tls ? kHttpsPort : kHttpPort;
  const size_t colon = rest.rfind(':');
  if (colon != absl::string_view::npos && rest.find(']', colon) == absl::string_view::npos) {
    if (!absl::SimpleAtoi(rest.substr(colon + 1), &address.port) || address.port < 1 || address.port > 65535) {
      return bad;
    }
    rest = rest.substr(0, colon);
  }
  if (absl::ConsumePrefix(&rest, "[") && !absl::ConsumeSuffix(&rest, "]")) {
    return bad;
  }
  address.host = std::string(rest);
  if (rest.empty() || rest.find_first_of("/?#@ \t\r\n") != absl::string_view::npos) {
    return bad;
  }
  if (!address.tls && !IsLoopback(address.host)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the API server ", api_server, " would get the token in the clear: use https://"));
  }
  return address;
}

// Returns the message of a Status object, or the beginning of a body that is none.
std::string MessageOf(const std::string& body) {
  constexpr size_t kMaxMessage = 300;
  const auto status = nlohmann::json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (status.is_object() && status.contains("message") && status["message"].is_string()) {
    return status["message"].get<std::string>();
  }
  return body.substr(0, kMaxMessage);
}

absl::StatusCode CodeOf(int http_status, const std::string& message) {
  switch (http_status) {
    case 400:
    case 422:
      return absl::StatusCode::kInvalidArgument;
    case 401:
      return absl::StatusCode::kPermissionDenied;
    case 403:
      return absl::StrContains(message, "exceeded quota") ? absl::StatusCode::kResourceExhausted
                                                          : absl::StatusCode::kPermissionDenied;
    case 404:
      return absl::StatusCode::kNotFound;
    case 409:
      return absl::StatusCode::kAlreadyExists;
    case 410:
      return absl::StatusCode::kOutOfRange;
    case 429:
      return absl::StatusCode::kUnavailable;
    default:
      return http_status >= 500 ? absl::StatusCode::kUnavailable : absl::StatusCode::kInternal;
  }
}

// Splits data that arrives in pieces into lines.
class LineReader {
 public:
  explicit LineReader(const std::function<bool(absl::string_view)>& on_line) : on_line_(on_line) {}

  // Returns true if more data is wanted.
  bool Read(absl::string_view piece) {
    rest_.append(piece.data(), piece.size());
    size_t begin = 0;
    bool more = true;
    for (size_t end = rest_.find('\n'); more && end != std::string::npos; end = rest_.find('\n', begin)) {
      more = on_line_(absl::string_view(rest_).substr(begin, end - begin));
      begin = end + 1;
    }
    rest_.erase(0, begin);
    return more;
  }

 private:
  const std::function<bool(absl::string_view)>& on_line_;
  std::string rest_;
};

struct Call {
  std::string method;
  std::string path;
  std::string body;
  absl::Duration silence = absl::ZeroDuration();
  // If null, the body is returned as a whole.
  const std::function<bool(absl::string_view)>* on_line = nullptr;
};

class HttplibClient final : public KubernetesClient {
 public:
  HttplibClient(KubernetesClientOptions options, Address address) : options_(std::move(options)), address_(std::move(address)) {}

  absl::StatusOr<std::string> Get(const std::string& path) override { return Send({.method = "GET", .path = path, .body = ""}); }
  absl::StatusOr<std::string> Post(const std::string& path, const std::string& body) override {
    return Send({.method = "POST", .path = path, .body = body});
  }
  absl::StatusOr<std::string> Delete(const std::string& path, const std::string& body) override {
    return Send({.method = "DELETE", .path = path, .body = body});
  }
  absl::Status Watch(const std::string& path, absl::Duration limit,
                     const std::function<bool(absl::string_view)>& on_line) override {
    return Send({.method = "GET", .path = path, .body = "", .silence = limit, .on_line = &on_line}).status();
  }

  void Interrupt() override {
    MutexLock lock(&mutex_);
    interrupted_ = true;
    while (!in_flight_.empty()) {
      for (httplib::ClientImpl* client : in_flight_) {
        client->stop();
      }
      returned_.WaitFor(mutex_, /*stop=*/{}, kInterruptPoll, [this]() SEMBLANCE_REQUIRES(mutex_) { return in_flight_.empty(); });
    }
  }

 private:
  // Registers a connection for Interrupt.
  class InFlight {
   public:
    InFlight(HttplibClient* owner, httplib::ClientImpl* client) : owner_(*owner), client_(client) {
      const MutexLock lock(&owner_.mutex_);
      owner_.in_flight_.insert(client_);
    }
    ~InFlight() {
      const MutexLock lock(&owner_.mutex_);
      owner_.in_flight_.erase(client_);
      owner_.returned_.NotifyAll();
    }
    InFlight(const InFlight&) = delete;
    InFlight& operator=(const InFlight&) = delete;

   private:
    HttplibClient& owner_;
    httplib::ClientImpl* const client_;
  };

  absl::StatusOr<std::string> Send(const Call& call) {
    int http_status = 0;
    absl::StatusOr<std::string> answer = SendOnce(call, &http_status);
    if (http_status == 401) {
      // The token may have been replaced after it was read.
      answer = SendOnce(call, &http_status);
    }
    return answer;
  }

  absl::StatusOr<std::string> SendOnce(const Call& call, int* http_status) {
    SEMBLANCE_ASSIGN_OR_RETURN(httplib::Request request, RequestOf(call));
    const std::unique_ptr<httplib::ClientImpl> client = Connection(call);
    const InFlight in_flight(this, client.get());
    if (Interrupted()) {
      return absl::CancelledError("interrupted");
    }
    std::string body;
    bool enough = false;
    *http_status = 0;
    request.response_handler = [http_status](const httplib::Response& response) {
      *http_status = response.status;
      return true;
    };
    const std::function<bool(absl::string_view)> none;
    LineReader lines(call.on_line == nullptr ? none : *call.on_line);
    request.content_receiver = [&](const char* data, size_t size, uint64_t, uint64_t) {
      if (call.on_line == nullptr || *http_status / 100 != 2) {
        body.append(data, size);
        return true;
      }
      enough = !lines.Read(absl::string_view(data, size));
      return !enough;
    };
    const httplib::Result result = client->send(request);
    if (Interrupted()) {
      return absl::CancelledError("interrupted");
    }
    if (!result && !enough) {
      return absl::UnavailableError(absl::StrCat(options_.api_server, ": ", httplib::to_string(result.error()), " failed"));
    }
    if (*http_status / 100 != 2) {
      return ErrorOf(call, *http_status, body, result->get_header_value("Retry-After"));
    }
    return body;
  }

  absl::StatusOr<httplib::Request> RequestOf(const Call& call) const {
    const absl::StatusOr<std::string> file = ReadFile(options_.token_path);
    if (!file.ok()) {
      return absl::UnavailableError(absl::StrCat("no token for the API server: ", file.status().message()));
    }
    const absl::string_view token = absl::StripAsciiWhitespace(*file);
    if (token.find_first_of("\r\n") != absl::string_view::npos) {
      return absl::UnavailableError(absl::StrCat(options_.token_path, " holds no token: there is more than one line"));
    }
    httplib::Request request;
    request.method = call.method;
    request.path = call.path;
    request.headers = {{"Authorization", absl::StrCat("Bearer ", token)}, {"Accept", "application/json, */*"}};
    if (!call.body.empty()) {
      request.headers.emplace("Content-Type", "application/json");
      request.body = call.body;
    }
    return request;
  }

  std::unique_ptr<httplib::ClientImpl> Connection(const Call& call) const {
    std::unique_ptr<httplib::ClientImpl> client;
    if (address_.tls) {
      client = std::make_unique<httplib::SSLClient>(address_.host, address_.port);
      client->set_ca_cert_path(options_.ca_path);
      client->enable_server_certificate_verification(true);
    } else {
      client = std::make_unique<httplib::ClientImpl>(address_.host, address_.port);
    }
    client->set_url_encode(false);
    client->set_connection_timeout(absl::ToChronoMicroseconds(options_.connect_timeout));
    client->set_read_timeout(absl::ToChronoMicroseconds(options_.read_timeout + call.silence));
    client->set_write_timeout(absl::ToChronoMicroseconds(options_.read_timeout));
    return client;
  }

  static absl::Status ErrorOf(const Call& call, int http_status, const std::string& body, const std::string& retry_after) {
    const std::string message = MessageOf(body);
    const absl::Status status(CodeOf(http_status, message),
                              absl::StrCat(call.method, " ", call.path, ": ", http_status, " ", message));
    int seconds = 0;
    return absl::SimpleAtoi(retry_after, &seconds) && seconds > 0 ? WithRetryDelay(status, absl::Seconds(seconds)) : status;
  }

  bool Interrupted() {
    const MutexLock lock(&mutex_);
    return interrupted_;
  }

  const KubernetesClientOptions options_;
  const Address address_;
  Mutex mutex_;
  Condition returned_;
  bool interrupted_ SEMBLANCE_GUARDED_BY(mutex_) = false;
  std::set<httplib::ClientImpl*> in_flight_ SEMBLANCE_GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<std::unique_ptr<KubernetesClient>> NewKubernetesClient(KubernetesClientOptions options) {
  SEMBLANCE_ASSIGN_OR_RETURN(Address address, ParseAddress(options.api_server));
  ::signal(SIGPIPE, SIG_IGN);
  return std::make_unique<HttplibClient>(std::move(options), std::move(address));
}

}  // namespace semblance::service
