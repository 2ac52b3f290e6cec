// What ATA disks have and do not show. Why it is asked, and of whom: docs/decisions/0016.

#include "storage/parse/hdparm.h"
#include "storage/parse/lines.h"
#include "storage/survey_parts.h"

namespace belay::storage {
namespace {

using parse::HdparmDco;
using parse::HdparmMax;

/// All disks together, as for SMART; a sound disk answers within some milliseconds.
constexpr Milliseconds longest_capacity = std::chrono::seconds(30);
constexpr Milliseconds longest_capacity_each = std::chrono::seconds(15);

/// What hdparm complained of; empty: of nothing.
std::string complaint_of(const host::Outcome& outcome)
{
    std::string_view text = outcome.err;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        const std::string problem = parse::hdparm_problem(line);
        if (!problem.empty()) return problem;
        text.remove_prefix(std::min(line.size() + 1, text.size()));
    }
    return {};
}

/// The disk itself has refused a command that it does not know: hdparm had an answer, and it was an error.
bool is_refusal(std::string_view complaint)
{
    return complaint.ends_with(" failed: Input/output error") || complaint.ends_with("(aborted command)");
}

class Capacities {
  public:
    Capacities(host::Host& host, Survey& survey) : host_(host), survey_(survey) {}

    void look()
    {
        const std::optional<Milliseconds> begun = time();
        for (const Disk& disk : survey_.inventory.disks) {
            if (!is_ata_and_awake(disk)) continue;
            const std::optional<Milliseconds> now = begun ? time() : std::nullopt;
            if (now && *now - *begun > longest_capacity)
                leave_out(disk, fmt::format("the disks before took more than {}", to_text(longest_capacity)));
            else if (!look_at(disk))
                break;
        }
        for (const auto& [why, disks] : left_out_)
            note_not_looked(survey_, fmt::format("HPA and DCO of {}", fmt::join(disks, ", ")), why);
    }

  private:
    std::optional<Milliseconds> time()
    {
        const Result<host::Moment> now = host_.now();
        return now ? std::optional(now->boot) : std::nullopt;
    }

    /// By SMART, which wakes no disk. Bridges of USB are left out: they make an answer up.
    bool is_ata_and_awake(const Disk& disk)
    {
        const auto smart = survey_.smart.find(disk.name);
        if (smart == survey_.smart.end() || smart->second.protocol != "ATA") return false;
        const Result<std::string> device = host_.resolve("/sys/block/" + disk.name);
        return device && device->find("/usb") == std::string::npos;
    }

    void leave_out(const Disk& disk, std::string why) { left_out_[std::move(why)].push_back(disk.name); }

    /// False where there is no hdparm: the others need not be asked.
    bool look_at(const Disk& disk)
    {
        // Never a word between -N and the device: a number there would be set.
        const auto max = ask(disk, {"hdparm", "-N", "/dev/" + disk.name});
        if (!max) return is_there_;
        const Result<HdparmMax> said = one_of(parse::parse_hdparm_max(max->out));
        const std::string complaint = complaint_of(*max);
        // It has neither feature, and so hides nothing.
        if (is_refusal(complaint)) return true;
        if (!said || !complaint.empty() || !is_believable(disk, *said)) {
            leave_out(disk, why_not(said, complaint));
            return true;
        }
        AtaCapacity capacity{.native = in_bytes(disk, *said->native),
                             .built = std::nullopt,
                             .by_accessible_max_address = said->by_accessible_max_address};
        // A disk with the newer feature has no DCO any more.
        if (!capacity.by_accessible_max_address) capacity.built = built_with(disk, capacity.native);
        survey_.ata_capacities[disk.name] = capacity;
        return is_there_;
    }

    std::optional<host::Outcome> ask(const Disk& disk, std::vector<std::string> argv)
    {
        Result<host::Outcome> outcome = host_.run({.argv = std::move(argv), .limit = longest_capacity_each});
        if (outcome) return *std::move(outcome);
        is_there_ = outcome.error().kind != ErrorKind::not_found;
        if (is_there_)
            leave_out(disk, outcome.error().what);
        else
            note_missing(survey_, "HPA and DCO", outcome.error(), "hdparm");
        return std::nullopt;
    }

    template <typename Disk>
    static Result<Disk> one_of(Result<std::vector<Disk>> disks)
    {
        if (!disks) return std::unexpected(disks.error());
        if (disks->size() != 1) return fail(ErrorKind::corrupt, "hdparm speaks of more than one disk");
        return disks->front();
    }

    static Bytes in_bytes(const Disk& disk, uint64_t sectors) { return {sectors * disk.logical_sector}; }

    /// The kernel and the disk must mean the same disk: adapters that pass no ATA commands on answer 0 or 1.
    static bool is_believable(const Disk& disk, const HdparmMax& said)
    {
        return said.problem.empty() && said.visible && said.native && said.is_limited &&
               in_bytes(disk, *said.visible) == disk.size && *said.native >= *said.visible &&
               *said.is_limited == (*said.native > *said.visible);
    }

    static std::string why_not(const Result<HdparmMax>& said, const std::string& complaint)
    {
        if (!complaint.empty()) return "hdparm: " + complaint;
        if (!said) return said.error().what;
        if (!said->problem.empty()) return "hdparm: " + said->problem;
        return "what hdparm says of its sectors does not fit its size";
    }

    /// Nothing where the disk does not tell, or tells nonsense: most have no DCO, and firmware locks it.
    std::optional<Bytes> built_with(const Disk& disk, Bytes native)
    {
        const auto dco = ask(disk, {"hdparm", "--dco-identify", "/dev/" + disk.name});
        if (!dco || !complaint_of(*dco).empty()) return std::nullopt;
        const Result<HdparmDco> said = one_of(parse::parse_hdparm_dco(dco->out));
        if (!said || said->checksum_correct != true || !said->real_max_sectors) return std::nullopt;
        const Bytes built = in_bytes(disk, *said->real_max_sectors);
        return built < native ? std::nullopt : std::optional(built);
    }

    host::Host& host_;
    Survey& survey_;
    bool is_there_ = true;
    std::map<std::string, std::vector<std::string>> left_out_;
};

}  // namespace

void look_at_ata_capacities(host::Host& host, Survey& survey)
{
    Capacities(host, survey).look();
}

}  // namespace belay::storage
