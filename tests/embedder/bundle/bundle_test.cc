#include "embedder/bundle/bundle.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "common/file.h"
#include "tests/embedder/bundle/bundle_fixture.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::embedder {
namespace {

using ::semblance::storage::v1::BundleManifest;
using ::semblance::testing::FloatTensor;
using ::semblance::testing::HasField;
using ::semblance::testing::HasReason;
using ::semblance::testing::SmallBundle;
using ::semblance::testing::StatusIs;
using ::semblance::testing::StatusMessage;
using ::semblance::testing::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

auto IsInvalid(const std::string& message) {
  return AllOf(StatusIs(absl::StatusCode::kFailedPrecondition), HasReason("MANIFEST_INVALID"), StatusMessage(HasSubstr(message)));
}

auto IsDamaged(const std::string& message) {
  return AllOf(StatusIs(absl::StatusCode::kDataLoss), HasReason("DIGEST_MISMATCH"), StatusMessage(HasSubstr(message)));
}

class BundleTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_OK(WriteBundle(path_, SmallBundle())); }

  std::string Join(const std::string& name) const { return path_ + "/" + name; }

  std::string Read(const std::string& name) const {
    absl::StatusOr<std::string> content = ReadFile(Join(name));
    EXPECT_OK(content);
    return content.ok() ? *content : "";
  }

  // Writes without the syncs of WriteFileAtomically, because some tests write a thousand files.
  void Write(const std::string& name, const std::string& content) const {
    std::ofstream(Join(name), std::ios::binary | std::ios::trunc) << content;
  }

  // Replaces every occurrence. There must be at least one.
  void ReplaceInManifest(const std::string& from, const std::string& to) const {
    const std::string manifest = Read(kBundleManifestFile);
    ASSERT_TRUE(absl::StrContains(manifest, from)) << manifest;
    Write(kBundleManifestFile, absl::StrReplaceAll(manifest, {{from, to}}));
  }

  TempDir directory_;
  const std::string path_ = directory_.Join("bundle");
};

TEST_F(BundleTest, WhatIsWrittenIsRead) {
  ASSERT_OK_AND_ASSIGN(const Bundle read, ReadBundle(path_));

  const Bundle written = SmallBundle();
  EXPECT_EQ(read.model.at("head.weight").data, written.model.at("head.weight").data);
  EXPECT_EQ(read.proxies.at("proxies").data, written.proxies.at("proxies").data);
  EXPECT_EQ(read.manifest.format_version(), 1);
  EXPECT_EQ(read.manifest.embedding_space_id(), ComputeEmbeddingSpaceId(written.manifest, written.model));
  BundleManifest rest = read.manifest;
  rest.clear_format_version();
  rest.clear_embedding_space_id();
  rest.clear_files();
  EXPECT_EQ(rest.SerializeAsString(), written.manifest.SerializeAsString());
}

TEST_F(BundleTest, TheManifestAloneIsReadWithoutTheTensors) {
  ASSERT_OK(RemoveAll(Join(kBundleModelFile)));

  ASSERT_OK_AND_ASSIGN(const BundleManifest manifest, ReadBundleManifest(path_));

  EXPECT_EQ(manifest.name(), "small");
}

TEST_F(BundleTest, WritingLeavesNothingBeside) {
  ASSERT_OK_AND_ASSIGN(const std::vector<std::string> parent, ListDirectory(directory_.path()));
  ASSERT_OK_AND_ASSIGN(const std::vector<std::string> entries, ListDirectory(path_));

  EXPECT_THAT(parent, ElementsAre("bundle"));
  EXPECT_THAT(entries, ElementsAre("manifest.json", "model.safetensors", "proxies.safetensors"));
}

