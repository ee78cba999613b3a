#include "dataset/triplet_manifest.h"

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "common/status_macros.h"
#include "dataset/file_dataset.h"
#include "dataset/text_table.h"

namespace semblance::dataset {
namespace {

// The positions of the columns. Other columns are ignored.
struct Columns {
  size_t count = 0;
  size_t anchor = 0;
  size_t positive = 0;
  size_t negative = 0;
};

std::optional<Columns> ParseHeader(absl::string_view line) {
  const std::vector<absl::string_view> names = absl::StrSplit(line, '\t');
  const std::optional<size_t> anchor = FindColumn(names, "anchor");
  const std::optional<size_t> positive = FindColumn(names, "positive");
  const std::optional<size_t> negative = FindColumn(names, "negative");
  if (!anchor.has_value() || !positive.has_value() || !negative.has_value()) {
    return std::nullopt;
  }
  return Columns{names.size(), *anchor, *positive, *negative};
}

// Collects the images and triplets of a manifest, line by line.
class TripletParser {
 public:
  absl::Status ParseLine(absl::string_view line) {
    if (!columns_.has_value()) {
      columns_ = ParseHeader(line);
      return columns_.has_value()
                 ? absl::OkStatus()
                 : absl::InvalidArgumentError(absl::StrCat("expected a header line with the tab-separated columns anchor, positive "
                                                           "and negative; found \"",
                                                           line, "\""));
    }
    SEMBLANCE_ASSIGN_OR_RETURN(const std::vector<absl::string_view> cells, SplitTsvLine(line, columns_->count));
    Triplet triplet;
    SEMBLANCE_ASSIGN_OR_RETURN(triplet.anchor, IndexOf(cells[columns_->anchor], "anchor"));
    SEMBLANCE_ASSIGN_OR_RETURN(triplet.positive, IndexOf(cells[columns_->positive], "positive"));
    SEMBLANCE_ASSIGN_OR_RETURN(triplet.negative, IndexOf(cells[columns_->negative], "negative"));
    if (triplet.negative == triplet.anchor || triplet.negative == triplet.positive) {
      return absl::InvalidArgumentError(absl::StrCat("the negative ", cells[columns_->negative], " is also the ",
                                                     triplet.negative == triplet.anchor ? "anchor" : "positive"));
    }
    triplets_.push_back(triplet);
    return absl::OkStatus();
  }

  std::vector<Example> TakeImages() { return std::move(images_); }
  std::vector<Triplet> TakeTriplets() { return std::move(triplets_); }

 private:
  absl::StatusOr<int64_t> IndexOf(absl::string_view path, absl::string_view column) {
    if (path.empty()) {
      return absl::InvalidArgumentError(absl::StrCat("the path of the ", column, " is empty"));
    }
    const auto [known, is_new] = indices_.emplace(path, static_cast<int64_t>(images_.size()));
    if (is_new) {
      images_.push_back(Example{known->first, "", Split::kUnassigned});
    }
    return known->second;
  }

  std::optional<Columns> columns_;
  std::vector<Example> images_;
  absl::flat_hash_map<std::string, int64_t> indices_;
  std::vector<Triplet> triplets_;
};

}  // namespace

absl::StatusOr<TripletData> OpenTripletManifest(const std::string& file, const DataRoot& root) {
  TripletParser parser;
  SEMBLANCE_ASSIGN_OR_RETURN(const std::string real, root.Resolve(file));
  SEMBLANCE_RETURN_IF_ERROR(ForEachTsvLine(real, [&parser](absl::string_view line) { return parser.ParseLine(line); }));
  TripletData data;
  data.triplets = parser.TakeTriplets();
  if (data.triplets.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(file, ": lists no triplets"));
  }
  SEMBLANCE_ASSIGN_OR_RETURN(
      data.images,
      NewFileDataset(
          {.root = std::filesystem::path(file).parent_path().string(), .listed_in = file, .examples = parser.TakeImages()}, root));
  return data;
}

bool IsTripletManifest(const std::string& file, const DataRoot& root) {
  const absl::StatusOr<std::string> real = root.Resolve(file);
  if (!real.ok()) {
    return false;
  }
  std::ifstream stream(*real);
  for (std::string line; std::getline(stream, line);) {
    const absl::string_view text = WithoutByteOrderMark(absl::StripSuffix(line, "\r"));
    if (!text.empty() && text.front() != '#') {
      return ParseHeader(text).has_value();
    }
  }
  return false;
}

}  // namespace semblance::dataset
