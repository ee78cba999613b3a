#include "cli/text/compare_page.h"

#include <cmath>
#include <cstddef>
#include <map>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/text/compare_page_style.h"
#include "cli/text/generation_text.h"
#include "common/text_proto.h"

namespace semblance::cli {
namespace {

// The marks are words, because not everybody can tell the colors apart.
constexpr char kSameLabel[] = "<span class=\"mark s\">&#10003; same label</span> ";
constexpr char kInBoth[] = "<span class=\"mark\">= in both</span> ";
constexpr char kOnlyHere[] = "<span class=\"mark o\">&#9679; only here</span> ";

// Returns an empty text when the bytes are not an image of a kind that browsers show.
absl::string_view MediaTypeOf(absl::string_view image) {
  if (absl::StartsWith(image, "\xFF\xD8\xFF")) {
    return "image/jpeg";
  }
  if (absl::StartsWith(image, "\x89PNG\r\n\x1A\n")) {
    return "image/png";
  }
  if (absl::StartsWith(image, "RIFF") && image.size() >= 12 && image.substr(8, 4) == "WEBP") {
    return "image/webp";
  }
  if (absl::StartsWith(image, "GIF8")) {
    return "image/gif";
  }
  if (absl::StartsWith(image, "BM")) {
    return "image/bmp";
  }
  return "";
}

std::string Share(std::optional<double> share) {
  return share.has_value() ? absl::StrFormat("%.2f", *share) : "-";
}

class Page {
 public:
  explicit Page(const Comparison* comparison) : comparison_(*comparison) {
    for (const auto& [id, image] : comparison_.images) {
      AddImage(image, &item_classes_[id]);
    }
  }

  std::string Draw() {
    for (const ComparedQuery& query : comparison_.queries) {
      AddRow(query);
    }
    const std::string title = absl::StrCat(IdOf(0), " and ", IdOf(1), " side by side");
    // The policy comes first, because it holds only for what follows it.
    return absl::StrCat(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
        title, "</title>\n<style>\n", kComparePageStyle, image_rules_, "</style>\n</head>\n<body>\n<header>\n<h1>", title,
        "</h1>\n", Summary(), "</header>\n<main>\n", rows_, "</main>\n</body>\n</html>\n");
  }

 private:
  std::string IdOf(size_t side) const { return EscapeHtml(comparison_.generations[side].id()); }

  // Sets the class that shows the image. It stays empty when the bytes are not an image.
  void AddImage(absl::string_view image, std::string* css_class) {
    const absl::string_view media_type = MediaTypeOf(image);
    if (media_type.empty()) {
      return;
    }
    *css_class = absl::StrCat("i", image_count_++);
    absl::StrAppend(&image_rules_, ".", *css_class, "{background-image:url(\"data:", media_type, ";base64,",
                    absl::Base64Escape(image), "\")}\n");
  }

  std::string Summary() const {
    std::string text = "<div class=\"scroll\"><table>\n<tr><th>generation</th><th>model</th><th>state</th><th>label precision@";
    absl::StrAppend(&text, comparison_.top_k, "</th></tr>\n");
    for (size_t side = 0; side < 2; ++side) {
      const v1::Generation& generation = comparison_.generations[side];
      absl::StrAppend(&text, "<tr><th>", IdOf(side), "</th><td>", EscapeHtml(ModelName(generation)), "</td><td>",
                      StateName(generation.state()), "</td><td class=\"n\">", Share(comparison_.mean_label_precision[side]),
                      "</td></tr>\n");
    }
    absl::StrAppend(&text, "</table></div>\n<p><strong>Mean overlap@", comparison_.top_k, ": ", Share(comparison_.mean_overlap),
                    "</strong> over ", comparison_.queries.size(), " queries, those with the biggest differences first.</p>\n",
                    "<p class=\"dim\">", kSameLabel, "as the query. ", kInBoth,
                    "also among the neighbors in the other generation. ", kOnlyHere, "not among them.</p>\n");
    if (comparison_.images_without_room > 0) {
      absl::StrAppend(&text, "<p class=\"dim\">", comparison_.images_without_room,
                      " images are left out: the page would be too large.</p>\n");
    }
    for (const std::string& left_out : comparison_.left_out) {
      absl::StrAppend(&text, "<p class=\"dim\">Not asked: ", EscapeHtml(left_out), "</p>\n");
    }
    return text;
  }

