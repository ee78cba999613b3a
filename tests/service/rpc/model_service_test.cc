#include <memory>
#include <string>

#include "semblance/v1/model_service.grpc.pb.h"
#include "service/rpc/services.h"
#include "tests/service/models/model_fixture.h"
#include "tests/service/rpc/rpc_fixture.h"

namespace semblance::service {
namespace {

using ::semblance::testing::FieldOf;
using ::semblance::testing::ReasonOf;
using ::testing::ElementsAre;

class ModelServiceTest : public ::testing::Test, protected testing::ModelFixture, protected testing::RpcFixture {
 protected:
  ModelServiceTest() {
    Serve(NewModelService(&registry(), calls()));
    stub_ = v1::ModelService::NewStub(channel());
  }

  // The fields hold the answers of the last call.
  grpc::Status RegisterModel(const std::string& path) {
    v1::RegisterModelRequest request;
    request.set_path(path);
    return Call(&v1::ModelService::Stub::RegisterModel, request, &registered_);
  }

  grpc::Status SetModelAlias(const std::string& alias, const std::string& model, const std::string& name) {
    v1::SetModelAliasRequest request;
    request.set_alias(alias);
    request.set_model(model);
    request.set_name(name);
    return Call(&v1::ModelService::Stub::SetModelAlias, request, &alias_);
  }

  grpc::Status GetModel(const std::string& model) {
    v1::GetModelRequest request;
    request.set_model(model);
    return Call(&v1::ModelService::Stub::GetModel, request, &got_);
  }

  grpc::Status DeleteModel(const std::string& model) {
    v1::DeleteModelRequest request;
    request.set_model(model);
    return Call(&v1::ModelService::Stub::DeleteModel, request, &deleted_);
  }

  grpc::Status ListModels(const std::string& name) {
    v1::ListModelsRequest request;
    request.set_name(name);
    return Call(&v1::ModelService::Stub::ListModels, request, &listed_);
  }

  v1::RegisterModelResponse registered_;
  v1::SetModelAliasResponse alias_;
  v1::GetModelResponse got_;
  v1::DeleteModelResponse deleted_;
  v1::ListModelsResponse listed_;

 private:
  template <typename Method, typename Request, typename Response>
  grpc::Status Call(Method method, const Request& request, Response* response) {
    grpc::ClientContext context;
    return (stub_.get()->*method)(&context, request, response);
  }

  std::unique_ptr<v1::ModelService::Stub> stub_;
};

TEST_F(ModelServiceTest, RegistersAndTellsAllOfAModel) {
  Write("shoes/3");

  ASSERT_TRUE(RegisterModel("shoes/3").ok());

  EXPECT_TRUE(registered_.created());
  ASSERT_TRUE(GetModel("shoes").ok());
  const v1::Model& model = got_.model();
  EXPECT_EQ(model.DebugString(), registered_.model().DebugString());
  EXPECT_EQ(model.name(), "shoes");
  EXPECT_EQ(model.version(), 3);
  EXPECT_EQ(model.path(), "shoes/3");
  EXPECT_EQ(model.embedding_space_id(), registry().Find("shoes")->embedding_space_id);
  EXPECT_EQ(model.dimension(), 4);
  EXPECT_EQ(model.create_time().seconds(), 1714979289);
  EXPECT_GT(model.register_time().seconds(), 1714979289);
  ASSERT_TRUE(RegisterModel("shoes/3").ok());
  EXPECT_FALSE(registered_.created());
}

TEST_F(ModelServiceTest, ListsAliasesAndDeletes) {
  Register("shoes/1", 1);
  Register("shoes/2", 2);
  ASSERT_TRUE(SetModelAlias("champion", "shoes/2", "").ok());
  EXPECT_EQ(alias_.model().version(), 2);
  ASSERT_TRUE(ListModels("").ok());
  ASSERT_EQ(listed_.models_size(), 2);
  EXPECT_EQ(listed_.models(0).version(), 1);
  EXPECT_THAT(listed_.models(1).aliases(), ElementsAre("champion"));
  EXPECT_EQ(ReasonOf(DeleteModel("shoes@champion")), "MODEL_HAS_ALIAS");
  ASSERT_TRUE(SetModelAlias("champion", "", "shoes").ok());
  EXPECT_FALSE(alias_.has_model());
  ASSERT_TRUE(DeleteModel("shoes/2").ok());
  EXPECT_EQ(deleted_.model().path(), "shoes/2");
  ASSERT_TRUE(ListModels("shoes").ok());
  EXPECT_EQ(listed_.models_size(), 1);
}

TEST_F(ModelServiceTest, ErrorsCarryReasonAndField) {
  const grpc::Status outside = RegisterModel("../shoes");
  EXPECT_EQ(outside.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ReasonOf(outside), "PATH_OUTSIDE_ROOT");
  EXPECT_EQ(FieldOf(outside), "path");
  const grpc::Status missing = RegisterModel("shoes/3");
  EXPECT_EQ(missing.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ReasonOf(missing), "BUNDLE_NOT_FOUND");
  EXPECT_EQ(ReasonOf(GetModel("shoes")), "MODEL_NOT_FOUND");
  EXPECT_EQ(FieldOf(GetModel("")), "model");
  EXPECT_EQ(FieldOf(ListModels("shoes/3")), "name");
  EXPECT_EQ(FieldOf(SetModelAlias("best", "shoes/3", "")), "alias");
  EXPECT_EQ(ReasonOf(DeleteModel("shoes/0")), "INVALID_MODEL_NAME");
}

}  // namespace
}  // namespace semblance::service
