#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/file.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "gtest/gtest.h"
#include "tests/proto/api_rules.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance {
namespace {

using ::google::protobuf::FileDescriptor;
using ::google::protobuf::FileDescriptorProto;
using ::google::protobuf::FileDescriptorSet;
using ::semblance::testing::CommentViolations;
using ::semblance::testing::ConventionViolations;
using ::semblance::testing::ProtoFiles;
using ::semblance::testing::TempDir;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// Every proto file of this project. Listing the folder finds new files without naming them here.
std::vector<std::string> OurProtoFiles() {
  std::vector<std::string> names;
  const std::filesystem::path root(SEMBLANCE_PROTO_DIR);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root / "semblance")) {
    if (entry.path().extension() == ".proto") {
      names.push_back(std::filesystem::relative(entry.path(), root).string());
    }
  }
  return names;
}

class ApiConventionsTest : public ::testing::Test {
 protected:
  ProtoFiles ImportOurs() { return Import(SEMBLANCE_PROTO_DIR, OurProtoFiles()); }

  ProtoFiles ImportText(const std::string& name, const std::string& text) {
    EXPECT_OK(CreateDirectories(std::filesystem::path(dir_.Join(name)).parent_path().string()));
    EXPECT_OK(WriteFileAtomically(dir_.Join(name), text));
    return Import(dir_.path(), {name});
  }

 private:
  // Compiles the files with their comments. The test owns the descriptors.
  ProtoFiles Import(const std::string& root, const std::vector<std::string>& names) {
    const std::string output = dir_.Join("descriptors");
    const std::string command = absl::StrCat("'" SEMBLANCE_PROTOC "' --include_imports --include_source_info -I '", root,
                                             "' --descriptor_set_out='", output, "' ", absl::StrJoin(names, " "));
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
    FileDescriptorSet descriptors;
    EXPECT_TRUE(descriptors.ParseFromString(ReadFile(output).value_or("")));
    for (const FileDescriptorProto& file : descriptors.file()) {
      pool_.BuildFile(file);
    }
    ProtoFiles files;
    for (const std::string& name : names) {
      files.push_back(pool_.FindFileByName(name));
      EXPECT_NE(files.back(), nullptr) << name;
    }
    return files;
  }

  const TempDir dir_;
  google::protobuf::DescriptorPool pool_;
};

TEST_F(ApiConventionsTest, OurFilesKeepTheConventions) {
  const ProtoFiles files = ImportOurs();
  EXPECT_THAT(files, Contains(::testing::Property(&FileDescriptor::name, "semblance/v1/search_service.proto")));
  EXPECT_THAT(ConventionViolations(files), IsEmpty());
}

TEST_F(ApiConventionsTest, WhatOthersWriteAgainstExplainsItself) {
  ProtoFiles files = ImportOurs();
  std::erase_if(files, [](const FileDescriptor* file) { return file->package() != "semblance.v1"; });
  EXPECT_THAT(files, Contains(::testing::Property(&FileDescriptor::name, "semblance/v1/search_service.proto")));
  EXPECT_THAT(CommentViolations(files), IsEmpty());
}

TEST_F(ApiConventionsTest, NamesOutOfLineAreFound) {
  const ProtoFiles files = ImportText("a/v1/bad.proto", R"(
    syntax = "proto3";
    package a.v1;
    message bad_name { string badField = 1; oneof Kind { int32 x = 2; } }
    service Search {}
  )");
  EXPECT_THAT(ConventionViolations(files),
              ElementsAre("a.v1.Search: the name does not end in Service", StartsWith("a.v1.bad_name: the name"),
                          StartsWith("a.v1.bad_name.badField: the name"), StartsWith("a.v1.bad_name.Kind: the name")));
}

TEST_F(ApiConventionsTest, FoldersAndVersionsOutOfLineAreFound) {
  const ProtoFiles files = ImportText("elsewhere/bad.proto", "syntax = \"proto2\"; package a.b;");
  EXPECT_THAT(ConventionViolations(files),
              ElementsAre(StartsWith("elsewhere/bad.proto: the name"), "elsewhere/bad.proto: the folder is not that of the package",
                          "elsewhere/bad.proto: the package has no version", "elsewhere/bad.proto: the syntax is not proto3"));
}

TEST_F(ApiConventionsTest, EnumsOutOfLineAreFound) {
  const ProtoFiles files = ImportText("a/v1/bad.proto", R"(
    syntax = "proto3";
    package a.v1;
    enum FileKind { NONE = 0; FILE_KIND_text = 1; }
    message Holder { enum State { STATE_UNSPECIFIED = 0; RUNNING = 1; } }
  )");
  EXPECT_THAT(ConventionViolations(files),
              ElementsAre("a.v1.NONE: zero is not ..._UNSPECIFIED", "a.v1.NONE: does not start with FILE_KIND_",
                          StartsWith("a.v1.FILE_KIND_text: the name"), "a.v1.Holder.RUNNING: does not start with STATE_"));
}

TEST_F(ApiConventionsTest, SharedRequestsAreFound) {
  const ProtoFiles files = ImportText("a/v1/bad.proto", R"(
    syntax = "proto3";
    package a.v1;
    message GetRequest {}
    message GetResponse {}
    service AService { rpc Get(GetRequest) returns (GetResponse); rpc List(GetRequest) returns (GetResponse); }
  )");
  EXPECT_THAT(ConventionViolations(files),
              ElementsAre("a.v1.AService.List: uses GetRequest", "a.v1.AService.List: shares GetRequest with another rpc",
                          "a.v1.AService.List: uses GetResponse", "a.v1.AService.List: shares GetResponse with another rpc"));
}

TEST_F(ApiConventionsTest, WhatIsNotExplainedIsFound) {
  const ProtoFiles files = ImportText("a/v1/bad.proto", R"(
    syntax = "proto3";
    package a.v1;
    message GetRequest {
      // This says which one is meant.
      string id = 1;
      Thing like = 2;
    }
    message GetResponse {}
    message Thing {
      string id = 1;
      bytes image = 2;
      // Exactly one.
      oneof kind { string text = 3; }
    }
    enum Kind { KIND_UNSPECIFIED = 0; }
    // Explained.
    service AService { rpc Get(GetRequest) returns (GetResponse); }
  )");
  EXPECT_THAT(CommentViolations(files), ElementsAre("a.v1.AService.Get: has no comment", "a.v1.Thing: has no comment",
                                                    "a.v1.Kind: has no comment", "a.v1.Thing.image: has no comment"));
}

}  // namespace
}  // namespace semblance
