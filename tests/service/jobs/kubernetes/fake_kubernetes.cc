#include "tests/service/jobs/kubernetes/fake_kubernetes.h"

#include <algorithm>
#include <regex>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace semblance::testing {
namespace {

using Json = nlohmann::json;

constexpr char kJobs[] = "/apis/batch/v1/namespaces/training/jobs";
constexpr char kPods[] = "/api/v1/namespaces/training/pods";
constexpr char kServices[] = "/api/v1/namespaces/training/services";
constexpr char kDeployments[] = "/apis/apps/v1/namespaces/training/deployments/";
// A watch checks this often that its client is still connected, because httplib tells nobody when a client goes.
constexpr absl::Duration kWatchPoll = absl::Milliseconds(5);

Json StatusObject(int code, const std::string& message) {
  return {{"kind", "Status"}, {"apiVersion", "v1"}, {"status", "Failure"}, {"message", message}, {"code", code}};
}

void Answer(httplib::Response& response, int code, const Json& body) {
  response.status = code;
  response.set_content(body.dump(), "application/json");
}

void Refuse(httplib::Response& response, int code, const std::string& message) {
  Answer(response, code, StatusObject(code, message));
}

bool HasName(const Json& object) {
  return object.is_object() && object.contains("metadata") && object["metadata"].contains("name") &&
         std::regex_match(object["metadata"]["name"].get<std::string>(), std::regex("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"));
}

}  // namespace

FakeKubernetes::FakeKubernetes(std::unique_ptr<httplib::Server> server) : server_(std::move(server)) {
  // httplib asks for it as soon as it listens.
  server_->new_task_queue = [this] {
    const MutexLock lock(&mutex_);
    listening_ = true;
    changed_.NotifyAll();
    return new httplib::ThreadPool(8);
  };
  const auto serve = [this](const httplib::Request& request, httplib::Response& response) { Serve(request, response); };
  server_->Get("/.*", serve);
  server_->Post("/.*", serve);
  server_->Delete("/.*", serve);
  port_ = server_->bind_to_any_port("127.0.0.1");
  thread_ = Worker("kubernetes", [this](const std::stop_token& /*stop*/) { server_->listen_after_bind(); });
  // The destructor's stop() has no effect before the server listens.
  const MutexLock lock(&mutex_);
  changed_.Wait(mutex_, /*stop=*/{}, [this]() SEMBLANCE_REQUIRES(mutex_) { return listening_; });
}

