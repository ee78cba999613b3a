// A table of text in aligned columns. Not thread-safe.
//
//   Table table({"item", "score"});
//   table.AddRow({"shoes/1.jpg", "0.9912"});
//   out << table;
#ifndef SEMBLANCE_CLI_TEXT_TABLE_H_
#define SEMBLANCE_CLI_TEXT_TABLE_H_

#include <ostream>
#include <string>
#include <vector>

namespace semblance::cli {

class Table {
 public:
  // With an empty header, none is printed.
  explicit Table(std::vector<std::string> header) : header_(std::move(header)) {}

  // A column whose cells are all numbers is aligned to the right.
  void AddRow(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

  friend std::ostream& operator<<(std::ostream& out, const Table& table);

 private:
  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace semblance::cli

#endif  // SEMBLANCE_CLI_TEXT_TABLE_H_
