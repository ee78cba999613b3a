#include "embedder/torch/device.h"

#include <exception>
#include <new>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/error.h"

namespace semblance::embedder {
namespace {

absl::Status BadDevice(absl::string_view message) {
  return InvalidField("device", v1::ERROR_REASON_CONFIG_INVALID, message);
}

int CudaDeviceCount() {
  return torch::cuda::is_available() ? static_cast<int>(torch::cuda::device_count()) : 0;
}

// The line that says what happened: for TorchScript the line after its stack trace, and otherwise the first line.
std::string FirstLine(absl::string_view text) {
  if (absl::StartsWith(text, "The following operation failed in the TorchScript interpreter")) {
    const size_t error = text.find("Error: ");
    text.remove_prefix(error == absl::string_view::npos ? 0 : error + 7);
  }
  return std::string(text.substr(0, text.find('\n')));
}

// LibTorch's CPU allocator reports a lack of memory as a plain c10::Error.
bool IsOutOfMemory(absl::string_view message) {
  return absl::StrContains(message, "out of memory") || absl::StrContains(message, "can't allocate memory") ||
         absl::StrContains(message, "not enough memory");
}

}  // namespace

absl::StatusOr<torch::Device> ParseDevice(absl::string_view name) {
  if (name == "cpu") {
    return torch::Device(torch::kCPU);
  }
  const int count = CudaDeviceCount();
  if (name.empty() || name == "auto") {
    return count > 0 ? torch::Device(torch::kCUDA, 0) : torch::Device(torch::kCPU);
  }
  absl::string_view number = name;
  int index = 0;
  if (name != "cuda" && (!absl::ConsumePrefix(&number, "cuda:") || !absl::SimpleAtoi(number, &index) || index < 0)) {
    return BadDevice(absl::StrCat("device \"", name, "\" is none of cpu, cuda, cuda:N and auto"));
  }
  if (index >= count) {
    return BadDevice(absl::StrCat("device ", name, " is not there: this process sees ", count, " CUDA devices"));
  }
  return torch::Device(torch::kCUDA, static_cast<c10::DeviceIndex>(index));
}

absl::Status CatchTorchErrors(absl::FunctionRef<void()> body) {
  try {
    body();
    return absl::OkStatus();
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("out of memory");
  } catch (const c10::Error& error) {
    const std::string message = FirstLine(error.what_without_backtrace());
    return IsOutOfMemory(message) ? absl::ResourceExhaustedError(message) : absl::InternalError(message);
  } catch (const std::exception& error) {
    return absl::InternalError(FirstLine(error.what()));
  }
}

}  // namespace semblance::embedder
