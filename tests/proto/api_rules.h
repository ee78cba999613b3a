// The rules for our proto files. The conventions are those of buf's STANDARD category, so that they are checked without buf too.
// The rule about comments is our own.
//
// Thread-safe: functions without state.
//
// Each violation of a rule is one line: the full name of the element and what is wrong with it.
#ifndef SEMBLANCE_TESTS_PROTO_API_RULES_H_
#define SEMBLANCE_TESTS_PROTO_API_RULES_H_

#include <string>
#include <vector>

#include "google/protobuf/descriptor.h"

namespace semblance::testing {

using ProtoFiles = std::vector<const google::protobuf::FileDescriptor*>;

// Checks packages, all names, enum values, and that each rpc has a request and a response of its own.
std::vector<std::string> ConventionViolations(const ProtoFiles& files);

// Checks that services, rpcs, messages and enums have a comment. The comment of an rpc covers its request and response. Scalar
// fields need a comment too, unless a field of the same name has one elsewhere in these files, or their oneof has one. REQUIRES:
// files with source locations.
std::vector<std::string> CommentViolations(const ProtoFiles& files);

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_PROTO_API_RULES_H_
