// Builds the index of a generation: embeds the items of the catalog with the generation's bundle and writes the files that a
// server loads, build.json last.
//
// Thread-safe: a function without state. Builds of one generation exclude each other, in other processes too. The catalog is only
// read and may be written meanwhile: the index is of the catalog at the sequence that build.json names, but for rows that were
// replaced or deleted before their image was read.
//
// Nothing is lost when the process is killed: what was embedded is in the index directory, and the next build goes on from there.
// A generation that has a build.json is done.
#ifndef SEMBLANCE_BUILDER_BUILDER_H_
#define SEMBLANCE_BUILDER_BUILDER_H_

#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "embedder/embedder.h"
#include "semblance/storage/v1/generation.pb.h"
#include "semblance/v1/server_config.pb.h"

namespace semblance::builder {

struct BuildOptions {
  // Holds the catalog and the generations. Required.
  std::string data_dir;
  // Its phase is BUILDING. Required.
  std::string generation_id;
  // Complete (see CompleteIndexConfig).
  v1::IndexConfig index;
  // Batches that are embedded at once, and threads that build the index; at least 1.
  int threads = 1;
  // Images of one batch, at most: on the CPU it takes about a millisecond where that is possible; default 16: 8 and 32 were as fast
  // on the CPU, and a stop waits for a batch.
  size_t batch_size = 16;
  // Loads the bundle in a directory. Required.
  std::function<absl::StatusOr<std::unique_ptr<embedder::Embedder>>(const std::string& bundle_dir)> new_embedder;
  // The build ends with Cancelled, within a batch, after a stop is requested.
  std::stop_token stop;
  // Gets what goes to progress.json, as often; one call at a time. May be empty.
  std::function<void(const storage::v1::BuildProgress&)> on_progress;
};

// Errors: Cancelled (stop, or the generation's `cancel` file); Unavailable/BUILD_RUNNING (another process builds it);
// FailedPrecondition/GENERATION_NOT_BUILDING (its phase); DataLoss/MANIFEST_INVALID (its bundle is of another embedding space);
// NotFound; as of `new_embedder`, OpenSqliteCatalog, EmbedMissing and SegmentedIndex. After one that is not worth another try,
// progress.json has it with STEP_FAILED.
absl::Status BuildGeneration(const BuildOptions& options);

// Whether the same build may succeed the next time: Cancelled, Unavailable, ResourceExhausted.
bool IsWorthAnotherTry(const absl::Status& status);

}  // namespace semblance::builder

#endif  // SEMBLANCE_BUILDER_BUILDER_H_
