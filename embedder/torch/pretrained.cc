#include "embedder/torch/pretrained.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/file.h"
#include "common/status_macros.h"
#include "embedder/bundle/pth.h"
#include "embedder/torch/state.h"

namespace semblance::embedder {
namespace {

constexpr size_t kNamesShown = 3;

bool IsClassifier(absl::string_view name) {
  return absl::StartsWith(name, "fc.") || absl::StartsWith(name, "last_linear.") || absl::StartsWith(name, "head.");
}

// DataParallel saves a network with this prefix.
TensorMap WithoutModulePrefix(const TensorMap& weights) {
  constexpr absl::string_view kPrefix = "module.";
  const bool all = std::all_of(weights.begin(), weights.end(), [&](const auto& w) { return absl::StartsWith(w.first, kPrefix); });
  TensorMap stripped;
  for (const auto& [name, tensor] : weights) {
    stripped.emplace(all ? name.substr(kPrefix.size()) : name, tensor);
  }
  return stripped;
}

// The published weights of BN-Inception have batch norms of shape [1, C].
std::vector<int64_t> ShapeFor(const HostTensor& found, const HostTensor& expected) {
  const bool is_row = found.shape.size() == 2 && found.shape[0] == 1 && expected.shape.size() == 1;
  return is_row ? std::vector<int64_t>{found.shape[1]} : found.shape;
}

std::string ShapeText(const HostTensor& tensor) {
  return absl::StrCat(tensor.dtype, "[", absl::StrJoin(tensor.shape, ", "), "]");
}

// Formats a complaint such as "2 tensors are missing (a, b)".
void Complain(const std::vector<std::string>& names, absl::string_view what, std::vector<std::string>* complaints) {
  if (names.empty()) {
    return;
  }
  const size_t shown = std::min(names.size(), kNamesShown);
  complaints->push_back(absl::StrCat(names.size(), names.size() == 1 ? " tensor is " : " tensors are ", what, " (",
                                     absl::StrJoin(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "),
                                     names.size() > shown ? ", ...)" : ")"));
}

// Replaces the tensors of `state` by those of `weights`, and collects those that do not fit.
class Matcher {
 public:
  Matcher(const TensorMap& weights, TensorMap* state) {
    for (const auto& [name, tensor] : weights) {
      if (IsClassifier(name)) {
        ++report_.ignored;
      } else if (const auto found = state->find(name); found == state->end()) {
        unknown_.push_back(name);
      } else {
        Take(name, tensor, &found->second);
      }
    }
    for (const auto& [name, tensor] : *state) {
      if (!IsClassifier(name) && weights.count(name) == 0 && !absl::EndsWith(name, ".num_batches_tracked")) {
        missing_.push_back(name);
      }
    }
  }

  absl::StatusOr<PretrainedReport> report() const {
    std::vector<std::string> complaints;
    Complain(misfits_, "of another shape or type", &complaints);
    Complain(missing_, "missing", &complaints);
    Complain(unknown_, "unknown to the network", &complaints);
    if (!complaints.empty()) {
      return absl::InvalidArgumentError(absl::StrCat("the weights do not fit: ", absl::StrJoin(complaints, "; ")));
    }
    return report_;
  }

 private:
  void Take(const std::string& name, const HostTensor& tensor, HostTensor* place) {
    if (tensor.dtype == place->dtype && ShapeFor(tensor, *place) == place->shape) {
      place->data = tensor.data;
      ++report_.taken;
    } else {
      misfits_.push_back(absl::StrCat(name, " is ", ShapeText(tensor), ", but the network needs ", ShapeText(*place)));
    }
  }

  PretrainedReport report_;
  std::vector<std::string> misfits_;
  std::vector<std::string> missing_;
  std::vector<std::string> unknown_;
};

}  // namespace

absl::StatusOr<TensorMap> ReadWeights(const std::string& path) {
  SEMBLANCE_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  return IsPth(bytes) ? ParsePth(bytes, path) : ParseSafetensors(bytes, path);
}

absl::StatusOr<PretrainedReport> LoadPretrained(const TensorMap& weights, bool is_bgr, EmbeddingNet& net) {
  TensorMap state = StateOf(net);
  const Matcher matcher(WithoutModulePrefix(weights), &state);
  SEMBLANCE_ASSIGN_OR_RETURN(const PretrainedReport report, matcher.report());
  SEMBLANCE_RETURN_IF_ERROR(LoadState(net, state));
  if (is_bgr) {
    const torch::NoGradGuard no_grad;
    torch::Tensor first = net->BackboneParameters().front();
    first.copy_(first.flip(1));
  }
  return report;
}

}  // namespace semblance::embedder
