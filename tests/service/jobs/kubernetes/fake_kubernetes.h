// A Kubernetes API server with the parts that jobs need, on a free port of this machine. It checks verbs, paths, the token, content
// types and JSON as the real one does. It keeps objects with uids and resource versions, and streams watches from any version.
//
// Thread-safe.
#ifndef SEMBLANCE_TESTS_SERVICE_JOBS_KUBERNETES_FAKE_KUBERNETES_H_
#define SEMBLANCE_TESTS_SERVICE_JOBS_KUBERNETES_FAKE_KUBERNETES_H_

#include <httplib.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/threads/condition.h"
#include "common/threads/mutex.h"
#include "common/threads/worker.h"

namespace semblance::testing {

class FakeKubernetes {
 public:
  struct Request {
    std::string method;
    std::string path;
    httplib::Params parameters;
    std::string body;
  };

  // The ways in which a watch learns that the server has dropped its version.
  enum class Gone { kHttpStatus, kEvent };

  // Listens with `server`, which may use TLS. By default the server is a plain one.
  explicit FakeKubernetes(std::unique_ptr<httplib::Server> server = std::make_unique<httplib::Server>());
  ~FakeKubernetes();

  int port() const { return port_; }

  // Sets the token that is accepted from now on. At first it is "token-1".
  void SetToken(const std::string& token);

  // Answers the next `count` requests whose path contains `part` with this HTTP status. With 0, the request is carried out and then
  // the connection is closed.
  void FailNext(const std::string& part, int http_status, int count = 1);

  // Does what the controllers of a cluster would do. `condition` is "Complete" or "Failed".
  void Finish(const std::string& job, const std::string& condition);
  void RemoveJob(const std::string& job);
  // Replaces the Job by another one of the same name.
  void ReplaceJob(const std::string& job);
  void PutJob(const nlohmann::json& job);
  void PutDeployment(const std::string& name, const std::string& uid);
  void PutPod(const nlohmann::json& pod);
  void SetLog(const std::string& pod, const std::string& text);

  // DropWatches closes the connections of all watches without an end. EndWatches ends them properly.
  void DropWatches();
  void EndWatches();
  // From now on, watches from earlier versions are answered with 410.
  void ForgetVersions(Gone how);

  // Waits until the server has seen this many requests of this kind in all.
  void Await(const std::string& method, const std::string& part, int count = 1);

  std::vector<Request> requests() const;
  // Counts the watches that were asked for so far.
  int watches() const;
  // Returns the bodies of the objects as they were created.
  nlohmann::json job(const std::string& name) const;
  nlohmann::json service(const std::string& name) const;

 private:
  struct Event {
    int version;
    std::string job;
    std::string line;
  };
  struct Failure {
    std::string part;
    int http_status;
    int count;
  };

  int Count(const std::string& method, const std::string& part) const SEMBLANCE_REQUIRES(mutex_);
  void Serve(const httplib::Request& request, httplib::Response& response);
  void Dispatch(const httplib::Request& request, httplib::Response& response) SEMBLANCE_REQUIRES(mutex_);
  void ServeJobs(const httplib::Request& request, httplib::Response& response) SEMBLANCE_REQUIRES(mutex_);
  void ServePods(const httplib::Request& request, httplib::Response& response) SEMBLANCE_REQUIRES(mutex_);
  void CreateJob(const httplib::Request& request, httplib::Response& response) SEMBLANCE_REQUIRES(mutex_);
  void DeleteJob(const std::string& name, const httplib::Request& request, httplib::Response& response) SEMBLANCE_REQUIRES(mutex_);
  void CreateService(const httplib::Request& request, httplib::Response& response) SEMBLANCE_REQUIRES(mutex_);
  void Watch(const httplib::Request& request, httplib::Response& response) SEMBLANCE_REQUIRES(mutex_);
  void Change(const std::string& name, const char* type) SEMBLANCE_REQUIRES(mutex_);

  std::unique_ptr<httplib::Server> server_;
  int port_ = 0;
  mutable Mutex mutex_;
  Condition changed_;
  std::string token_ SEMBLANCE_GUARDED_BY(mutex_) = "token-1";
  std::vector<Failure> failures_ SEMBLANCE_GUARDED_BY(mutex_);
  std::vector<Request> requests_ SEMBLANCE_GUARDED_BY(mutex_);
  std::map<std::string, nlohmann::json> jobs_ SEMBLANCE_GUARDED_BY(mutex_);
  std::map<std::string, nlohmann::json> services_ SEMBLANCE_GUARDED_BY(mutex_);
  std::map<std::string, nlohmann::json> deployments_ SEMBLANCE_GUARDED_BY(mutex_);
  std::vector<nlohmann::json> pods_ SEMBLANCE_GUARDED_BY(mutex_);
  std::map<std::string, std::string> logs_ SEMBLANCE_GUARDED_BY(mutex_);
  std::vector<Event> events_ SEMBLANCE_GUARDED_BY(mutex_);
  int version_ SEMBLANCE_GUARDED_BY(mutex_) = 100;
  int oldest_version_ SEMBLANCE_GUARDED_BY(mutex_) = 0;
  Gone gone_ SEMBLANCE_GUARDED_BY(mutex_) = Gone::kHttpStatus;
  int next_uid_ SEMBLANCE_GUARDED_BY(mutex_) = 1;
  // How often DropWatches and EndWatches were called.
  int cut_ SEMBLANCE_GUARDED_BY(mutex_) = 0;
  int ended_ SEMBLANCE_GUARDED_BY(mutex_) = 0;
  bool listening_ SEMBLANCE_GUARDED_BY(mutex_) = false;
  bool stopping_ SEMBLANCE_GUARDED_BY(mutex_) = false;

  Worker thread_;
};

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_SERVICE_JOBS_KUBERNETES_FAKE_KUBERNETES_H_
