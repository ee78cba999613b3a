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

grpc::ByteBuffer ToBuffer(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return {&slice, 1};
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

// A stub over a channel that the caller keeps.
grpc::GenericStub StubOf(grpc::Channel* channel) {
  return grpc::GenericStub(std::shared_ptr<grpc::Channel>(std::shared_ptr<void>(), channel));
}

// Waits for the operation that was started last. Returns false if it failed.
bool Await(grpc::CompletionQueue& queue) {
  void* tag = nullptr;
  bool is_ok = false;
  return queue.Next(&tag, &is_ok) && is_ok;
}

}  // namespace

int HealthOf(grpc::Channel* channel, const std::string& service) {
  grpc::GenericStub stub = StubOf(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(5));
  const grpc::ByteBuffer request = ToBuffer(HealthRequest(service));
  grpc::ByteBuffer response;
  std::promise<grpc::Status> done;
  stub.UnaryCall(&context, "/grpc.health.v1.Health/Check", grpc::StubOptions(), &request, &response,
                 [&done](grpc::Status status) { done.set_value(std::move(status)); });
  return done.get_future().get().ok() ? HealthStatus(ToString(response)) : 0;
}

bool AwaitServing(grpc::Channel* channel) {
  constexpr int kServing = 1;
  grpc::GenericStub stub = StubOf(channel);
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  const auto call = stub.PrepareCall(&context, "/grpc.health.v1.Health/Watch", &queue);
  call->StartCall(nullptr);
  bool is_open = Await(queue);
  if (is_open) {
    call->WriteLast(ToBuffer(HealthRequest("")), grpc::WriteOptions(), nullptr);
    is_open = Await(queue);
  }
  bool is_serving = false;
  while (is_open && !is_serving) {
    grpc::ByteBuffer response;
    call->Read(&response, nullptr);
    is_open = Await(queue);
    is_serving = is_open && HealthStatus(ToString(response)) == kServing;
  }
  context.TryCancel();
  grpc::Status status;
  call->Finish(&status, nullptr);
  Await(queue);
  queue.Shutdown();
  return is_serving;
}

}  // namespace semblance::testing
