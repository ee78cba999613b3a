#include "service/training/training_request.h"

#include <functional>
#include <string>

#include "common/error.h"
#include "gmock/gmock.h"
#include "tests/service/training/training_fixture.h"

namespace semblance::testing {
namespace {

class TrainingRequestTest : public TrainingFixture {
 protected:
  absl::StatusOr<v1::TrainingConfig> Check(const service::TrainingSpec& spec) {
    auto root = service::ResolveRoot(data_root(), "the data root");
    EXPECT_OK(root);
    return service::CheckedTrainingConfig(spec, *root, "/data/catalogue.db");
  }
};

TEST_F(TrainingRequestTest, MakesPathsAbsoluteAndFillsInDefaults) {
  const auto config = Check(Spec());
  ASSERT_OK(config);
  EXPECT_EQ(config->data().path(), data_root() + "/shoes");
  EXPECT_EQ(config->model_name(), "shoes");
  EXPECT_GT(config->batch_size(), 0);
  EXPECT_EQ(config->output_dir(), "") << "the store sets it";
}

TEST_F(TrainingRequestTest, PutsTheCatalogInPlaceOfADirectory) {
  service::TrainingSpec spec = Spec();
  spec.config.mutable_data()->clear_path();
  spec.from_catalog = true;
  const auto config = Check(spec);
  ASSERT_OK(config);
  EXPECT_EQ(config->data().catalog_path(), "/data/catalogue.db");
  EXPECT_EQ(config->data().path(), "");
}

TEST_F(TrainingRequestTest, LimitsTheRequestId) {
  service::TrainingSpec spec = Spec();
  spec.request_id = std::string(128, 'x');
  EXPECT_OK(Check(spec));
  spec.request_id += 'x';
  EXPECT_THAT(Check(spec), HasField("request_id"));
}

struct BadRequest {
  std::string name;
  std::function<void(service::TrainingSpec&)> change;
  std::string reason;
  std::string field;
};

class BadRequestTest : public TrainingFixture, public ::testing::WithParamInterface<BadRequest> {};

TEST_P(BadRequestTest, IsRefusedBeforeAnythingIsLaunched) {
  service::TrainingSpec spec = Spec();
  GetParam().change(spec);
  const absl::Status status = jobs_->Create(spec).status();
  EXPECT_THAT(status, HasReason(GetParam().reason));
  EXPECT_EQ(ErrorField(status), GetParam().field) << status;
  EXPECT_TRUE(jobs_->List()->empty());
  EXPECT_TRUE(cluster_.specs().empty());
}

v1::DataConfig& Data(service::TrainingSpec& spec) {
  return *spec.config.mutable_data();
}

INSTANTIATE_TEST_SUITE_P(
    All, BadRequestTest,
    ::testing::Values(
        BadRequest{"Outside", [](service::TrainingSpec& s) { Data(s).set_path("../models"); }, "PATH_OUTSIDE_ROOT",
                   "config.data.path"},
        BadRequest{"Absolute", [](service::TrainingSpec& s) { Data(s).set_path("/etc"); }, "PATH_OUTSIDE_ROOT", "config.data.path"},
        BadRequest{"Shell", [](service::TrainingSpec& s) { Data(s).set_path("shoes; rm -rf x"); }, "CONFIG_INVALID",
                   "config.data.path"},
        BadRequest{"Substitution", [](service::TrainingSpec& s) { Data(s).set_path("$(id)"); }, "CONFIG_INVALID",
                   "config.data.path"},
        BadRequest{"Missing", [](service::TrainingSpec& s) { Data(s).set_path("boots"); }, "DATA_NOT_FOUND", "config.data.path"},
        BadRequest{"NoData", [](service::TrainingSpec& s) { Data(s).clear_path(); }, "CONFIG_INVALID", "config.data.path"},
        BadRequest{"Both", [](service::TrainingSpec& s) { s.from_catalog = true; }, "CONFIG_INVALID", "config.data.path"},
        BadRequest{"OwnCatalog", [](service::TrainingSpec& s) { Data(s).set_catalog_path("x"); }, "CONFIG_INVALID",
                   "config.data.catalog_path"},
        BadRequest{"Output", [](service::TrainingSpec& s) { s.config.set_output_dir("/tmp/x"); }, "CONFIG_INVALID",
                   "config.output_dir"},
        BadRequest{"Weights", [](service::TrainingSpec& s) { s.config.mutable_model()->set_pretrained_path("../w.pth"); },
                   "PATH_OUTSIDE_ROOT", "config.model.pretrained_path"},
        BadRequest{"Name", [](service::TrainingSpec& s) { s.config.set_model_name("a`b`"); }, "CONFIG_INVALID",
                   "config.model_name"},
        BadRequest{"Range", [](service::TrainingSpec& s) { s.config.set_batch_size(-1); }, "CONFIG_INVALID", "config.batch_size"},
        BadRequest{"Unknown",
                   [](service::TrainingSpec& s) { s.config.GetReflection()->MutableUnknownFields(&s.config)->AddVarint(9999, 1); },
                   "CONFIG_INVALID", "config"},
        BadRequest{"Replicas", [](service::TrainingSpec& s) { s.replicas = 65; }, "CONFIG_INVALID", "replicas"},
        BadRequest{"Tolerance", [](service::TrainingSpec& s) { s.recall_tolerance = 2; }, "CONFIG_INVALID", "recall_tolerance"},
        BadRequest{"Factory", [](service::TrainingSpec& s) { s.index_factory = "Quick"; }, "CONFIG_INVALID", "index_factory"}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace semblance::testing
