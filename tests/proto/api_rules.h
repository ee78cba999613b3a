// The rules that our proto files keep. Conventions are those of buf's STANDARD category, so that they are checked where buf is not
// installed; the rule on comments is ours.
//
// Thread-safe: functions without state.
//
// A rule's violation is one line: the element's full name and what is wrong with it.
#ifndef SEMBLANCE_TESTS_PROTO_API_RULES_H_
#define SEMBLANCE_TESTS_PROTO_API_RULES_H_

#include <string>
#include <vector>

#include "google/protobuf/descriptor.h"

namespace semblance::testing {

using ProtoFiles = std::vector<const google::protobuf::FileDescriptor*>;

// Packages, names of everything, enum values, and an own request and response for each rpc.
std::vector<std::string> ConventionViolations(const ProtoFiles& files);

// Services, rpcs, messages and enums have a comment, but for an rpc's request and response, which its comment covers. So do scalar
// fields, unless the same name has one elsewhere in these files (a word is explained once) or their oneof has one.
// REQUIRES: files with source locations.
std::vector<std::string> CommentViolations(const ProtoFiles& files);

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_PROTO_API_RULES_H_
