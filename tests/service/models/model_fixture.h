// A data directory, and a model root with bundles in it.
#ifndef SEMBLANCE_TESTS_SERVICE_MODELS_MODEL_FIXTURE_H_
#define SEMBLANCE_TESTS_SERVICE_MODELS_MODEL_FIXTURE_H_

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/file.h"
#include "embedder/bundle/bundle.h"
#include "service/models/model_registry.h"
#include "tests/embedder/bundle/bundle_fixture.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::testing {

class ModelFixture {
 public:
  ModelFixture() {
    EXPECT_OK(CreateDirectories(root()));
    EXPECT_OK(CreateDirectories(data_dir()));
    Reopen();
  }

  std::string data_dir() const { return dir_.Join("data"); }
  std::string root() const { return dir_.Join("models"); }
  std::string outside() const { return dir_.Join("outside"); }
  std::string register_path() const { return absl::StrCat(data_dir(), "/models.json"); }
  // Below the root.
  std::string Join(const std::string& path) const { return absl::StrCat(root(), "/", path); }

  service::ModelRegistry& registry() { return *registry_; }

  void Reopen() {
    registry_.reset();
    auto opened = service::ModelRegistry::Open(data_dir(), root());
    ASSERT_OK(opened);
    registry_ = *std::move(opened);
  }

  // Writes a bundle of the model "shoes". Different weights make different embedding spaces.
  static void WriteBundleTo(const std::string& directory, float weight = 1) {
    embedder::Bundle bundle = SmallBundle();
    bundle.manifest.set_name("shoes");
    bundle.model["head.bias"] = FloatTensor({1}, {weight});
    EXPECT_OK(embedder::WriteBundle(directory, bundle));
  }
  void Write(const std::string& path, float weight = 1) const { WriteBundleTo(Join(path), weight); }

  // Writes the bundle "shoes/<version>" and registers it.
  std::string Register(const std::string& path, float weight = 1) {
    Write(path, weight);
    const auto registration = registry_->Register(path);
    EXPECT_OK(registration);
    return registration.ok() ? service::FullModelName(registration->model.name, registration->model.version) : "";
  }

  // The names of all registered models with their versions.
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    const auto models = registry_->List();
    EXPECT_OK(models);
    for (const service::ModelInfo& model : *models) {
      names.push_back(service::FullModelName(model.name, model.version));
    }
    return names;
  }

  // Returns the text of a file below the root.
  std::string Read(const std::string& path) const {
    const auto content = ReadFile(Join(path));
    EXPECT_OK(content);
    return content.ok() ? *content : "";
  }
  void Overwrite(const std::string& path, const std::string& content) const {
    std::ofstream(Join(path), std::ios::binary | std::ios::trunc) << content;
  }
  void ReplaceIn(const std::string& path, const std::string& from, const std::string& to) const {
    const std::string content = Read(path);
    ASSERT_TRUE(absl::StrContains(content, from)) << content;
    Overwrite(path, absl::StrReplaceAll(content, {{from, to}}));
  }
  // Makes a link at `path` below the root.
  void Link(const std::string& path, const std::string& target) const { std::filesystem::create_symlink(target, Join(path)); }

 private:
  const TempDir dir_;
  std::unique_ptr<service::ModelRegistry> registry_;
};

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_SERVICE_MODELS_MODEL_FIXTURE_H_
