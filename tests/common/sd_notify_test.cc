#include "common/sd_notify.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "tests/testing/temp_dir.h"

namespace semblance {
namespace {

TEST(NotifyServiceManagerTest, SendsTheStateToTheSocketOfTheEnvironment) {
  const testing::TempDir dir;
  const std::string path = dir.Join("notify");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  ASSERT_LT(path.size(), sizeof(address.sun_path));
  std::memcpy(address.sun_path, path.c_str(), path.size());
  const int descriptor = ::socket(AF_UNIX, SOCK_DGRAM, 0);
  ASSERT_EQ(::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  NotifyServiceManager("READY=1");
  ::unsetenv("NOTIFY_SOCKET");
  char buffer[32];
  const ssize_t size = ::recv(descriptor, buffer, sizeof(buffer), MSG_DONTWAIT);
  ASSERT_GT(size, 0);
  EXPECT_EQ(std::string(buffer, static_cast<size_t>(size)), "READY=1");
  ::close(descriptor);
}

TEST(NotifyServiceManagerTest, DoesNothingWithoutASocket) {
  ::unsetenv("NOTIFY_SOCKET");
  NotifyServiceManager("READY=1");
}

}  // namespace
}  // namespace semblance
