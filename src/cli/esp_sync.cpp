#include "cli/esp_sync.h"

#include "base/json.h"
#include "cli/fields.h"
#include "host/descriptor.h"
#include "host/real.h"
#include "storage/esp_sync.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>

namespace belay::cli {
namespace {

constexpr const char* lock_path = "/run/lock/belay-esp-sync";

/// Hooks of several packages, and a person, may come at the same time: one after the other.
Result<host::Descriptor> take_turn()
{
    host::Descriptor file(::open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) return std::unexpected(system_error(fmt::format("open {}", lock_path), errno));
    while (::flock(file.number(), LOCK_EX) != 0) {
        if (errno != EINTR) return std::unexpected(system_error(fmt::format("lock {}", lock_path), errno));
    }
    return file;
}

std::string line_of(const Style& style, const Json& copy, bool dry_run)
{
    const std::string state = raw_text(copy, "state"), target = text_of(style, copy, "target");
    if (state == "alike") return fmt::format("{} is up to date\n", target);
    if (state == "missing")
        return fmt::format("{} is missing: {} is not there\n", target, text_of(style, copy, "spec"));
    if (state == "failed")
        return fmt::format("{} is not up to date: {}\n", target, text_of(style, copy, "problem"));
    std::string text = fmt::format("{} {}\n", target, dry_run ? "is not up to date" : "is up to date again");
    for (const std::string& change : texts_of(style, copy, "changes")) text += fmt::format("  {}\n", change);
    return text;
}

}  // namespace

std::string esp_sync_text(const Style& style, const Json& report, bool dry_run)
{
    const Json& copies = list_of(report, "copies");
    if (copies.empty()) return "this host has no copy of its EFI system partition\n";
    std::string text;
    bool stale = false;
    for (const Json& copy : copies) {
        text += line_of(style, copy, dry_run);
        stale = stale || raw_text(copy, "state") == "updated";
    }
    if (dry_run && stale) text += "  next: belay storage esp-sync\n";
    return text;
}

Result<int> esp_sync(const Invocation& asked, Console& console, const Style& style)
{
    using namespace storage::esp;
    const host::Descriptor turn = TRY(take_turn());
    const std::unique_ptr<host::Host> host = host::real_host();
    const SyncReport report = TRY(sync_copies(*host, asked.dry_run ? SyncMode::look : SyncMode::write));
    const Json json = json_of(report);
    console.out(asked.json ? json_text(json) + '\n' : esp_sync_text(style, json, asked.dry_run));
    const bool stale = std::ranges::any_of(
        report.copies, [](const SyncedCopy& copy) { return copy.state == SyncedCopy::State::updated; });
    return report.whole() && !(asked.dry_run && stale) ? 0 : 1;
}

}  // namespace belay::cli
