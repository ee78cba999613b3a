#include "trainer/report/report.h"

#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/progress.h"

namespace semblance::trainer {
namespace {

using nlohmann::ordered_json;

constexpr size_t kWorstClasses = 10;
constexpr char kNotMeasured[] = "-";

struct NamedMetric {
  std::string name;
  std::optional<double> value;
};

std::vector<NamedMetric> MetricsOf(const Evaluation& evaluation) {
  std::vector<NamedMetric> metrics;
  for (const RecallAt& entry : evaluation.retrieval.recall_at) {
    metrics.push_back({absl::StrCat("recall@", entry.k), entry.recall});
  }
  if (evaluation.triplet_accuracy.has_value()) {
    return {{"triplet accuracy", evaluation.triplet_accuracy}};
  }
  metrics.push_back({"precision@1", evaluation.retrieval.precision_at_1});
  metrics.push_back({"R-precision", evaluation.retrieval.r_precision});
  metrics.push_back({"MAP@R", evaluation.retrieval.map_at_r});
  metrics.push_back({"NMI", evaluation.nmi});
  return metrics;
}

std::string FormatMetric(std::optional<double> value) {
  return value.has_value() ? absl::StrFormat("%.4f", *value) : kNotMeasured;
}

double ImagesPerSecond(const RunReport& report) {
  return report.train_seconds > 0 ? static_cast<double>(report.images) / report.train_seconds : 0;
}

bool HasTriplets(const RunReport& report) {
  return report.train.triplets > 0;
}

std::string ClassName(const RunReport& report, int64_t label) {
  const bool named = label >= 0 && label < static_cast<int64_t>(report.class_names.size());
  return named ? report.class_names[static_cast<size_t>(label)] : absl::StrCat("class ", label);
}

std::vector<ClassRetrieval> WorstClasses(const RetrievalMetrics& metrics) {
  std::vector<ClassRetrieval> worst = metrics.classes;
  const auto quality = [](const ClassRetrieval& one) { return one.r_precision.value_or(one.recall_at_1); };
  std::stable_sort(worst.begin(), worst.end(),
                   [&](const ClassRetrieval& a, const ClassRetrieval& b) { return quality(a) < quality(b); });
  worst.resize(std::min(worst.size(), kWorstClasses));
  return worst;
}

// Escapes text for the cell of a table or for a heading.
std::string EscapedForMarkdown(absl::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) {
      escaped += ' ';
      continue;
    }
    if (absl::StrContains("\\|*_`<>[]#", c)) {
      escaped += '\\';
    }
    escaped += c;
  }
  return escaped;
}

void AppendData(const RunReport& report, std::string* text) {
  const auto count = [&](const ReportedSplit& split) { return HasTriplets(report) ? split.triplets : split.classes; };
  absl::StrAppend(text, "## Data\n\n| | examples | ", HasTriplets(report) ? "triplets" : "classes", " |\n|---|---|---|\n");
  absl::StrAppend(text, "| training | ", report.train.examples, " | ", count(report.train), " |\n");
  absl::StrAppend(text, "| test | ", report.test.examples, " | ", count(report.test), " |\n\n");
  if (!report.data_digest.empty()) {
    absl::StrAppend(text, "Digest of the training data: `", report.data_digest, "`\n\n");
  }
}

void AppendMetrics(const RunReport& report, std::string* text) {
  absl::StrAppend(text, "## Metrics\n\n");
  if (!report.trained.has_value()) {
    absl::StrAppend(text, "There were no test examples.\n\n");
    return;
  }
  absl::StrAppend(text, "| | untrained | trained |\n|---|---|---|\n");
  const std::vector<NamedMetric> before = report.untrained.has_value() ? MetricsOf(*report.untrained) : std::vector<NamedMetric>();
  for (const NamedMetric& metric : MetricsOf(*report.trained)) {
    const auto same =
        std::find_if(before.begin(), before.end(), [&](const NamedMetric& other) { return other.name == metric.name; });
    absl::StrAppend(text, "| ", metric.name, " | ", FormatMetric(same == before.end() ? std::nullopt : same->value), " | ",
                    FormatMetric(metric.value), " |\n");
  }
  const RetrievalMetrics& retrieval = report.trained->retrieval;
  if (HasTriplets(report)) {
    absl::StrAppend(text, "\nThe share of ", report.trained->triplets,
                    " test triplets whose anchor is nearer to its positive than to its negative.\n\n");
  } else {
    absl::StrAppend(text, "\n", retrieval.queries, " queries, each to all other test examples; ", retrieval.left_out,
                    " left out because their class has no other.\n\n");
  }
  if (report.best.has_value()) {
    absl::StrAppend(
        text, absl::StrFormat("Best %s: %.4f after epoch %d (step %d).\n\n", HasTriplets(report) ? "triplet accuracy" : "recall@1",
                              report.best->quality, report.best->epoch, report.best->step));
  }
}

