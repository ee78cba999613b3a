#include "tests/testing/grpc_health.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <future>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace semblance::testing {
namespace {

// These functions encode grpc.health.v1.HealthCheckRequest{service} and decode HealthCheckResponse{status} by hand. Each has one
// field.
std::string HealthRequest(const std::string& service) {
  return service.empty() ? "" : absl::StrCat("\x0a", std::string(1, static_cast<char>(service.size())), service);
}

int HealthStatus(const std::string& response) {
  return response.size() == 2 && response[0] == 0x08 ? response[1] : 0;
}

std::string ToString(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string text;
  if (buffer.Dump(&slices).ok()) {
    for (const grpc::Slice& slice : slices) {
      text.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
    }
  }
  return text;
}

}  // namespace

int HealthOf(grpc::Channel* channel, const std::string& service) {
  grpc::GenericStub stub(std::shared_ptr<grpc::Channel>(std::shared_ptr<void>(), channel));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(5));
  const std::string bytes = HealthRequest(service);
  const grpc::Slice slice(bytes);
  const grpc::ByteBuffer request(&slice, 1);
  grpc::ByteBuffer response;
  std::promise<grpc::Status> done;
  stub.UnaryCall(&context, "/grpc.health.v1.Health/Check", grpc::StubOptions(), &request, &response,
                 [&done](grpc::Status status) { done.set_value(std::move(status)); });
  return done.get_future().get().ok() ? HealthStatus(ToString(response)) : 0;
}

}  // namespace semblance::testing
