#include "cli/text/generation_text.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "cli/text/format.h"
#include "cli/text/table.h"

namespace semblance::cli {
namespace {

std::string Share(double share) {
  return absl::StrFormat("%.4f", share);
}

// Returns text such as "embedding 45%".
std::string StateWithProgress(const v1::Generation& generation) {
  const v1::GenerationProgress& progress = generation.progress();
  if (!generation.has_progress() || progress.total() <= 0) {
    return StateName(generation.state());
  }
  return absl::StrFormat("%s %d%%", StateName(generation.state()), 100 * progress.done() / progress.total());
}

std::string ProgressText(const v1::GenerationProgress& progress) {
  std::string text = absl::StrCat(progress.done());
  if (progress.total() > 0) {
    absl::StrAppend(&text, " of ", progress.total());
  }
  absl::StrAppend(&text, " ", progress.unit());
  if (progress.has_time_left()) {
    absl::StrAppend(&text, ", ", FormatDuration(progress.time_left()), " left");
  }
  return text;
}

std::string TrafficText(const v1::GenerationTraffic& traffic) {
  std::string text =
      absl::StrFormat("canary %.4g (%d answered), shadow %.4g (%d compared, %d left out)", traffic.canary_share(),
                      traffic.canary_count(), traffic.shadow_share(), traffic.shadow_count(), traffic.shadow_dropped_count());
  if (traffic.shadow_count() > 0) {
    absl::StrAppend(&text, ", overlap ", Share(traffic.shadow_overlap()));
  }
  return text;
}

std::string GatesText(const v1::GenerationGates& gates) {
  std::vector<std::string> parts;
  if (gates.has_min_index_recall()) {
    parts.push_back(absl::StrFormat("index recall at least %.4g", gates.min_index_recall()));
  }
  if (gates.has_label_recall_tolerance()) {
    parts.push_back(absl::StrFormat("label recall at most %.4g below the active one's", gates.label_recall_tolerance()));
  }
  if (gates.sample_size() > 0) {
    parts.push_back(absl::StrCat("samples of ", gates.sample_size()));
  }
  return absl::StrJoin(parts, ", ");
}

void AddEvaluationRows(const v1::GenerationEvaluation& evaluation, Table& table) {
  table.AddRow({"items found", absl::StrCat(evaluation.item_count(), " of ", evaluation.expected_item_count(), " at sequence ",
                                            evaluation.sequence())});
  table.AddRow({"index recall@10", absl::StrCat(Share(evaluation.index_recall()), " of the exact neighbors")});
  if (evaluation.has_label_recall()) {
    table.AddRow({"label recall@1", absl::StrCat(Share(evaluation.label_recall()),
                                                 evaluation.has_active_label_recall()
                                                     ? absl::StrCat(" (active: ", Share(evaluation.active_label_recall()), ")")
                                                     : "",
                                                 " over ", evaluation.label_query_count(), " items that trained neither")});
  }
  table.AddRow({"one image takes", FormatDuration(evaluation.warm_latency())});
  table.AddRow({"evaluated", FormatTimestamp(evaluation.evaluate_time())});
  table.AddRow({"gates", evaluation.failures().empty() ? "passed" : "failed"});
  for (const std::string& failure : evaluation.failures()) {
    table.AddRow({"", failure});
  }
}

}  // namespace

std::string StateName(v1::GenerationState state) {
  const std::string& name = v1::GenerationState_Name(state);
  return name.empty() ? absl::StrCat("state ", static_cast<int>(state)) : FormatEnum(name, "GENERATION_STATE_");
}

std::string ModelName(const v1::Generation& generation) {
  return generation.model_version() > 0 ? absl::StrCat(generation.model(), "/", generation.model_version()) : generation.model();
}

void PrintGenerations(const v1::ListGenerationsResponse& response, std::ostream& out) {
  Table table({"generation", "state", "model", "items", "lag", "memory", "index recall", "label recall", "since"});
  for (const v1::Generation& generation : response.generations()) {
    const v1::GenerationEvaluation& evaluation = generation.evaluation();
    table.AddRow({generation.id(), StateWithProgress(generation), ModelName(generation), absl::StrCat(generation.item_count()),
                  absl::StrCat(generation.lag()), FormatBytes(generation.memory_bytes()),
                  generation.has_evaluation() ? Share(evaluation.index_recall()) : "-",
                  evaluation.has_label_recall() ? Share(evaluation.label_recall()) : "-",
                  FormatTimestamp(generation.state_time())});
  }
  out << table;
  if (!response.previous().empty()) {
    out << "\nA rollback would activate " << response.previous() << "\n";
  }
}

void PrintGeneration(const v1::Generation& generation, std::ostream& out) {
  Table table({});
  table.AddRow({"generation", generation.id()});
  table.AddRow({"state", StateWithProgress(generation)});
  table.AddRow({"because", generation.state_reason()});
  table.AddRow({"since", FormatTimestamp(generation.state_time())});
  if (generation.has_progress()) {
    table.AddRow({"progress", ProgressText(generation.progress())});
  }
  table.AddRow({"model", ModelName(generation)});
  table.AddRow({"embedding space", generation.embedding_space_id()});
  table.AddRow({"dimension", absl::StrCat(generation.dimension(), " components")});
  table.AddRow({"index", generation.index_factory().empty() ? "as the server is configured" : generation.index_factory()});
  table.AddRow({"must hold", GatesText(generation.gates())});
  table.AddRow({"when ready", generation.activation_policy() == v1::ACTIVATION_POLICY_UNSPECIFIED
                                  ? "manual"
                                  : FormatEnum(v1::ActivationPolicy_Name(generation.activation_policy()), "ACTIVATION_POLICY_")});
  table.AddRow({"created", FormatTimestamp(generation.create_time())});
  table.AddRow({"items", absl::StrCat(generation.item_count(), " at sequence ", generation.applied_sequence(), ", ",
                                      generation.lag(), " writes behind")});
  table.AddRow({"memory", FormatBytes(generation.memory_bytes())});
  if (generation.has_traffic()) {
    table.AddRow({"traffic", TrafficText(generation.traffic())});
  }
  if (generation.has_evaluation()) {
    AddEvaluationRows(generation.evaluation(), table);
  }
  out << table;
}

void PrintEvaluation(const v1::GenerationEvaluation& evaluation, std::ostream& out) {
  Table table({});
  AddEvaluationRows(evaluation, table);
  out << table;
}

}  // namespace semblance::cli
