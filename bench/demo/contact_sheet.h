// A picture of queries and their neighbours: a row per query, the query first, then its neighbours, framed green where the label is
// the query's and red where it is not.
#ifndef SEMBLANCE_BENCH_DEMO_CONTACT_SHEET_H_
#define SEMBLANCE_BENCH_DEMO_CONTACT_SHEET_H_

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace semblance::bench {

struct ContactCell {
  // The encoded image.
  std::string image;
  std::string caption;
  bool right = true;
};

struct ContactRow {
  ContactCell query;
  std::vector<ContactCell> neighbors;
};

// Writes a PNG to `path`. Errors: InvalidArgument (an image that does not decode, no rows); Unavailable (cannot write).
absl::Status WriteContactSheet(const std::string& path, const std::vector<ContactRow>& rows);

}  // namespace semblance::bench

#endif  // SEMBLANCE_BENCH_DEMO_CONTACT_SHEET_H_
