#include "bench/demo/contact_sheet.h"

#include <algorithm>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "common/status_macros.h"
#include "embedder/image/decode.h"

namespace semblance::bench {
namespace {

constexpr int kPicture = 96;
constexpr int kFrame = 4;
constexpr int kCaption = 18;
constexpr int kGap = 6;
constexpr int kCellWidth = kPicture + 2 * kFrame + kGap;
constexpr int kCellHeight = kPicture + 2 * kFrame + kCaption + kGap;
// The gap between the query and its neighbors.
constexpr int kQueryGap = 16;
constexpr size_t kMaxCaption = 16;

// The order of the channels is blue, green, red.
const cv::Scalar kBackground(255, 255, 255);
const cv::Scalar kText(40, 40, 40);
const cv::Scalar kQueryColor(160, 110, 60);
const cv::Scalar kRightColor(80, 160, 60);
const cv::Scalar kWrongColor(50, 50, 210);

absl::Status DrawCell(cv::Mat& sheet, int x, int y, const ContactCell& cell, const cv::Scalar& color) {
  SEMBLANCE_ASSIGN_OR_RETURN(embedder::Image image, embedder::DecodeImage(cell.image, embedder::DecodeLimits(), 3, kPicture));
  const cv::Mat rgb(image.height, image.width, CV_8UC3, image.pixels.data());
  cv::Mat bgr;
  cv::cvtColor(rgb, bgr, cv::COLOR_RGB2BGR);
  const double scale = static_cast<double>(kPicture) / std::max(image.width, image.height);
  const cv::Size size(std::max(1, cvRound(image.width * scale)), std::max(1, cvRound(image.height * scale)));
  cv::resize(bgr, bgr, size, 0, 0, scale < 1 ? cv::INTER_AREA : cv::INTER_LINEAR);
  cv::rectangle(sheet, cv::Rect(x, y, kPicture + 2 * kFrame, kPicture + 2 * kFrame), color, cv::FILLED);
  cv::Mat inside = sheet(cv::Rect(x + kFrame, y + kFrame, kPicture, kPicture));
  inside.setTo(kBackground);
  bgr.copyTo(inside(cv::Rect((kPicture - size.width) / 2, (kPicture - size.height) / 2, size.width, size.height)));
  cv::putText(sheet, cell.caption.substr(0, kMaxCaption), cv::Point(x + 2, y + kPicture + 2 * kFrame + 12),
              cv::FONT_HERSHEY_SIMPLEX, 0.38, kText, 1, cv::LINE_AA);
  return absl::OkStatus();
}

}  // namespace

absl::Status WriteContactSheet(const std::string& path, const std::vector<ContactRow>& rows) {
  size_t columns = 0;
  for (const ContactRow& row : rows) {
    columns = std::max(columns, row.neighbors.size());
  }
  if (rows.empty()) {
    return absl::InvalidArgumentError("a contact sheet needs at least one row");
  }
  const int width = kGap + kCellWidth + kQueryGap + static_cast<int>(columns) * kCellWidth;
  cv::Mat sheet(kGap + static_cast<int>(rows.size()) * kCellHeight, width, CV_8UC3, kBackground);
  int y = kGap;
  for (const ContactRow& row : rows) {
    SEMBLANCE_RETURN_IF_ERROR(DrawCell(sheet, kGap, y, row.query, kQueryColor));
    int x = kGap + kCellWidth + kQueryGap;
    for (const ContactCell& cell : row.neighbors) {
      SEMBLANCE_RETURN_IF_ERROR(DrawCell(sheet, x, y, cell, cell.right ? kRightColor : kWrongColor));
      x += kCellWidth;
    }
    y += kCellHeight;
  }
  std::vector<uint8_t> png;
  cv::imencode(".png", sheet, png);
  return WriteFileAtomically(path, absl::string_view(reinterpret_cast<const char*>(png.data()), png.size()));
}

}  // namespace semblance::bench
