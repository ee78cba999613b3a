#include "cli/text/compare_page.h"

#include "absl/strings/escaping.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cli/generation_messages.h"

namespace semblance::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kJpeg[] = "\xFF\xD8\xFF jpeg";

size_t CountOf(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

ComparedNeighbor Neighbor(const std::string& id, const std::string& label) {
  ComparedNeighbor neighbor;
  neighbor.item_id = id;
  neighbor.score = 0.5F;
  neighbor.label = label;
  return neighbor;
}

// There is one item query. Its neighbors are a (in both answers), b and c.
Comparison SomeComparison() {
  Comparison comparison;
  comparison.generations = {testing::MakeGeneration("gen-000001", v1::GENERATION_STATE_ACTIVE),
                            testing::MakeGeneration("gen-000002", v1::GENERATION_STATE_READY)};
  comparison.top_k = 2;
  ComparedQuery& query = comparison.queries.emplace_back();
  query.name = "q";
  query.label = "shoe";
  query.answers[0].neighbors = {Neighbor("a", "shoe"), Neighbor("b", "boot")};
  query.answers[1].neighbors = {Neighbor("c", "shoe"), Neighbor("a", "shoe")};
  comparison.images = {{"q", kJpeg}, {"a", kJpeg + std::string("a")}};
  Score(comparison);
  return comparison;
}

TEST(EscapeHtmlTest, LeavesNothingThatEndsAText) {
  EXPECT_EQ(EscapeHtml("<b a=\"1\" c='2'>&amp;"), "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;amp;");
  EXPECT_EQ(EscapeHtml("a\nb\x01\x7F"), "a b  ");
  EXPECT_EQ(EscapeHtml("Schuhgr\xC3\xB6\xC3\x9F"
                       "e"),
            "Schuhgr\xC3\xB6\xC3\x9F"
            "e");
  EXPECT_EQ(EscapeHtml("caf\xE9<"), "caf?&lt;");
}

TEST(ComparePageTest, ShowsTheNumbers) {
  const std::string page = ComparisonPage(SomeComparison());
  EXPECT_THAT(page, HasSubstr("<strong>Mean overlap@2: 0.50</strong> over 1 queries"));
  EXPECT_THAT(page, HasSubstr("<tr><th>gen-000001</th><td>shoes/1</td><td>active</td><td class=\"n\">0.50</td></tr>"));
  EXPECT_THAT(page, HasSubstr("<tr><th>gen-000002</th><td>shoes/2</td><td>ready</td><td class=\"n\">1.00</td></tr>"));
  EXPECT_THAT(page, HasSubstr("overlap@2 0.50"));
}

TEST(ComparePageTest, MarksTheNeighbors) {
  const std::string page = ComparisonPage(SomeComparison());
  // In this case a (in both answers) and c have the query's label. Each of b and c is in one answer.
  EXPECT_EQ(CountOf(page, "<li class=\"both same\">"), 2);
  EXPECT_EQ(CountOf(page, "<li class=\"only same\">"), 1);
  EXPECT_EQ(CountOf(page, "<li class=\"only\">"), 1);
}

TEST(ComparePageTest, HoldsEveryImageOnce) {
  const std::string page = ComparisonPage(SomeComparison());
  EXPECT_EQ(CountOf(page, "data:image/jpeg;base64," + absl::Base64Escape(kJpeg + std::string("a"))), 1);
  EXPECT_EQ(CountOf(page, "data:image/"), 2);
  EXPECT_EQ(CountOf(page, "aria-label=\"a\""), 2);
  // In this case b and c have no label.
  EXPECT_EQ(CountOf(page, "no image"), 2);
}

TEST(ComparePageTest, ShowsAFileThatWasTheQuery) {
  Comparison comparison = SomeComparison();
  comparison.queries[0].name = "photos/new.png";
  comparison.queries[0].image = "\x89PNG\r\n\x1A\n...";
  const std::string page = ComparisonPage(comparison);
  EXPECT_THAT(page, HasSubstr("data:image/png;base64," + absl::Base64Escape("\x89PNG\r\n\x1A\n...")));
  EXPECT_THAT(page, HasSubstr("<h2>photos/new.png</h2>"));
}

TEST(ComparePageTest, BytesThatAreNoImageStayOutside) {
  Comparison comparison = SomeComparison();
  comparison.images = {{"a", "<svg onload=alert(1)>"}, {"b", "GIF89a"}, {"c", "RIFF1234WEBP"}, {"q", "RIFF1234WAVE"}};
  const std::string page = ComparisonPage(comparison);
  EXPECT_EQ(CountOf(page, "data:image/"), 2);
  EXPECT_THAT(page, HasSubstr("data:image/webp;base64,"));
  EXPECT_THAT(page, HasSubstr("data:image/gif;base64,"));
}

TEST(ComparePageTest, TextFromOutsideIsEscapedEverywhere) {
  const std::string evil = "\"><script>alert('x')</script><b class='";
  Comparison comparison = SomeComparison();
  comparison.images = {{evil, kJpeg}};
  for (v1::Generation& generation : comparison.generations) {
    generation.set_id(evil);
    generation.set_model(evil);
  }
  comparison.left_out = {evil};
  ComparedQuery& query = comparison.queries[0];
  query.name = evil;
  query.label = evil;
  for (ComparedAnswer& answer : query.answers) {
    for (ComparedNeighbor& neighbor : answer.neighbors) {
      neighbor.item_id = evil;
      neighbor.label = evil;
    }
  }
  const std::string page = ComparisonPage(comparison);
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("<b ")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"));
}

TEST(ComparePageTest, AsksForNothingFromOutside) {
  const std::string page = ComparisonPage(SomeComparison());
  EXPECT_THAT(page, HasSubstr("content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\""));
  for (const char* part : {"http:", "https:", "src=", "<link", "@import", "<script"}) {
    EXPECT_THAT(page, Not(HasSubstr(part)));
  }
}

TEST(ComparePageTest, SaysWhatIsLeftOut) {
  Comparison comparison = SomeComparison();
  comparison.images_without_room = 3;
  comparison.left_out = {"x.jpg: not an image"};
  const std::string page = ComparisonPage(comparison);
  EXPECT_THAT(page, HasSubstr("3 images are left out"));
  EXPECT_THAT(page, HasSubstr("Not asked: x.jpg: not an image"));
}

}  // namespace
}  // namespace semblance::cli