TEST_F(BundleTest, NothingIsOverwritten) {
  const std::string before = Read(kBundleManifestFile);

  EXPECT_THAT(WriteBundle(path_, SmallBundle()), StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(WriteBundle(path_ + "/", SmallBundle()), StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(CopyBundle(path_, path_), StatusIs(absl::StatusCode::kAlreadyExists));

  EXPECT_EQ(Read(kBundleManifestFile), before);
}

TEST_F(BundleTest, ACopyHasTheSameBytes) {
  const std::string copy = directory_.Join("deep/er/copy/");

  ASSERT_OK(CopyBundle(path_, copy));

  EXPECT_OK(ReadBundle(copy));
  for (const char* name : {kBundleManifestFile, kBundleModelFile, kBundleProxiesFile}) {
    ASSERT_OK_AND_ASSIGN(const std::string content, ReadFile(copy + name));
    EXPECT_EQ(content, Read(name));
  }
}

TEST_F(BundleTest, ABrokenBundleIsNotCopied) {
  Write(kBundleModelFile, Read(kBundleModelFile) + "x");

  EXPECT_THAT(CopyBundle(path_, directory_.Join("copy")), HasReason("DIGEST_MISMATCH"));

  EXPECT_FALSE(PathExists(directory_.Join("copy")));
}

TEST_F(BundleTest, ADirectoryWithoutAManifestIsNotFound) {
  ASSERT_OK(RemoveAll(Join(kBundleManifestFile)));

  EXPECT_THAT(ReadBundle(path_), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(ReadBundle(directory_.Join("nowhere")), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(BundleTest, EveryFlippedByteOfATensorFileIsFound) {
  for (const char* name : {kBundleModelFile, kBundleProxiesFile}) {
    const std::string original = Read(name);
    for (size_t i = 0; i < original.size(); i += 7) {
      std::string content = original;
      content[i] ^= 1;
      Write(name, content);
      ASSERT_THAT(ReadBundle(path_), IsDamaged(std::string(name) + " has sha256")) << i;
    }
    Write(name, original);
  }
  EXPECT_OK(ReadBundle(path_));
}

TEST_F(BundleTest, EveryFlippedByteOfTheManifestIsAnErrorOrChangesNothingThatIsEmbedded) {
  const std::string original = Read(kBundleManifestFile);
  ASSERT_OK_AND_ASSIGN(const Bundle bundle, ReadBundle(path_));
  for (size_t i = 0; i < original.size(); ++i) {
    std::string content = original;
    content[i] ^= 4;
    Write(kBundleManifestFile, content);
    const absl::StatusOr<Bundle> read = ReadBundle(path_);
    if (read.ok()) {
      ASSERT_EQ(read->manifest.embedding_space_id(), bundle.manifest.embedding_space_id()) << i;
    } else {
      ASSERT_NE(ReasonOf(read.status()), v1::ERROR_REASON_UNSPECIFIED) << i << read.status();
    }
  }
}

TEST_F(BundleTest, MissingAndShortFilesAreNamed) {
  const std::string model = Read(kBundleModelFile);

  Write(kBundleModelFile, model.substr(0, model.size() - 1));
  EXPECT_THAT(ReadBundle(path_), IsDamaged("model.safetensors has"));
  Write(kBundleModelFile, model + "x");
  EXPECT_THAT(ReadBundle(path_), IsDamaged("model.safetensors has"));
  ASSERT_OK(RemoveAll(Join(kBundleModelFile)));
  EXPECT_THAT(ReadBundle(path_), IsDamaged("model.safetensors is missing"));
}

TEST_F(BundleTest, LinksAndDevicesAreRefused) {
  ASSERT_OK(RenameDurably(Join(kBundleModelFile), directory_.Join("elsewhere")));
  ASSERT_EQ(::symlink(directory_.Join("elsewhere").c_str(), Join(kBundleModelFile).c_str()), 0);
  EXPECT_THAT(ReadBundle(path_), IsInvalid("is a link or no regular file"));

  ASSERT_OK(RemoveAll(Join(kBundleModelFile)));
  ASSERT_EQ(::mkfifo(Join(kBundleModelFile).c_str(), 0600), 0);
  EXPECT_THAT(ReadBundle(path_), IsInvalid("is a link or no regular file"));

  ASSERT_OK(RenameDurably(Join(kBundleManifestFile), directory_.Join("manifest")));
  ASSERT_EQ(::symlink(directory_.Join("manifest").c_str(), Join(kBundleManifestFile).c_str()), 0);
  EXPECT_THAT(ReadBundleManifest(path_), IsInvalid("is a link or no regular file"));
}

TEST_F(BundleTest, NamesThatLeaveTheDirectoryAreRefused) {
  const std::string original = Read(kBundleManifestFile);
  for (const std::string name : {"../model.safetensors", "/etc/passwd", "a/b", "..", ".", ""}) {
    Write(kBundleManifestFile, absl::StrReplaceAll(original, {{"\"model.safetensors\"", "\"" + name + "\""}}));
    EXPECT_THAT(ReadBundle(path_), IsInvalid("no plain file name")) << name;
  }
}

TEST_F(BundleTest, FilesMustBeListedOnceAndTheTwoTensorFilesMustBe) {
  const std::string original = Read(kBundleManifestFile);
  Write(kBundleManifestFile, absl::StrReplaceAll(original, {{"\"model.safetensors\"", "\"manifest.json\""}}));
  EXPECT_THAT(ReadBundle(path_), IsInvalid("the manifest itself"));
  Write(kBundleManifestFile, absl::StrReplaceAll(original, {{"\"model.safetensors\"", "\"proxies.safetensors\""}}));
  EXPECT_THAT(ReadBundle(path_), IsInvalid("proxies.safetensors twice"));
  Write(kBundleManifestFile, absl::StrReplaceAll(original, {{"\"model.safetensors\"", "\"other\""}}));
  EXPECT_THAT(ReadBundle(path_), IsInvalid("does not name model.safetensors"));
}

TEST_F(BundleTest, ANewerVersionIsNamedEvenWithFieldsThatAreNotKnownHere) {
  ReplaceInManifest("\"format_version\": 1", "\"format_version\": 2, \"hologram\": true");

  EXPECT_THAT(ReadBundle(path_), IsInvalid("format_version is 2; this program reads 1"));
}

TEST_F(BundleTest, UnknownFieldsOfTheSameVersionAreRefused) {
  ReplaceInManifest("\"format_version\": 1", "\"format_version\": 1, \"hologram\": true");

  EXPECT_THAT(ReadBundle(path_), IsInvalid("hologram"));
}

TEST_F(BundleTest, TextThatIsNoManifestIsRefused) {
  for (const std::string text : {"", "{", "[]", "null", "{}", "\xFF\xFE"}) {
    Write(kBundleManifestFile, text);
    EXPECT_THAT(ReadBundle(path_), HasReason("MANIFEST_INVALID")) << text;
  }
}

TEST_F(BundleTest, ValuesOutOfRangeAreRefused) {
  ReplaceInManifest("\"crop_side\": 16", "\"crop_side\": 160000");

  EXPECT_THAT(ReadBundleManifest(path_), IsInvalid("preprocessing.crop_side is 160000"));
}

TEST_F(BundleTest, AChangeOfPreprocessingBreaksTheEmbeddingSpace) {
  ReplaceInManifest("\"crop_side\": 16", "\"crop_side\": 17");

  EXPECT_THAT(ReadBundle(path_), IsDamaged("embedding_space_id"));
}

TEST_F(BundleTest, AClassWithoutAProxyIsRefused) {
  ReplaceInManifest("\"dog\"", "\"dog\", \"eel\"");

  EXPECT_THAT(ReadBundle(path_), IsInvalid("the proxies are F32[2, 4]; expected F32[k times 3, 4]"));
}

TEST(BundleWithoutProxiesTest, SaysSoAndHasNoFileOfThem) {
  const TempDir directory;
  const std::string path = directory.Join("bundle");
  Bundle bundle = SmallBundle();
  bundle.manifest.set_without_proxies(true);
  EXPECT_THAT(WriteBundle(path, bundle), AllOf(StatusIs(absl::StatusCode::kInvalidArgument), HasField("proxies")));
  bundle.proxies.clear();

  ASSERT_OK(WriteBundle(path, bundle));

  ASSERT_OK_AND_ASSIGN(const std::vector<std::string> entries, ListDirectory(path));
  EXPECT_THAT(entries, ElementsAre("manifest.json", "model.safetensors"));
  ASSERT_OK_AND_ASSIGN(const Bundle read, ReadBundle(path));
  EXPECT_TRUE(read.manifest.without_proxies());
  EXPECT_TRUE(read.proxies.empty());
  // Proxies are not part of the embedding space.
  EXPECT_EQ(read.manifest.embedding_space_id(), ComputeEmbeddingSpaceId(SmallBundle().manifest, SmallBundle().model));
  ASSERT_OK(CopyBundle(path, directory.Join("copy")));
  EXPECT_OK(ReadBundle(directory.Join("copy")));
}

TEST_F(BundleTest, ProxiesAreListedUnlessTheManifestSaysThatThereAreNone) {
  const std::string original = Read(kBundleManifestFile);
  Write(kBundleManifestFile,
        absl::StrReplaceAll(original, {{"\"format_version\": 1", "\"format_version\": 1, \"without_proxies\": true"}}));
  EXPECT_THAT(ReadBundle(path_), IsInvalid("without_proxies is set, and files names proxies.safetensors"));
  Write(kBundleManifestFile, absl::StrReplaceAll(original, {{"\"proxies.safetensors\"", "\"other\""}}));
  EXPECT_THAT(ReadBundle(path_), IsInvalid("does not name proxies.safetensors"));
}

class ScriptBundleTest : public BundleTest {
 protected:
  static Bundle ScriptBundle(const std::string& program) {
    Bundle bundle = SmallBundle();
    bundle.manifest.mutable_architecture()->mutable_torch_script();
    bundle.backbone = program;
    return bundle;
  }

  void SetUp() override { ASSERT_OK(WriteBundle(path_, ScriptBundle("program"))); }
};

TEST_F(ScriptBundleTest, TheProgramIsAFileLikeTheOthers) {
  ASSERT_OK_AND_ASSIGN(const Bundle bundle, ReadBundle(path_));
  EXPECT_EQ(bundle.backbone, "program");

  Write(kBundleBackboneFile, "progran");
  EXPECT_THAT(ReadBundle(path_), IsDamaged("backbone.pt has sha256"));
  ASSERT_OK(RemoveAll(Join(kBundleBackboneFile)));
  EXPECT_THAT(ReadBundle(path_), IsDamaged("backbone.pt is missing"));
}

TEST_F(ScriptBundleTest, TheProgramIsPartOfTheEmbeddingSpace) {
  ASSERT_OK(WriteBundle(directory_.Join("other"), ScriptBundle("another program")));

  ASSERT_OK_AND_ASSIGN(const BundleManifest manifest, ReadBundleManifest(path_));
  ASSERT_OK_AND_ASSIGN(const BundleManifest other, ReadBundleManifest(directory_.Join("other")));
  EXPECT_NE(manifest.embedding_space_id(), other.embedding_space_id());
}

TEST_F(ScriptBundleTest, TheProgramMustBeListed) {
  ReplaceInManifest("\"backbone.pt\"", "\"elsewhere.pt\"");

  EXPECT_THAT(ReadBundle(path_), IsInvalid("files does not name backbone.pt"));
}

TEST(WriteBundleTest, RefusesWhatReadingWouldRefuse) {
  TempDir directory;
  const std::string path = directory.Join("bundle");
  const auto refused = [&](auto change) {
    Bundle bundle = SmallBundle();
    change(&bundle);
    absl::Status status = WriteBundle(path, bundle);
    EXPECT_FALSE(PathExists(path));
    return status;
  };

  const auto is_refused = [](const char* field) { return AllOf(StatusIs(absl::StatusCode::kInvalidArgument), HasField(field)); };
  EXPECT_THAT(refused([](Bundle* b) { b->manifest.set_name("Not a name"); }), is_refused("name"));
  EXPECT_THAT(refused([](Bundle* b) { b->manifest.set_name(""); }), is_refused("name"));
  EXPECT_THAT(refused([](Bundle* b) { b->manifest.set_name("-x"); }), is_refused("name"));
  EXPECT_THAT(refused([](Bundle* b) { b->manifest.set_name(std::string(65, 'x')); }), is_refused("name"));
  EXPECT_THAT(refused([](Bundle* b) { b->manifest.set_dimension(0); }), is_refused("dimension"));
  EXPECT_THAT(refused([](Bundle* b) { b->manifest.set_dimension(5); }), is_refused("proxies"));
  EXPECT_THAT(refused([](Bundle* b) { b->manifest.clear_architecture(); }), is_refused("architecture"));
  EXPECT_THAT(refused([](Bundle* b) { b->manifest.add_classes("third"); }), is_refused("proxies"));
  EXPECT_THAT(refused([](Bundle* b) {
                b->proxies = {{"proxies", FloatTensor({2, 4}, {2, 0, 0, 0, 0, 1, 0, 0})}};
              }),
              is_refused("proxies"));
  EXPECT_THAT(refused([](Bundle* b) {
                b->proxies = {{"proxies", FloatTensor({2, 4}, {NAN, 0, 0, 0, 0, 1, 0, 0})}};
              }),
              is_refused("proxies"));
  EXPECT_THAT(refused([](Bundle* b) { b->proxies.clear(); }), is_refused("proxies"));
  EXPECT_THAT(refused([](Bundle* b) { b->manifest.clear_classes(); }), is_refused("proxies"));
  EXPECT_THAT(refused([](Bundle* b) { b->manifest.set_classes(0, "\xFF\xFE"); }), is_refused("manifest"));
}

TEST(WriteBundleTest, TakesAnyNumberOfDynamicProxiesAndNoClasses) {
  TempDir directory;
  Bundle bundle = SmallBundle();
  bundle.manifest.set_dynamic_proxies(true);
  bundle.proxies = {{"proxies", FloatTensor({3, 4}, {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0})}};
  ASSERT_OK(WriteBundle(directory.Join("with_classes"), bundle));
  bundle.manifest.clear_classes();
  ASSERT_OK(WriteBundle(directory.Join("without"), bundle));

  ASSERT_OK_AND_ASSIGN(const Bundle read, ReadBundle(directory.Join("without")));
  EXPECT_TRUE(read.manifest.dynamic_proxies());
  EXPECT_EQ(read.proxies.at("proxies").shape, (std::vector<int64_t>{3, 4}));
}

}  // namespace
}  // namespace semblance::embedder
