#include "trainer/report/training_log.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/status_macros.h"

namespace semblance::trainer {
namespace {

using nlohmann::ordered_json;

constexpr char kStep[] = "step";
constexpr char kEpoch[] = "epoch";
constexpr char kSeconds[] = "seconds";

// JSON has no NaN.
ordered_json NumberOrNull(double value) {
  return std::isfinite(value) ? ordered_json(value) : ordered_json();
}

absl::StatusOr<std::string> LineOf(const LogRecord& record) {
  ordered_json line = {{kStep, record.step}, {kEpoch, record.epoch}, {kSeconds, NumberOrNull(record.seconds)}};
  for (const NamedValue& named : record.values) {
    if (line.contains(named.name)) {
      return absl::InvalidArgumentError(absl::StrCat("the log record of step ", record.step, " has \"", named.name, "\" twice"));
    }
    line[named.name] = NumberOrNull(named.value);
  }
  // Without `replace`, names that are invalid UTF-8 would throw.
  return absl::StrCat(line.dump(-1, ' ', /*ensure_ascii=*/false, ordered_json::error_handler_t::replace), "\n");
}

std::optional<LogRecord> ParseLine(absl::string_view line) {
  const ordered_json json = ordered_json::parse(line.begin(), line.end(), /*cb=*/nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {  // A line that does not parse is discarded, and is no object.
    return std::nullopt;
  }
  for (const char* const key : {kStep, kEpoch}) {
    if (!json.contains(key) || !json[key].is_number_integer()) {
      return std::nullopt;
    }
  }
  LogRecord record;
  record.step = json[kStep].get<int64_t>();
  record.epoch = json[kEpoch].get<int64_t>();
  for (const auto& [name, value] : json.items()) {
    if (!value.is_number() && !value.is_null()) {
      return std::nullopt;
    }
    const double number = value.is_null() ? std::nan("") : value.get<double>();
    if (name == kSeconds) {
      record.seconds = number;
    } else if (name != kStep && name != kEpoch) {
      record.values.push_back({name, number});
    }
  }
  return record;
}

struct ParsedLog {
  std::vector<LogRecord> records;
  // The size of each record's line, including its line feed.
  std::vector<absl::string_view> lines;
};

// Splits `text` at its line feeds. The rest after the last line feed is an unfinished line, and is left out. The lines point into
// `text`.
absl::StatusOr<ParsedLog> Parse(absl::string_view text, absl::string_view path) {
  ParsedLog log;
  for (size_t end = text.find('\n'); end != absl::string_view::npos; end = text.find('\n')) {
    std::optional<LogRecord> record = ParseLine(text.substr(0, end));
    if (!record.has_value()) {
      return absl::DataLossError(absl::StrCat(path, ": line ", log.lines.size() + 1, " is no record of a training log"));
    }
    log.records.push_back(*std::move(record));
    log.lines.push_back(text.substr(0, end + 1));
    text.remove_prefix(end + 1);
  }
  return log;
}

// Does nothing if there is nothing to remove.
absl::Status RemoveRecordsAfter(const std::string& path, int64_t last_step) {
  SEMBLANCE_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  SEMBLANCE_ASSIGN_OR_RETURN(const ParsedLog log, Parse(text, path));
  std::vector<absl::string_view> kept;
  size_t kept_bytes = 0;
  for (size_t i = 0; i < log.records.size(); ++i) {
    if (log.records[i].step <= last_step) {
      kept.push_back(log.lines[i]);
      kept_bytes += log.lines[i].size();
    }
  }
  return kept_bytes == text.size() ? absl::OkStatus() : WriteFileAtomically(path, kept);
}

// Returns the element with that value of `field`, and adds it at the end if there is none.
template <typename Element>
Element& FindOrAdd(std::vector<Element>* elements, std::string Element::*field, absl::string_view value) {
  const auto found =
      std::find_if(elements->begin(), elements->end(), [&](const Element& element) { return element.*field == value; });
  if (found != elements->end()) {
    return *found;
  }
  Element& added = elements->emplace_back();
  added.*field = std::string(value);
  return added;
}

}  // namespace

absl::StatusOr<std::unique_ptr<TrainingLog>> TrainingLog::Open(const std::string& path, int64_t last_step) {
  if (PathExists(path)) {
    SEMBLANCE_RETURN_IF_ERROR(RemoveRecordsAfter(path, last_step));
  }
  SEMBLANCE_ASSIGN_OR_RETURN(std::unique_ptr<AppendFile> file, AppendFile::Open(path));
  return std::unique_ptr<TrainingLog>(new TrainingLog(std::move(file)));
}

absl::Status TrainingLog::Append(const LogRecord& record) {
  SEMBLANCE_ASSIGN_OR_RETURN(const std::string line, LineOf(record));
  return file_->Append(line);
}

absl::StatusOr<std::vector<LogRecord>> ReadTrainingLog(const std::string& path) {
  SEMBLANCE_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  SEMBLANCE_ASSIGN_OR_RETURN(ParsedLog log, Parse(text, path));
  return std::move(log.records);
}

std::vector<CurvePanel> PanelsOf(absl::Span<const LogRecord> records) {
  std::vector<CurvePanel> panels;
  for (const LogRecord& record : records) {
    for (const NamedValue& named : record.values) {
      const absl::string_view name = named.name;
      const size_t slash = name.find('/');
      CurvePanel& panel = FindOrAdd(&panels, &CurvePanel::title, name.substr(0, slash));
      const absl::string_view series_name = slash == absl::string_view::npos ? name : name.substr(slash + 1);
      CurveSeries& series = FindOrAdd(&panel.series, &CurveSeries::name, series_name);
      series.points.push_back({static_cast<double>(record.step), named.value});
    }
  }
  return panels;
}

}  // namespace semblance::trainer
