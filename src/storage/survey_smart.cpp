// SMART: what each disk says of itself.

#include "storage/survey_parts.h"

#include <algorithm>
#include <array>

namespace belay::storage {
namespace {

/// All disks together; what is not reached until then is told as not looked at. A sound disk answers within
/// some 20 ms, a dying one may take the whole of its own limit.
constexpr Milliseconds longest_smart = std::chrono::seconds(60);
constexpr Milliseconds longest_smart_each = std::chrono::seconds(15);

/// Bits of smartctl's exit status. Source: smartctl(8), EXIT STATUS.
constexpr uint64_t not_understood = 1, not_opened = 2;

/// Disks that speak ATA, SCSI or NVMe; virtual ones (vda, zram0, nbd0, ubda) have no SMART to ask for.
bool may_have_smart(const Disk& disk)
{
    return std::ranges::any_of(std::array{"sd", "hd", "nvme"},
                               [&](const char* start) { return disk.name.starts_with(start); });
}

/// What smartctl said is wrong; without the name of the device in front, which is told beside it.
std::string message_of(const parse::Smart& smart)
{
    if (smart.messages.empty()) return "smartctl does not say why";
    const std::string& text = smart.messages.front().text;
    // "Device is in STANDBY mode, exit(2)"
    const size_t mode = text.find(" mode, exit(");
    if (mode != std::string::npos) return fmt::format("asleep, and not woken: {} mode", text.substr(0, mode));
    const size_t colon = text.find(": ");
    return text.starts_with("/dev/") && colon != std::string::npos ? text.substr(colon + 2) : text;
}

class Smarts {
  public:
    Smarts(host::Host& host, Survey& survey) : host_(host), survey_(survey) {}

    void look()
    {
        const std::optional<Milliseconds> begun = time();
        for (const Disk& disk : survey_.inventory.disks) {
            if (!may_have_smart(disk) || is_further_path(disk)) continue;
            const std::optional<Milliseconds> now = begun ? time() : std::nullopt;
            if (now && *now - *begun > longest_smart)
                left_out_[fmt::format("the disks before took more than {}", to_text(longest_smart))]
                    .push_back(disk.name);
            else if (!look_at(disk))
                break;
        }
        for (const auto& [why, disks] : left_out_)
            note_not_looked(survey_, fmt::format("SMART of {}", fmt::join(disks, ", ")), why);
    }

  private:
    std::optional<Milliseconds> time()
    {
        const Result<host::Moment> now = host_.now();
        return now ? std::optional(now->boot) : std::nullopt;
    }

    /// Several paths lead to one disk: it is asked once.
    bool is_further_path(const Disk& disk)
    {
        if (survey_.mapped.empty()) return false;
        for (const std::string& upper : survey_.inventory.on(disk.name)) {
            const auto mapped = survey_.mapped.find(upper);
            if (mapped != survey_.mapped.end() && mapped->second.uuid.starts_with("mpath-"))
                return !asked_.insert(upper).second;
        }
        return false;
    }

    /// False where there is no smartctl: the others need not be asked.
    bool look_at(const Disk& disk)
    {
        const Result<host::Outcome> outcome =
            host_.run({.argv = {"smartctl", "--json=c", "--info", "--health", "--attributes", "--log=error",
                                "--nocheck=standby", "/dev/" + disk.name},
                       .limit = longest_smart_each});
        if (!outcome && outcome.error().kind == ErrorKind::not_found) {
            note_missing(survey_, "SMART", outcome.error(), "smartmontools");
            return false;
        }
        if (outcome)
            understand(disk.name, outcome->out);
        else
            left_out_[outcome.error().what].push_back(disk.name);
        return true;
    }

    void understand(const std::string& disk, const std::string& text)
    {
        Result<parse::Smart> smart = parse::parse_smartctl(text);
        if (!smart) {
            left_out_[smart.error().what].push_back(disk);
            return;
        }
        const uint64_t status = smart->exit_status.value_or(0);
        if ((status & (not_understood | not_opened)) != 0)
            left_out_[message_of(*smart)].push_back(disk);
        else
            survey_.smart[disk] = *std::move(smart);
    }

    host::Host& host_;
    Survey& survey_;
    std::set<std::string> asked_;
    std::map<std::string, std::vector<std::string>> left_out_;
};

}  // namespace

void look_at_smart(host::Host& host, Survey& survey)
{
    Smarts(host, survey).look();
}

}  // namespace belay::storage
