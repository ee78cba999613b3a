// A data directory with two registered models and items in the catalog, ready for generations. The spaces of the models,
// "patterns/1" and "patterns/2", are incompatible; "patterns/1" answers as gen-000001.
//
// A suite makes one such world. Each test starts servers on a copy of it.
#ifndef SEMBLANCE_TESTS_INTEGRATION_GENERATION_WORLD_H_
#define SEMBLANCE_TESTS_INTEGRATION_GENERATION_WORLD_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/integration/live_traffic.h"
#include "tests/integration/picture_oracle.h"
#include "tests/integration/server_process.h"
#include "tests/testing/temp_dir.h"

namespace semblance::testing {

inline constexpr char kFirstGeneration[] = "gen-000001";
inline constexpr char kOtherModel[] = "patterns/2";

class GenerationWorld {
 public:
  // Trains the models and fills the catalog with PictureOracle::kPictures base items (see WriteBaseItems) and `more_items` others.
  // Two base items that are each other's nearest under patterns/1 have a label of their own, so its recall by labels is 1.
  explicit GenerationWorld(int more_items);

  const PictureOracle& oracle() const { return oracle_; }
  // The ids of the spaces of patterns/1 and patterns/2.
  const std::string& first_space() const { return first_space_; }
  const std::string& other_space() const { return other_space_; }
  // The ledger knows the items of the catalog.
  const Ledger& ledger() const { return ledger_; }
  // A complete bundle, outside of any model root.
  std::string bundle() const { return dir_.Join("first"); }

  // Copies the data directory and the models. REQUIRES: `data_dir` does not exist.
  void CopyTo(const std::string& data_dir) const;

 private:
  const TempDir dir_;
  PictureOracle oracle_;
  Ledger ledger_;
  std::string first_space_;
  std::string other_space_;
};

// A copy of a world, and the servers that run on it one after the other. The destructor kills all processes that still run.
class WorldCopy {
 public:
  explicit WorldCopy(const GenerationWorld* world);
  ~WorldCopy();

  // Starts a server and waits until it answers. It is a test failure if the server ends before that.
  std::unique_ptr<ServerProcess> Start(const std::string& model = "") const;

  // Adds `what` to the server's config file for all further starts.
  void Configure(const std::string& text_proto) const;

  std::string data_dir() const { return dir_.Join("data"); }
  std::string Join(const std::string& name) const { return dir_.Join(name); }

  // Returns the processes of semblance-builder that work on this data directory.
  std::vector<pid_t> Builders() const;

  // Waits for a builder that has begun to embed, stops it with SIGSTOP, and returns its process id.
  pid_t SuspendBuilder(const std::string& generation) const;

 private:
  const TempDir dir_;
};

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_INTEGRATION_GENERATION_WORLD_H_
