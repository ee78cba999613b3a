#include "cli/text/table.h"

#include <algorithm>

#include "absl/strings/numbers.h"

namespace semblance::cli {
namespace {

// The columns that the text takes on a terminal. The number of its UTF-8 code points is near enough.
size_t WidthOf(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

bool IsNumber(const std::string& text) {
  double ignored = 0;
  return absl::SimpleAtod(text, &ignored);
}

struct Column {
  size_t width = 0;
  bool numeric = true;
};

void PrintRow(std::ostream& out, const std::vector<std::string>& cells, const std::vector<Column>& columns) {
  for (size_t i = 0; i < cells.size(); ++i) {
    const std::string padding(columns[i].width - WidthOf(cells[i]), ' ');
    const bool last = i + 1 == cells.size();
    if (columns[i].numeric) {
      out << padding << cells[i];
    } else {
      out << cells[i] << (last ? "" : padding);
    }
    out << (last ? "\n" : "  ");
  }
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Table& table) {
  std::vector<Column> columns(table.header_.size());
  for (const std::vector<std::string>& row : table.rows_) {
    columns.resize(std::max(columns.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) {
      columns[i].width = std::max(columns[i].width, WidthOf(row[i]));
      columns[i].numeric = columns[i].numeric && IsNumber(row[i]);
    }
  }
  for (size_t i = 0; i < table.header_.size(); ++i) {
    columns[i].width = std::max(columns[i].width, WidthOf(table.header_[i]));
  }
  if (!table.header_.empty()) {
    PrintRow(out, table.header_, columns);
  }
  for (const std::vector<std::string>& row : table.rows_) {
    PrintRow(out, row, columns);
  }
  return out;
}

}  // namespace semblance::cli
