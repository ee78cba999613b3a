// Asks a server for its health over gRPC.
//
// Thread-safe: a function without state.
#ifndef SEMBLANCE_TESTS_TESTING_GRPC_HEALTH_H_
#define SEMBLANCE_TESTS_TESTING_GRPC_HEALTH_H_

#include <grpcpp/channel.h>

#include <string>

namespace semblance::testing {

// Returns the answer of grpc.health.v1 for a service ("" is the whole server): 1 SERVING, 2 NOT_SERVING, 0 if it does not
// answer.
int HealthOf(grpc::Channel* channel, const std::string& service);

// Waits until the whole server is SERVING. Returns false when the connection is lost before that.
bool AwaitServing(grpc::Channel* channel);

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_TESTING_GRPC_HEALTH_H_
