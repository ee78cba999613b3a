#include "trainer/learning/batch_tensor.h"

#include <cstring>

namespace semblance::trainer {
namespace {

torch::TensorOptions HostOptions(torch::ScalarType type, torch::Device device) {
  return torch::TensorOptions().dtype(type).pinned_memory(device.is_cuda());
}

}  // namespace

torch::Tensor PixelsTensor(const LoadedBatch& batch, const embedder::Preprocessor& preprocessor, torch::Device device) {
  const int64_t side = preprocessor.config().crop_side();
  const auto count = static_cast<int64_t>(batch.positions.size());
  const torch::Tensor host =
      torch::empty({count, side, side, preprocessor.config().channels()}, HostOptions(torch::kUInt8, device));
  std::memcpy(host.data_ptr(), batch.pixels.data(), batch.pixels.size());
  return host.to(device, /*non_blocking=*/true);
}

torch::Tensor LabelsTensor(const std::vector<int64_t>& positions, const std::vector<int64_t>& labels, torch::Device device) {
  const torch::Tensor host = torch::empty({static_cast<int64_t>(positions.size())}, HostOptions(torch::kInt64, device));
  auto* target = host.data_ptr<int64_t>();
  for (const int64_t position : positions) {
    *target++ = labels[static_cast<size_t>(position)];
  }
  return host.to(device, /*non_blocking=*/true);
}

}  // namespace semblance::trainer