  void AddRow(const ComparedQuery& query) {
    std::string css_class = query.is_item() ? ClassOf(query.name) : "";
    if (!query.is_item()) {
      AddImage(query.image, &css_class);
    }
    absl::StrAppend(&rows_, "<section class=\"row\">\n<div class=\"query\">", Image(css_class, query.name), "<div><h2>",
                    EscapeHtml(query.name), "</h2>");
    if (query.label.has_value()) {
      absl::StrAppend(&rows_, "<div>", EscapeHtml(*query.label), "</div>");
    }
    absl::StrAppend(&rows_, "<div class=\"dim\">overlap@", comparison_.top_k, " ", Share(query.overlap), "</div></div></div>\n");
    for (size_t side = 0; side < 2; ++side) {
      AddAnswer(query.answers[side], IdOf(side));
    }
    absl::StrAppend(&rows_, "</section>\n");
  }

  void AddAnswer(const ComparedAnswer& answer, const std::string& generation) {
    absl::StrAppend(&rows_, "<div><h3>", generation, "</h3><div class=\"dim\">label precision ", Share(answer.label_precision),
                    "</div>\n<ol class=\"grid\">\n");
    int rank = 0;
    for (const ComparedNeighbor& neighbor : answer.neighbors) {
      AddNeighbor(++rank, neighbor);
    }
    absl::StrAppend(&rows_, "</ol></div>\n");
  }

  void AddNeighbor(int rank, const ComparedNeighbor& neighbor) {
    absl::StrAppend(&rows_, "<li class=\"", neighbor.in_both ? "both" : "only", neighbor.same_label ? " same" : "", "\">",
                    Image(ClassOf(neighbor.item_id), neighbor.item_id), "<div>", neighbor.same_label ? kSameLabel : "",
                    neighbor.in_both ? kInBoth : kOnlyHere, "</div><div>", rank, ". ", EscapeHtml(neighbor.item_id));
    absl::StrAppend(&rows_, "</div><div class=\"dim\">",
                    neighbor.label.has_value() ? absl::StrCat(EscapeHtml(*neighbor.label), ", ") : "",
                    absl::StrFormat("%.4f", neighbor.score), "</div></li>\n");
  }

  std::string ClassOf(const std::string& item_id) const {
    const auto found = item_classes_.find(item_id);
    return found == item_classes_.end() ? "" : found->second;
  }

  static std::string Image(const std::string& css_class, const std::string& name) {
    if (css_class.empty()) {
      return "<div class=\"image\">no image</div>";
    }
    return absl::StrCat("<div class=\"image ", css_class, "\" role=\"img\" aria-label=\"", EscapeHtml(name), "\"></div>");
  }

  const Comparison& comparison_;
  // The classes that show the images of items. A class is empty when the bytes are not an image.
  std::map<std::string, std::string> item_classes_;
  int image_count_ = 0;
  std::string image_rules_;
  std::string rows_;
};

}  // namespace

std::string EscapeHtml(absl::string_view text) {
  const bool is_utf8 = IsUtf8(text);
  std::string escaped;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += absl::ascii_iscntrl(byte) ? ' ' : (byte >= 0x80 && !is_utf8) ? '?' : c;
    }
  }
  return escaped;
}

std::string ComparisonPage(const Comparison& comparison) {
  return Page(&comparison).Draw();
}

}  // namespace semblance::cli
