#include "common/program/sd_notify.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/testing/temp_dir.h"

namespace semblance {
namespace {

// Listens as a service manager does. A name that begins with "@" is in the abstract name space.
class ServiceManager {
 public:
  explicit ServiceManager(const std::string& name) : descriptor_(::socket(AF_UNIX, SOCK_DGRAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    EXPECT_LT(name.size(), sizeof(address.sun_path));
    std::memcpy(address.sun_path, name.c_str(), name.size());
    if (name[0] == '@') {
      address.sun_path[0] = '\0';
    }
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    EXPECT_EQ(::bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), size), 0) << name;
  }
  ~ServiceManager() { ::close(descriptor_); }
  ServiceManager(const ServiceManager&) = delete;
  ServiceManager& operator=(const ServiceManager&) = delete;

  // Returns the message that has arrived, or an empty text when there is none.
  std::string Message() const {
    char buffer[64];
    const ssize_t size = ::recv(descriptor_, buffer, sizeof(buffer), MSG_DONTWAIT);
    return size < 0 ? "" : std::string(buffer, static_cast<size_t>(size));
  }

 private:
  const int descriptor_;
};

class NotifyServiceManagerTest : public ::testing::Test {
 protected:
  ~NotifyServiceManagerTest() override { ::unsetenv("NOTIFY_SOCKET"); }

  const testing::TempDir dir_;
};

TEST_F(NotifyServiceManagerTest, SendsTheStateToTheSocketOfTheEnvironment) {
  const std::string path = dir_.Join("notify");
  const ServiceManager manager(path);
  ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  NotifyServiceManager("READY=1");
  EXPECT_EQ(manager.Message(), "READY=1");
  NotifyServiceManager("STOPPING=1");
  EXPECT_EQ(manager.Message(), "STOPPING=1");
  EXPECT_EQ(manager.Message(), "");
}

TEST_F(NotifyServiceManagerTest, KnowsTheAbstractNameSpace) {
  const std::string name = absl::StrCat("@semblance-test-", ::getpid());
  const ServiceManager manager(name);
  ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  NotifyServiceManager("READY=1");
  EXPECT_EQ(manager.Message(), "READY=1");
}

TEST_F(NotifyServiceManagerTest, SendsNothingWithoutTheVariable) {
  const ServiceManager manager(dir_.Join("notify"));
  NotifyServiceManager("READY=1");
  EXPECT_EQ(manager.Message(), "");
}

TEST_F(NotifyServiceManagerTest, IgnoresANameThatIsTooLongForASocket) {
  // The first bytes of the long name are the name of a socket that exists. A name that was cut off would reach it.
  const std::string path =
      dir_.Join("notify").append(sizeof(sockaddr_un::sun_path), 'x').substr(0, sizeof(sockaddr_un::sun_path) - 1);
  const ServiceManager manager(path);
  ::setenv("NOTIFY_SOCKET", (path + "xx").c_str(), 1);
  NotifyServiceManager("READY=1");
  EXPECT_EQ(manager.Message(), "");
}

}  // namespace
}  // namespace semblance
