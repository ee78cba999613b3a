// A data directory that is ready for generations: two registered models of spaces that do not fit each other ("patterns/1", which
// answers as gen-000001, and "patterns/2"), and items in the catalog.
//
// Made once for a suite; each test starts servers on a copy of it.
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
  // Trains the models and fills the catalog: PictureOracle::kPictures base items (see WriteBaseItems) and `more_items` others.
  // Pairs of base items that are each other's nearest under patterns/1 have a label of their own: there its recall by labels is 1.
  explicit GenerationWorld(int more_items);

  const PictureOracle& oracle() const { return oracle_; }
  // The ids of the spaces of patterns/1 and patterns/2.
  const std::string& first_space() const { return first_space_; }
  const std::string& other_space() const { return other_space_; }
  // The ledger knows the items of the catalog.
  const Ledger& ledger() const { return ledger_; }
  // A bundle, complete, outside of any model root.
  std::string bundle() const { return dir_.Join("first"); }

  // Copies data directory and models. REQUIRES: `data_dir` does not exist.
  void CopyTo(const std::string& data_dir) const;

 private:
  const TempDir dir_;
  PictureOracle oracle_;
  Ledger ledger_;
  std::string first_space_;
  std::string other_space_;
};

// A copy of a world, and servers on it one after the other. Its end kills what still runs.
class WorldCopy {
 public:
  explicit WorldCopy(const GenerationWorld* world);
  ~WorldCopy();

  // Starts a server and waits until it answers; a test failure where it ends before.
  std::unique_ptr<ServerProcess> Start(const std::string& model = "") const;

  // `what` in the server's config file, from the next start on.
  void Configure(const std::string& text_proto) const;

  std::string data_dir() const { return dir_.Join("data"); }
  std::string Join(const std::string& name) const { return dir_.Join(name); }

  // Processes of semblance-builder that work on this data directory.
  std::vector<pid_t> Builders() const;

  // Waits for such a process that has begun to embed, stops it with SIGSTOP, and returns its id.
  pid_t SuspendBuilder(const std::string& generation) const;

 private:
  const TempDir dir_;
};

}  // namespace semblance::testing

#endif  // SEMBLANCE_TESTS_INTEGRATION_GENERATION_WORLD_H_
