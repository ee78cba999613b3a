// Reads zip archives whose records are not compressed, as torch.save writes them. Private to the library; callers use pth.h.
//
// Thread-safe: a function without state.
//
// Errors: DataLoss for an archive that is cut short, contradicts itself or exceeds 4 GiB, and for a record that is compressed or
// does not match its checksum.
#ifndef SEMBLANCE_EMBEDDER_BUNDLE_ZIP_ARCHIVE_H_
#define SEMBLANCE_EMBEDDER_BUNDLE_ZIP_ARCHIVE_H_

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace semblance::embedder {

// Returns the records by name, as views of `bytes`.
absl::StatusOr<std::map<std::string, absl::string_view>> ReadStoredZip(absl::string_view bytes);

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_BUNDLE_ZIP_ARCHIVE_H_
