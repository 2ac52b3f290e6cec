#pragma once
// Images as a person reads them, and as JSON.

#include "base/json.h"
#include "cli/style.h"
#include "upgrade/image/building.h"
#include "upgrade/image/packages.h"

namespace belay::cli {

Json image_json(const upgrade::image::Manifest& manifest);
Json entries_json(const upgrade::image::Listing& listing);

/// What an image says of itself, a line each.
std::string image_text(const Style& style, const upgrade::image::Manifest& manifest);
/// Its files, a line each, as ls(1) has them.
std::string entries_text(const Style& style, const upgrade::image::Listing& listing);

/// What an image is called where its signature was looked at: "signed by release.pem".
std::string signer_text(const Style& style, const std::string& signer, bool is_signed);

/// A version of the library, as a list has it.
struct ImageLine {
    upgrade::image::SummaryLine line;
    Bytes size;
};
Json library_json(const std::vector<ImageLine>& lines, const std::vector<Error>& problems,
                  const std::vector<std::string>& leftovers);
/// ImageSummary: every version on every host, what runs, and the upgrade that is on its way.
std::string images_text(const Style& style, const Json& answer);
/// ImageRemoveInactive and ImageClear, host by host.
std::string tidy_text(const Style& style, const Json& answer, bool dry_run);

std::string library_text(const Style& style, const std::vector<ImageLine>& lines,
                         const std::vector<Error>& problems, const std::vector<std::string>& leftovers);

}  // namespace belay::cli
