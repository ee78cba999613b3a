// The records of a zip archive whose records are stored, not compressed, as torch.save writes it. Private to the library: callers
// want pth.h.
//
// Thread-safe: a function without state.
//
// Errors: DataLoss for an archive that is cut short or contradicts itself, a compressed record, one whose checksum does not match,
// or more than 4 GiB.
#ifndef SEMBLANCE_EMBEDDER_BUNDLE_ZIP_ARCHIVE_H_
#define SEMBLANCE_EMBEDDER_BUNDLE_ZIP_ARCHIVE_H_

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace semblance::embedder {

// Views of `bytes` by name.
absl::StatusOr<std::map<std::string, absl::string_view>> ReadStoredZip(absl::string_view bytes);

}  // namespace semblance::embedder

#endif  // SEMBLANCE_EMBEDDER_BUNDLE_ZIP_ARCHIVE_H_
