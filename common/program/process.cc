#include "common/program/process.h"

#include <malloc.h>
#include <unistd.h>

#include <cstdlib>

namespace semblance {

// NOLINTBEGIN(concurrency-mt-unsafe): no other thread exists yet.
void TuneForCompute(char** argv) {
  // Large blocks stay in the process, because LibTorch frees and allocates the same activations at every step.
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  if (std::getenv("OMP_WAIT_POLICY") == nullptr) {
    setenv("OMP_WAIT_POLICY", "passive", /*overwrite=*/1);
    // OpenBLAS has its own pool, and its idle threads spin in sched_yield. They took a fifth of the CPU time of the trainer.
    setenv("OPENBLAS_NUM_THREADS", "1", /*overwrite=*/0);
    execv("/proc/self/exe", argv);  // On failure threads spin, which is only slower.
  }
}
// NOLINTEND(concurrency-mt-unsafe)

}  // namespace semblance