void AppendWorstClasses(const RunReport& report, std::string* text) {
  if (!report.trained.has_value() || report.trained->retrieval.classes.empty()) {
    return;
  }
  const std::vector<ClassRetrieval> worst = WorstClasses(report.trained->retrieval);
  absl::StrAppend(text, "## Worst classes\n\n", worst.size(), " of ", report.trained->retrieval.classes.size(),
                  "\n\n| class | examples | recall@1 | R-precision |\n|---|---|---|---|\n");
  for (const ClassRetrieval& one : worst) {
    absl::StrAppend(text, "| ", EscapedForMarkdown(ClassName(report, one.label)), " | ", one.count, " | ",
                    FormatMetric(one.recall_at_1), " | ", FormatMetric(one.r_precision), " |\n");
  }
  absl::StrAppend(text, "\n");
}

void AppendTime(const RunReport& report, std::string* text) {
  absl::StrAppend(text, "## Time\n\n", report.epochs, " epochs, ", report.steps, " steps on ", EscapedForMarkdown(report.device),
                  ": ", FormatSeconds(report.train_seconds), " of training, ", FormatSeconds(report.total_seconds), " in all; ",
                  absl::StrFormat("%.0f", ImagesPerSecond(report)), " images/s.\n\n");
}

// If the text contains a fence, a longer one is put around it.
void AppendConfig(const RunReport& report, std::string* text) {
  std::string fence = "```";
  while (absl::StrContains(report.config, fence)) {
    fence += '`';
  }
  absl::StrAppend(text, "## Configuration\n\n", fence, "textproto\n", report.config,
                  report.config.empty() || report.config.back() == '\n' ? "" : "\n", fence, "\n");
}

void SetIfMeasured(const char* name, std::optional<double> value, ordered_json* json) {
  if (value.has_value()) {
    (*json)[name] = *value;
  }
}

ordered_json JsonOf(const Evaluation& evaluation) {
  if (evaluation.triplet_accuracy.has_value()) {
    return {{"triplets", evaluation.triplets}, {"triplet_accuracy", *evaluation.triplet_accuracy}};
  }
  const RetrievalMetrics& retrieval = evaluation.retrieval;
  ordered_json recall = ordered_json::object();
  for (const RecallAt& entry : retrieval.recall_at) {
    recall[absl::StrCat(entry.k)] = entry.recall;
  }
  ordered_json json = {{"queries", retrieval.queries},
                       {"left_out", retrieval.left_out},
                       {"recall_at", std::move(recall)},
                       {"precision_at_1", retrieval.precision_at_1}};
  SetIfMeasured("r_precision", retrieval.r_precision, &json);
  SetIfMeasured("map_at_r", retrieval.map_at_r, &json);
  SetIfMeasured("nmi", evaluation.nmi, &json);
  return json;
}

ordered_json ClassesJson(const RunReport& report) {
  ordered_json classes = ordered_json::array();
  for (const ClassRetrieval& one : report.trained->retrieval.classes) {
    ordered_json json = {
        {"label", one.label}, {"name", ClassName(report, one.label)}, {"examples", one.count}, {"recall_at_1", one.recall_at_1}};
    SetIfMeasured("r_precision", one.r_precision, &json);
    classes.push_back(std::move(json));
  }
  return classes;
}

ordered_json JsonOf(const ReportedSplit& split, bool has_triplets) {
  return {{"examples", split.examples}, {has_triplets ? "triplets" : "classes", has_triplets ? split.triplets : split.classes}};
}

}  // namespace

std::string ReportMarkdown(const RunReport& report) {
  std::string text = absl::StrCat("# ", EscapedForMarkdown(report.model_name), "\n\n");
  AppendMetrics(report, &text);
  if (!report.curve_file.empty()) {
    absl::StrAppend(&text, "![Learning curve](", report.curve_file, ")\n\n");
  }
  AppendWorstClasses(report, &text);
  AppendData(report, &text);
  AppendTime(report, &text);
  AppendConfig(report, &text);
  return text;
}

std::string ReportJson(const RunReport& report) {
  ordered_json json = {{"model_name", report.model_name}};
  if (report.untrained.has_value()) {
    json["untrained"] = JsonOf(*report.untrained);
  }
  if (report.trained.has_value()) {
    json["trained"] = JsonOf(*report.trained);
  }
  if (report.best.has_value()) {
    json["best"] = {{"epoch", report.best->epoch},
                    {"step", report.best->step},
                    {HasTriplets(report) ? "triplet_accuracy" : "recall_at_1", report.best->quality}};
  }
  if (report.trained.has_value() && !HasTriplets(report)) {
    json["classes"] = ClassesJson(report);
  }
  json["data"] = {{"digest", report.data_digest},
                  {"train", JsonOf(report.train, HasTriplets(report))},
                  {"test", JsonOf(report.test, HasTriplets(report))}};
  json["time"] = {{"device", report.device},
                  {"epochs", report.epochs},
                  {"steps", report.steps},
                  {"images", report.images},
                  {"train_seconds", report.train_seconds},
                  {"total_seconds", report.total_seconds},
                  {"images_per_second", ImagesPerSecond(report)}};
  json["curve_file"] = report.curve_file;
  json["config"] = report.config;
  // Class names may be invalid UTF-8.
  return json.dump(1, ' ', /*ensure_ascii=*/false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace semblance::trainer
