#include "service/jobs/kubernetes/kubernetes_client.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/jobs/kubernetes/fake_kubernetes.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kJobs[] = "/apis/batch/v1/namespaces/training/jobs";
constexpr char kJob[] = R"({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "job-1"}})";
constexpr char kWatch[] =
    "/apis/batch/v1/namespaces/training/jobs?watch=1&fieldSelector=metadata.name%3Djob-1&resourceVersion=0&timeoutSeconds=1";

class KubernetesClientTest : public ::testing::Test {
 protected:
  KubernetesClientTest() { SetToken("token-1\n"); }

  void SetToken(const std::string& token) { EXPECT_OK(WriteFileAtomically(token_path_, token)); }

  std::unique_ptr<service::KubernetesClient> Client(const std::string& address) const {
    auto client = service::NewKubernetesClient({.api_server = address, .token_path = token_path_, .ca_path = dir_.Join("ca.crt")});
    EXPECT_OK(client);
    return *std::move(client);
  }
  std::unique_ptr<service::KubernetesClient> Client(const FakeKubernetes& server) const {
    return Client(absl::StrCat("http://127.0.0.1:", server.port()));
  }

  const TempDir dir_;
  const std::string token_path_ = dir_.Join("token");
};

TEST_F(KubernetesClientTest, CreatesReadsAndDeletes) {
  FakeKubernetes server;
  const auto client = Client(server);
  ASSERT_OK_AND_ASSIGN(const std::string created, client->Post(kJobs, kJob));
  EXPECT_THAT(created, HasSubstr("\"uid\":\"uid-1\""));
  const std::string path = absl::StrCat(kJobs, "/job-1");
  EXPECT_EQ(*client->Get(path), created);
  EXPECT_OK(
      client->Delete(path, R"({"kind": "DeleteOptions", "propagationPolicy": "Foreground", "preconditions": {"uid": "uid-1"}})"));
  EXPECT_THAT(client->Get(path), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(client->Get(path), StatusMessage(HasSubstr("404 jobs.batch \"job-1\" not found")));
}

TEST_F(KubernetesClientTest, ReadsTheTokenBeforeEveryUse) {
  FakeKubernetes server;
  const auto client = Client(server);
  EXPECT_OK(client->Post(kJobs, kJob));
  server.SetToken("token-2");
  SetToken("token-2");
  EXPECT_OK(client->Get(absl::StrCat(kJobs, "/job-1")));
  EXPECT_EQ(server.requests().size(), 2u);
}

TEST_F(KubernetesClientTest, TriesOnceMoreWhenTheTokenIsRefused) {
  FakeKubernetes server;
  server.FailNext(kJobs, 401);
  EXPECT_OK(Client(server)->Post(kJobs, kJob));
  EXPECT_EQ(server.requests().size(), 2u);
  SetToken("wrong");
  EXPECT_THAT(Client(server)->Post(kJobs, kJob), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_EQ(server.requests().size(), 4u);
}

TEST_F(KubernetesClientTest, NamesErrorsByTheirKind) {
  FakeKubernetes server;
  const auto client = Client(server);
  const std::vector<std::pair<int, absl::StatusCode>> kinds = {
      {400, absl::StatusCode::kInvalidArgument}, {403, absl::StatusCode::kPermissionDenied},
      {404, absl::StatusCode::kNotFound},        {409, absl::StatusCode::kAlreadyExists},
      {410, absl::StatusCode::kOutOfRange},      {422, absl::StatusCode::kInvalidArgument},
      {429, absl::StatusCode::kUnavailable},     {500, absl::StatusCode::kUnavailable},
      {503, absl::StatusCode::kUnavailable}};
  for (const auto& [http_status, code] : kinds) {
    server.FailNext(kJobs, http_status);
    const auto answer = client->Post(kJobs, kJob);
    EXPECT_THAT(answer, StatusIs(code)) << http_status;
    EXPECT_EQ(RetryDelay(answer.status()), absl::Seconds(7));
  }
}

TEST_F(KubernetesClientTest, IsUnavailableWithoutAServerOrAToken) {
  std::string address;
  {
    FakeKubernetes server;
    address = absl::StrCat("http://127.0.0.1:", server.port());
    server.FailNext(kJobs, 0);
    EXPECT_THAT(Client(address)->Post(kJobs, kJob), StatusIs(absl::StatusCode::kUnavailable));
    ASSERT_OK(RemoveAll(token_path_));
    EXPECT_THAT(Client(address)->Get(kJobs), StatusIs(absl::StatusCode::kUnavailable));
    SetToken("two\nlines");
    EXPECT_THAT(Client(address)->Get(kJobs), StatusIs(absl::StatusCode::kUnavailable));
    SetToken("token-1");
  }
  EXPECT_THAT(Client(address)->Get(kJobs), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(KubernetesClientTest, WatchesLineByLineUntilItHasEnough) {
  FakeKubernetes server;
  const auto client = Client(server);
  ASSERT_OK(client->Post(kJobs, kJob));
  server.Finish("job-1", "Complete");
  std::vector<std::string> lines;
  EXPECT_OK(client->Watch(kWatch, absl::Seconds(1), [&](absl::string_view line) {
    lines.emplace_back(line);
    return lines.size() < 2;
  }));
  EXPECT_THAT(lines, ElementsAre(HasSubstr("\"ADDED\"}"), HasSubstr("\"MODIFIED\"}")));
}

TEST_F(KubernetesClientTest, TellsALostWatchFromOneThatEnds) {
  FakeKubernetes server;
  const auto client = Client(server);
  ASSERT_OK(client->Post(kJobs, kJob));
  EXPECT_THAT(client->Watch(kWatch, absl::Seconds(1),
                            [&](absl::string_view) {
                              server.DropWatches();
                              return true;
                            }),
              StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_OK(client->Watch(kWatch, absl::Seconds(1), [&](absl::string_view) {
    server.EndWatches();
    return true;
  }));
  server.ForgetVersions(FakeKubernetes::Gone::kHttpStatus);
  EXPECT_THAT(client->Watch(kWatch, absl::Seconds(1), [](absl::string_view) { return true; }),
              StatusIs(absl::StatusCode::kOutOfRange));
}

TEST_F(KubernetesClientTest, CanBeInterrupted) {
  FakeKubernetes server;
  const auto client = Client(server);
  auto watch =
      std::async(std::launch::async, [&] { return client->Watch(kWatch, absl::Hours(1), [](absl::string_view) { return true; }); });
  server.Await("GET", "?watch");
  client->Interrupt();
  EXPECT_THAT(watch.get(), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_THAT(client->Get(kJobs), StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(KubernetesClientTest, SendsNoTokenInTheClear) {
  const auto create = [](const std::string& address) {
    return service::NewKubernetesClient({.api_server = address, .token_path = "", .ca_path = ""});
  };
  for (const char* good : {"https://kubernetes.default.svc", "https://10.0.0.1:6443/", "https://[fd00::1]:6443",
                           "http://localhost:80", "http://[::1]:8001", "http://127.0.0.1"}) {
    EXPECT_OK(create(good)) << good;
  }
  for (const char* bad :
       {"", "kubernetes", "ftp://a", "https://", "https://a:0", "https://a:70000", "https://a/path", "https://a b",
        "https://user@a", "http://kubernetes.default.svc", "http://10.0.0.1", "http://127.0.0.1.example.org"}) {
    EXPECT_THAT(create(bad), StatusIs(absl::StatusCode::kInvalidArgument)) << bad;
  }
}

// Writes a self-signed certificate for 127.0.0.1 and its key, as two PEM files.
void WriteCertificate(const std::string& certificate_path, const std::string& key_path) {
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  X509* const certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME* const name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("kubernetes"), -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  for (const auto& [id, value] : {std::pair(NID_basic_constraints, "critical,CA:TRUE"), {NID_subject_alt_name, "IP:127.0.0.1"}}) {
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, id, value);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }
  X509_sign(certificate, key, EVP_sha256());
  FILE* file = std::fopen(certificate_path.c_str(), "w");
  PEM_write_X509(file, certificate);
  std::fclose(file);
  file = std::fopen(key_path.c_str(), "w");
  PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(file);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

TEST_F(KubernetesClientTest, TrustsOnlyServersOfItsAuthority) {
  WriteCertificate(dir_.Join("ca.crt"), dir_.Join("key"));
  WriteCertificate(dir_.Join("other.crt"), dir_.Join("other.key"));
  FakeKubernetes server(std::make_unique<httplib::SSLServer>(dir_.Join("ca.crt").c_str(), dir_.Join("key").c_str()));
  FakeKubernetes other(std::make_unique<httplib::SSLServer>(dir_.Join("other.crt").c_str(), dir_.Join("other.key").c_str()));
  EXPECT_OK(Client(absl::StrCat("https://127.0.0.1:", server.port()))->Post(kJobs, kJob));
  const auto refused = Client(absl::StrCat("https://127.0.0.1:", other.port()))->Post(kJobs, kJob);
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kUnavailable));
  // The certificate is valid for the address only, not for the name.
  EXPECT_THAT(Client(absl::StrCat("https://localhost:", server.port()))->Get(kJobs), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(other.requests().size(), 0u);
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST_F(KubernetesClientTest, InterruptsOverTlsToo) {
  WriteCertificate(dir_.Join("ca.crt"), dir_.Join("key"));
  FakeKubernetes server(std::make_unique<httplib::SSLServer>(dir_.Join("ca.crt").c_str(), dir_.Join("key").c_str()));
  const auto client = Client(absl::StrCat("https://127.0.0.1:", server.port()));
  auto watch =
      std::async(std::launch::async, [&] { return client->Watch(kWatch, absl::Hours(1), [](absl::string_view) { return true; }); });
  server.Await("GET", "?watch");
  client->Interrupt();
  EXPECT_THAT(watch.get(), StatusIs(absl::StatusCode::kCancelled));
}

}  // namespace
}  // namespace semblance::testing
