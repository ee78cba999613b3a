// Builds the index of a generation: embeds the items of the catalog with the bundle of the generation, and writes the files that a
// server loads. build.json is written last.
//
// Thread-safe: a function without state. Two builds of one generation exclude each other, also across processes. The catalog is
// only read, and may be written meanwhile. The index holds the catalog at the sequence in build.json, without rows that were
// replaced or deleted before their image was read.
//
// Nothing is lost when the process is killed: embedded rows are in the index directory, and the next build resumes from there. A
// generation with a build.json is complete.
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
  // The directory of the catalog and the generations. Required.
  std::string data_dir;
  // A generation in the phase BUILDING. Required.
  std::string generation_id;
  // A complete config; see CompleteIndexConfig.
  v1::IndexConfig index;
  // Number of batches that are embedded at the same time, and of threads that build the index. At least 1.
  int threads = 1;
  // Largest number of images in a batch, default 16. On the CPU a batch should take about a millisecond, so it may have fewer. 8
  // and 32 were as fast on the CPU; a stop waits for the end of a batch.
  size_t batch_size = 16;
  // Loads the bundle in a directory. Required.
  std::function<absl::StatusOr<std::unique_ptr<embedder::Embedder>>(const std::string& bundle_dir)> new_embedder;
  // The build ends with Cancelled, within a batch, after a stop is requested.
  std::stop_token stop;
  // Called whenever progress.json is written, with its content. Calls do not overlap. May be empty.
  std::function<void(const storage::v1::BuildProgress&)> on_progress;
};

// Errors: Cancelled (stop, or the generation's `cancel` file); Unavailable/BUILD_RUNNING (another process builds it);
// FailedPrecondition/GENERATION_NOT_BUILDING (its phase); DataLoss/MANIFEST_INVALID (its bundle is of another embedding space);
// NotFound; those of `new_embedder`, OpenSqliteCatalog, EmbedMissing and SegmentedIndex. An error after which a retry is useless is
// also written to progress.json, with STEP_FAILED.
absl::Status BuildGeneration(const BuildOptions& options);

// Returns true if the same build may succeed the next time: for Cancelled, Unavailable and ResourceExhausted.
bool IsWorthAnotherTry(const absl::Status& status);

}  // namespace semblance::builder

#endif  // SEMBLANCE_BUILDER_BUILDER_H_
