#include "storage/mounts.h"

#include "storage/listing.h"
#include "storage/probe.h"

namespace belay::storage {
namespace {

Result<std::vector<ListedMount>> findmnt(host::Host& host)
{
    const host::Outcome outcome = TRY(host::run_checked(
        host, {.argv = {"findmnt", "--kernel", "--list", "--json", "--output", findmnt_columns}}));
    return parse_findmnt(outcome.out);
}

/// Swap areas in use: /proc/swaps has a heading, then a line each that begins with the device.
Result<std::vector<Mount>> read_swaps(host::Host& host)
{
    std::vector<Mount> swaps;
    const Result<std::string> read = host.read("/proc/swaps");
    if (!read && read.error().kind == ErrorKind::not_found) return swaps;
    const std::string text = TRY(Result<std::string>(read));
    size_t line = text.find('\n');
    while (line != std::string::npos && line + 1 < text.size()) {
        const std::string path = text.substr(line + 1, text.find_first_of(" \t\n", line + 1) - line - 1);
        if (path.starts_with("/dev/")) swaps.push_back({TRY(device_at(host, path)), "[SWAP]", "swap", ""});
        line = text.find('\n', line + 1);
    }
    return swaps;
}

}  // namespace

Result<std::vector<Mount>> read_mounts(host::Host& host)
{
    std::vector<Mount> mounts;
    for (const ListedMount& listed : TRY(findmnt(host))) {
        if (listed.numbers.empty() || listed.numbers.starts_with("0:")) continue;  // no block device
        const std::optional<std::string> device =
            TRY(device_if_there(host, "/sys/dev/block/" + listed.numbers));
        if (device) mounts.push_back({*device, listed.path, listed.type, listed.options});
    }
    for (Mount& swap : TRY(read_swaps(host))) mounts.push_back(std::move(swap));
    return mounts;
}

Result<std::optional<std::string>> mounted_on(host::Host& host, std::string_view folder)
{
    std::optional<std::string> device;
    // The last of those that are mounted over each other is the one that is seen.
    for (const ListedMount& mount : TRY(findmnt(host))) {
        if (mount.path != folder) continue;
        device = TRY(device_if_there(host, "/sys/dev/block/" + mount.numbers)).value_or(mount.numbers);
    }
    return device;
}

}  // namespace belay::storage
