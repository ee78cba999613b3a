#include "dataset/data_root.h"

#include <filesystem>
#include <string>

#include "dataset/dataset.h"
#include "dataset/triplet_manifest.h"
#include "tests/dataset/files.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace semblance::dataset {
namespace {

using ::semblance::testing::HasField;
using ::semblance::testing::HasReason;
using ::semblance::testing::IdxBytes;
using ::semblance::testing::StatusIs;
using ::semblance::testing::StatusMessage;
using ::semblance::testing::TempDir;
using ::semblance::testing::WriteTestFile;
using ::testing::AllOf;
using ::testing::HasSubstr;

namespace fs = std::filesystem;

class DataRootTest : public ::testing::Test {
 protected:
  void SetUp() override {
    WriteTestFile(dir_.Join("root/data/a"), "inside");
    WriteTestFile(dir_.Join("outside/b"), "outside");
    WriteTestFile(dir_.Join("rooted"), "its name begins as that of the root");
    absl::StatusOr<DataRoot> root = DataRoot::Open(dir_.Join("root"));
    ASSERT_OK(root);
    root_ = *std::move(root);
  }

  const TempDir dir_;
  DataRoot root_;
};

TEST_F(DataRootTest, WithoutARootEveryPathIsAllowed) {
  EXPECT_EQ(DataRoot().Resolve("../../any/where").value(), "../../any/where");
}

TEST_F(DataRootTest, GivesThePathWithoutLinks) {
  fs::create_directory_symlink("data", dir_.Join("root/link"));
  const std::string real = fs::canonical(dir_.Join("root")).string();
  EXPECT_EQ(root_.Resolve(dir_.Join("root/link/a")).value(), real + "/data/a");
  EXPECT_EQ(root_.Resolve(dir_.Join("root/link/../data/new")).value(), real + "/data/new");
  EXPECT_EQ(root_.Resolve(dir_.Join("root")).value(), real);
}

TEST_F(DataRootTest, RefusesWhatLeadsOut) {
  fs::create_symlink(dir_.Join("outside/b"), dir_.Join("root/data/file"));
  fs::create_directory_symlink("../../outside", dir_.Join("root/data/directory"));
  fs::create_symlink(dir_.Join("root/data/file"), dir_.Join("root/data/twice"));
  for (const char* path : {"outside/b", "rooted", "root/../outside/b", "root/data/file", "root/data/directory/b", "root/data/twice",
                           "root/data/directory/new", ""}) {
    EXPECT_THAT(root_.Resolve(dir_.Join(path)),
                AllOf(HasReason("PATH_OUTSIDE_ROOT"), HasField("data.path"), StatusMessage(HasSubstr(path))))
        << path;
  }
}

TEST_F(DataRootTest, NeedsADirectoryThatExists) {
  EXPECT_THAT(DataRoot::Open(dir_.Join("absent")), StatusIs(absl::StatusCode::kNotFound));
}

// Every layout reads its lists below the root only. In each of these the first list is a link to a file outside.
TEST_F(DataRootTest, HoldsForTheListsOfEveryLayout) {
  WriteTestFile(dir_.Join("outside/cub.txt"), "1 a.jpg\n");
  WriteTestFile(dir_.Join("outside/products.txt"), "image_id class_id super_class_id path\n1 1 1 a.jpg\n");
  WriteTestFile(dir_.Join("outside/images"), IdxBytes({1, 1, 1}, "x"));
  WriteTestFile(dir_.Join("outside/cars_annos.mat"), "mat");
  WriteTestFile(dir_.Join("outside/triplets.tsv"), "anchor\tpositive\tnegative\na\tb\tc\n");
  struct Layout {
    const char* name;
    const char* list;
    const char* outside;
  };
  const Layout layouts[] = {{"cub", "images.txt", "cub.txt"},
                            {"products", "Ebay_train.txt", "products.txt"},
                            {"idx", "train-images-idx3-ubyte", "images"},
                            {"cars", "cars_meta.mat", "cars_annos.mat"}};
  WriteTestFile(dir_.Join("root/cub/image_class_labels.txt"), "1 1\n");
  WriteTestFile(dir_.Join("root/cub/classes.txt"), "1 c\n");
  WriteTestFile(dir_.Join("root/idx/train-labels-idx1-ubyte"), IdxBytes({1}, "x"));
  WriteTestFile(dir_.Join("root/cars/cars_annos.mat"), "mat");
  fs::create_directories(dir_.Join("root/cars/car_ims"));
  fs::create_directories(dir_.Join("root/products"));
  for (const Layout& layout : layouts) {
    const std::string directory = dir_.Join(std::string("root/") + layout.name);
    fs::create_symlink(dir_.Join(std::string("outside/") + layout.outside), directory + "/" + layout.list);
    EXPECT_THAT(OpenDataset(directory, root_), AllOf(HasReason("PATH_OUTSIDE_ROOT"), StatusMessage(HasSubstr(layout.list))))
        << layout.name;
  }
  fs::create_symlink(dir_.Join("outside/triplets.tsv"), dir_.Join("root/triplets.tsv"));
  EXPECT_FALSE(IsTripletManifest(dir_.Join("root/triplets.tsv"), root_));
  EXPECT_THAT(OpenTripletManifest(dir_.Join("root/triplets.tsv"), root_), HasReason("PATH_OUTSIDE_ROOT"));
  WriteTestFile(dir_.Join("root/own.tsv"), "anchor\tpositive\tnegative\na\tb\t../outside/b\n");
  EXPECT_THAT(OpenDataset(dir_.Join("root/own.tsv"), root_), HasReason("PATH_OUTSIDE_ROOT"));
}

}  // namespace
}  // namespace semblance::dataset
