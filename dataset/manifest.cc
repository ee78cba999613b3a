// A data set listed in a tab-separated file.
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "common/status_macros.h"
#include "dataset/dataset.h"
#include "dataset/file_dataset.h"
#include "dataset/text_table.h"

namespace semblance::dataset {
namespace {

// The positions of the columns. Other columns are ignored.
struct Columns {
  size_t count = 0;
  size_t path = 0;
  size_t label = 0;
  std::optional<size_t> split;
  std::optional<size_t> id;
};

absl::StatusOr<Columns> ParseHeader(absl::string_view line) {
  const std::vector<absl::string_view> names = absl::StrSplit(line, '\t');
  const std::optional<size_t> path = FindColumn(names, "path");
  const std::optional<size_t> label = FindColumn(names, "label");
  if (!path.has_value() || !label.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a header line with the tab-separated columns path and label, and "
                     "optionally split and id; found \"",
                     line, "\""));
  }
  return Columns{names.size(), *path, *label, FindColumn(names, "split"), FindColumn(names, "id")};
}

absl::StatusOr<Split> ParseSplit(absl::string_view text) {
  if (text.empty()) {
    return Split::kUnassigned;
  }
  if (text == "train" || text == "test") {
    return text == "train" ? Split::kTrain : Split::kTest;
  }
  return absl::InvalidArgumentError(absl::StrCat("split is \"", text, "\"; expected train, test or nothing"));
}

struct Row {
  Example example;
  std::string path;
};

absl::StatusOr<Row> ParseRow(absl::string_view line, const Columns& columns) {
  SEMBLANCE_ASSIGN_OR_RETURN(const std::vector<absl::string_view> cells, SplitTsvLine(line, columns.count));
  Row row;
  row.path = std::string(cells[columns.path]);
  if (row.path.empty()) {
    return absl::InvalidArgumentError("the path is empty");
  }
  row.example.label = std::string(cells[columns.label]);
  row.example.id = columns.id.has_value() ? std::string(cells[*columns.id]) : row.path;
  if (row.example.id.empty()) {
    return absl::InvalidArgumentError("the id is empty");
  }
  if (columns.split.has_value()) {
    SEMBLANCE_ASSIGN_OR_RETURN(row.example.split, ParseSplit(cells[*columns.split]));
  }
  return row;
}

// Collects the examples of a manifest, line by line.
class ManifestParser {
 public:
  absl::Status ParseLine(absl::string_view line) {
    if (!columns_.has_value()) {
      SEMBLANCE_ASSIGN_OR_RETURN(columns_, ParseHeader(line));
      return absl::OkStatus();
    }
    SEMBLANCE_ASSIGN_OR_RETURN(Row row, ParseRow(line, *columns_));
    if (!seen_paths_.insert(row.path).second) {
      return absl::InvalidArgumentError(absl::StrCat("the path ", row.path, " is listed twice"));
    }
    if (!seen_ids_.insert(row.example.id).second) {
      return absl::InvalidArgumentError(absl::StrCat("the id ", row.example.id, " is listed twice"));
    }
    examples_.push_back(std::move(row.example));
    paths_.push_back(std::move(row.path));
    return absl::OkStatus();
  }

  std::vector<Example> TakeExamples() { return std::move(examples_); }
  std::vector<std::string> TakePaths() { return std::move(paths_); }

 private:
  std::optional<Columns> columns_;
  std::vector<Example> examples_;
  std::vector<std::string> paths_;
  absl::flat_hash_set<std::string> seen_paths_;
  absl::flat_hash_set<std::string> seen_ids_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Dataset>> OpenManifest(const std::string& file, const DataRoot& root) {
  ManifestParser parser;
  SEMBLANCE_ASSIGN_OR_RETURN(const std::string real, root.Resolve(file));
  SEMBLANCE_RETURN_IF_ERROR(ForEachTsvLine(real, [&parser](absl::string_view line) { return parser.ParseLine(line); }));
  std::vector<Example> examples = parser.TakeExamples();
  if (examples.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(file, ": lists no images"));
  }
  return NewFileDataset({.root = std::filesystem::path(file).parent_path().string(),
                         .listed_in = file,
                         .examples = std::move(examples),
                         .paths = parser.TakePaths()},
                        root);
}

}  // namespace semblance::dataset