FakeKubernetes::~FakeKubernetes() {
  {
    const MutexLock lock(&mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  server_->stop();
  thread_.Stop();
}

void FakeKubernetes::SetToken(const std::string& token) {
  const MutexLock lock(&mutex_);
  token_ = token;
}

void FakeKubernetes::FailNext(const std::string& part, int http_status, int count) {
  const MutexLock lock(&mutex_);
  failures_.push_back({part, http_status, count});
}

void FakeKubernetes::Change(const std::string& name, const char* type) {
  jobs_[name]["metadata"]["resourceVersion"] = absl::StrCat(++version_);
  events_.push_back({version_, name, Json({{"type", type}, {"object", jobs_[name]}}).dump() + "\n"});
  changed_.NotifyAll();
}

void FakeKubernetes::Finish(const std::string& job, const std::string& condition) {
  const MutexLock lock(&mutex_);
  jobs_[job]["status"]["conditions"] = Json::array({{{"type", condition}, {"status", "True"}}});
  Change(job, "MODIFIED");
}

void FakeKubernetes::RemoveJob(const std::string& job) {
  const MutexLock lock(&mutex_);
  Change(job, "DELETED");
  jobs_.erase(job);
}

void FakeKubernetes::ReplaceJob(const std::string& job) {
  const MutexLock lock(&mutex_);
  jobs_[job]["metadata"]["uid"] = absl::StrCat("uid-", next_uid_++);
  jobs_[job]["metadata"]["resourceVersion"] = absl::StrCat(++version_);
}

void FakeKubernetes::PutJob(const Json& job) {
  const MutexLock lock(&mutex_);
  const std::string name = job["metadata"]["name"];
  jobs_[name] = job;
  jobs_[name]["metadata"]["uid"] = absl::StrCat("uid-", next_uid_++);
  Change(name, "ADDED");
}

void FakeKubernetes::PutDeployment(const std::string& name, const std::string& uid) {
  const MutexLock lock(&mutex_);
  deployments_[name] = {{"metadata", {{"name", name}, {"uid", uid}}}};
}

void FakeKubernetes::PutPod(const Json& pod) {
  const MutexLock lock(&mutex_);
  std::erase_if(pods_, [&](const Json& each) { return each["metadata"]["name"] == pod["metadata"]["name"]; });
  pods_.push_back(pod);
}

void FakeKubernetes::SetLog(const std::string& pod, const std::string& text) {
  const MutexLock lock(&mutex_);
  logs_[pod] = text;
}

void FakeKubernetes::DropWatches() {
  const MutexLock lock(&mutex_);
  ++cut_;
  changed_.NotifyAll();
}

void FakeKubernetes::EndWatches() {
  const MutexLock lock(&mutex_);
  ++ended_;
  changed_.NotifyAll();
}

void FakeKubernetes::ForgetVersions(Gone how) {
  const MutexLock lock(&mutex_);
  // A client that reads now gets a known version.
  oldest_version_ = ++version_;
  for (auto& [name, job] : jobs_) {
    job["metadata"]["resourceVersion"] = absl::StrCat(version_);
  }
  gone_ = how;
}

void FakeKubernetes::Await(const std::string& method, const std::string& part, int count) {
  const MutexLock lock(&mutex_);
  changed_.Wait(mutex_, /*stop=*/{}, [&]() SEMBLANCE_REQUIRES(mutex_) { return Count(method, part) >= count; });
}

int FakeKubernetes::Count(const std::string& method, const std::string& part) const {
  return static_cast<int>(std::count_if(requests_.begin(), requests_.end(), [&](const Request& request) {
    return request.method == method &&
           absl::StrContains(request.path + (request.parameters.count("watch") > 0 ? "?watch" : ""), part);
  }));
}

int FakeKubernetes::watches() const {
  const MutexLock lock(&mutex_);
  return Count("GET", "?watch");
}

std::vector<FakeKubernetes::Request> FakeKubernetes::requests() const {
  const MutexLock lock(&mutex_);
  return requests_;
}

Json FakeKubernetes::job(const std::string& name) const {
  const MutexLock lock(&mutex_);
  return jobs_.at(name);
}

Json FakeKubernetes::service(const std::string& name) const {
  const MutexLock lock(&mutex_);
  return services_.at(name);
}

void FakeKubernetes::Serve(const httplib::Request& request, httplib::Response& response) {
  const MutexLock lock(&mutex_);
  requests_.push_back({request.method, request.path, request.params, request.body});
  changed_.NotifyAll();
  if (request.get_header_value("Authorization") != absl::StrCat("Bearer ", token_)) {
    return Refuse(response, 401, "Unauthorized");
  }
  const auto failure = std::find_if(failures_.begin(), failures_.end(), [&](const Failure& each) {
    return each.count > 0 && absl::StrContains(request.path + (request.has_param("watch") ? "?watch" : ""), each.part);
  });
  if (failure == failures_.end()) {
    return Dispatch(request, response);
  }
  --failure->count;
  if (failure->http_status != 0) {
    response.set_header("Retry-After", "7");
    return Refuse(response, failure->http_status, "as the test asked for");
  }
  Dispatch(request, response);
  // The answer never arrives completely.
  response.body.clear();
  response.set_content_provider(1000, "application/json", [](size_t, size_t, httplib::DataSink&) { return false; });
}

void FakeKubernetes::Dispatch(const httplib::Request& request, httplib::Response& response) {
  if (request.method != "GET" && request.get_header_value("Content-Type") != "application/json") {
    return Refuse(response, 415, "the body of the request was in an unknown format");
  }
  if (absl::StartsWith(request.path, kJobs)) {
    return ServeJobs(request, response);
  }
  if (absl::StartsWith(request.path, kPods) && request.method == "GET") {
    return ServePods(request, response);
  }
  if (request.path == kServices && request.method == "POST") {
    return CreateService(request, response);
  }
  const std::string deployment = absl::StartsWith(request.path, kDeployments) ? request.path.substr(sizeof(kDeployments) - 1) : "";
  if (request.method == "GET" && deployments_.count(deployment) > 0) {
    return Answer(response, 200, deployments_[deployment]);
  }
  Refuse(response, 404, "the server could not find the requested resource");
}

void FakeKubernetes::ServeJobs(const httplib::Request& request, httplib::Response& response) {
  if (request.path == kJobs) {
    if (request.method == "POST") {
      return CreateJob(request, response);
    }
    return request.method == "GET" && request.has_param("watch") ? Watch(request, response) : Refuse(response, 405, "not allowed");
  }
  const std::string name = request.path.substr(sizeof(kJobs));
  if (jobs_.count(name) == 0) {
    return Refuse(response, 404, absl::StrCat("jobs.batch \"", name, "\" not found"));
  }
  request.method == "GET" ? Answer(response, 200, jobs_[name]) : DeleteJob(name, request, response);
}

void FakeKubernetes::CreateJob(const httplib::Request& request, httplib::Response& response) {
  Json job = Json::parse(request.body, nullptr, false);
  if (job.is_discarded() || job.value("kind", "") != "Job" || job.value("apiVersion", "") != "batch/v1") {
    return Refuse(response, 400, "the object provided is unrecognized");
  }
  if (!HasName(job)) {
    return Refuse(response, 422, "metadata.name: Invalid value");
  }
  const std::string name = job["metadata"]["name"];
  if (jobs_.count(name) > 0) {
    return Refuse(response, 409, absl::StrCat("jobs.batch \"", name, "\" already exists"));
  }
  job["metadata"]["uid"] = absl::StrCat("uid-", next_uid_++);
  jobs_[name] = std::move(job);
  Change(name, "ADDED");
  Answer(response, 201, jobs_[name]);
}

void FakeKubernetes::DeleteJob(const std::string& name, const httplib::Request& request, httplib::Response& response) {
  const Json options = Json::parse(request.body, nullptr, false);
  if (options.is_discarded() || options.value("kind", "") != "DeleteOptions" || options["propagationPolicy"] != "Foreground") {
    return Refuse(response, 400, "the options are not DeleteOptions");
  }
  if (options["preconditions"]["uid"] != jobs_[name]["metadata"]["uid"]) {
    return Refuse(response, 409, "the UID in the precondition does not match the UID in record");
  }
  Answer(response, 200, jobs_[name]);
  Change(name, "DELETED");
  jobs_.erase(name);
}

void FakeKubernetes::CreateService(const httplib::Request& request, httplib::Response& response) {
  const Json service = Json::parse(request.body, nullptr, false);
  if (service.is_discarded() || service.value("kind", "") != "Service" || service.value("apiVersion", "") != "v1" ||
      !HasName(service)) {
    return Refuse(response, 400, "the object provided is unrecognized");
  }
  const std::string name = service["metadata"]["name"];
  if (services_.count(name) > 0) {
    return Refuse(response, 409, absl::StrCat("services \"", name, "\" already exists"));
  }
  services_[name] = service;
  Answer(response, 201, service);
}

void FakeKubernetes::ServePods(const httplib::Request& request, httplib::Response& response) {
  if (request.path == kPods) {
    Json items = Json::array();
    for (const Json& pod : pods_) {
      if (request.get_param_value("labelSelector") ==
          absl::StrCat("job-name=", pod["metadata"]["labels"]["job-name"].get<std::string>())) {
        items.push_back(pod);
      }
    }
    return Answer(response, 200, {{"kind", "PodList"}, {"items", items}});
  }
  const std::vector<std::string> parts = absl::StrSplit(request.path.substr(sizeof(kPods)), '/');
  if (parts.size() != 2 || parts[1] != "log" || logs_.count(parts[0]) == 0) {
    return Refuse(response, 400, "container is waiting to start");
  }
  // Times of equal length compare like texts. Kubernetes only uses whole seconds here.
  const std::string since = request.get_param_value("sinceTime").substr(0, 19);
  std::string text;
  for (const absl::string_view line : absl::StrSplit(logs_[parts[0]], '\n', absl::SkipEmpty())) {
    if (line.substr(0, 19) >= since) {
      absl::StrAppend(&text, line, "\n");
    }
  }
  if (!text.empty() && !absl::EndsWith(logs_[parts[0]], "\n")) {
    text.pop_back();  // A log may end in the middle of a line.
  }
  response.set_content(text, "text/plain");
}

void FakeKubernetes::Watch(const httplib::Request& request, httplib::Response& response) {
  const std::string selector = request.get_param_value("fieldSelector");
  const int from = std::stoi(absl::StrCat("0", request.get_param_value("resourceVersion")));
  if (!absl::StartsWith(selector, "metadata.name=") || request.get_param_value("timeoutSeconds").empty()) {
    return Refuse(response, 400, "the test's server wants a name and a timeout");
  }
  if (from < oldest_version_) {
    const Json status = StatusObject(410, absl::StrCat("too old resource version: ", from));
    if (gone_ == Gone::kHttpStatus) {
      return Answer(response, 410, status);
    }
    return response.set_content(Json({{"type", "ERROR"}, {"object", status}}).dump() + "\n", "application/json");
  }
  const auto seen = std::make_shared<int>(from);
  response.set_chunked_content_provider(
      "application/json", [this, job = selector.substr(14), seen, cut = cut_, ended = ended_](size_t, httplib::DataSink& sink) {
        const MutexLock lock(&mutex_);
        const auto is_new = [&](const Event& event) { return event.version > *seen && event.job == job; };
        changed_.WaitFor(mutex_, /*stop=*/{}, kWatchPoll, [&]() SEMBLANCE_REQUIRES(mutex_) {
          return ended_ != ended || cut_ != cut || stopping_ || std::any_of(events_.begin(), events_.end(), is_new);
        });
        for (const Event& event : events_) {
          if (is_new(event)) {
            *seen = event.version;
            // The text is sent in two pieces, as a network may split it.
            sink.write(event.line.data(), 10);
            sink.write(event.line.data() + 10, event.line.size() - 10);
          }
        }
        if (ended_ != ended) {
          sink.done();
        }
        return cut_ == cut && !stopping_ && sink.is_writable();
      });
}

}  // namespace semblance::testing
