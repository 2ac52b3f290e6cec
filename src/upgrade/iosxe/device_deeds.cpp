#include "upgrade/iosxe/device_deeds.h"

#include "upgrade/iosxe/show/copy.h"
#include "upgrade/iosxe/show/install_outcome.h"
#include "upgrade/iosxe/show/verify.h"

#include <algorithm>

namespace belay::upgrade::iosxe {
namespace {

using namespace std::chrono_literals;
using show::PackageState;
using Work = Console::Work;

constexpr auto one_at_most = 1h;  ///< for what needs no reload
constexpr auto reloads_at_most = 3h;
constexpr auto fetched_at_most = 12h;
constexpr int most_refusals = 3;
constexpr int most_fetches = 6;          ///< looks at what a copy has left, and copies anew, together
constexpr int looks_behind_refusal = 6;  ///< so many paces later it is typed again

/// Until when something is tried.
class Until {
  public:
    Until(const Work& work, std::chrono::seconds span) : end_(work.now() + span) {}
    /// Waits for the next try. Errors: those of Work::pause(); timeout.
    Result<void> again(Work& work, const std::string& doing) const
    {
        if (work.now() >= end_)
            return fail(ErrorKind::timeout, fmt::format("{} did not come to its end", doing));
        return work.pause();
    }

  private:
    const Console::Clock::time_point end_;
};

/// Whether it may be otherwise at the next try: nobody could connect, or the line was lost.
bool may_pass(const Error& error)
{
    return error.kind == ErrorKind::unavailable || error.kind == ErrorKind::timeout ||
           error.kind == ErrorKind::corrupt || error.kind == ErrorKind::lost;
}

/// How the device stands; nothing: it cannot be asked now. Errors: it cannot be asked at all.
Result<std::optional<DeviceLook>> look_if_it_can(Work& work)
{
    Result<DeviceLook> look = work.look();
    if (look) return std::optional(*std::move(look));
    if (may_pass(look.error())) return std::optional<DeviceLook>();
    return std::unexpected(look.error());
}

/// Types a line whose end may be lost. True: it is to be tried again, for it was lost, or another operation
/// is on its way. Errors: what the device says, or why it cannot be typed at all.
Result<bool> type_or_wait(Work& work, const Line& line, std::string_view command)
{
    const Result<Answer> answer = work.type(line);
    if (!answer && may_pass(answer.error())) return true;
    if (!answer) return std::unexpected(answer.error());
    if (answer->lost) return true;
    const Result<void> said = said_of(*answer, command);
    if (said) return false;
    if (said.error().kind == ErrorKind::busy) return true;
    return std::unexpected(said.error());
}

std::string missing_on(const DeviceLook& look, const std::string& release)
{
    std::vector<std::string> names;
    for (const DeviceMember& member : look.members)
        if (!member.state_of(release)) names.push_back(look.name_of(member));
    if (look.members.size() < 2) names.emplace_back("the other member, which is not there");
    return fmt::format("{}", fmt::join(names, ", "));
}

bool both_know(const DeviceLook& look, const std::string& release)
{
    return look.members.size() == 2 && std::ranges::all_of(look.members, [&](const DeviceMember& member) {
               return member.state_of(release).has_value();
           });
}

std::string name_in_flash(const std::string& file)
{
    return file.substr(file.find(':') + 1);
}

Result<void> verify(Work& work, const DeviceImage& image)
{
    const Answer answer = TRY(work.type(line::verify(image.algorithm, image.to)));
    if (answer.lost)
        return fail(ErrorKind::unavailable, fmt::format("the line was lost while {} was verified", image.to));
    const show::Verification found = TRY(show::read_verify(answer.text));
    if (found.digest == image.digest) return {};
    return fail(ErrorKind::corrupt,
                fmt::format("{} has the {} {} on the device, and is to have {}", image.to, image.algorithm,
                            found.digest, image.digest),
                "the same once more; if it happens again: the network, or the flash of the device");
}

constexpr const char* clearing = "clear install state";

/// Waits until a file is for a minute what it is, or is not there for that long: a copy may go on whose line
/// was lost.
Result<DeviceLook> look_when_still(Work& work, const Until& until, const std::string& name)
{
    std::optional<uint64_t> before;
    for (int looks = 0;;) {
        const auto look = TRY(look_if_it_can(work));
        const show::DirEntry* const there = look ? look->flash.find(name) : nullptr;
        const auto size = there != nullptr ? std::optional(there->size.count) : std::nullopt;
        looks = look && size == before ? looks + 1 : 0;
        if (looks == looks_behind_refusal) return *look;
        if (size != before && there != nullptr) work.say(fmt::format("{} have come", to_text(there->size)));
        if (look) before = size;
        TRY(until.again(work, "a copy that goes on by itself"));
    }
}

/// What a copy came to by its own words. That it said nothing of its end is no error.
Result<void> said_of_copy(const Answer& answer, const DeviceImage& image)
{
    if (answer.text.find("% Invalid input") != std::string::npos)
        return fail(ErrorKind::usage, "the device does not know \"copy\" from an https:// URL",
                    "--image with a file on this machine, which SCP brings");
    const auto copied = show::read_copy(answer.text);
    if (!copied || copied->problem.empty()) return {};
    return fail(ErrorKind::refused,
                fmt::format("the device could not fetch {}: {}", image.url, copied->problem),
                fmt::format("open the URL from its network; on the device: show crypto pki certificates, "
                            "show ip route, dir flash:; docs/catalyst.md, \"By HTTPS\""));
}

/// Types `clear install state`; on releases that hide it, by `service internal`, which is taken away again.
Result<Answer> type_clear(Work& work)
{
    const std::vector<Answer> plain = TRY(work.type(std::vector{line::clear()}));
    const auto said = said_of(plain.back(), clearing);
    if (said || said.error().kind != ErrorKind::usage) return plain.back();
    std::vector<Line> lines = line::service_internal();
    const size_t place = lines.size();
    lines.push_back(line::clear());
    for (const Line& line : line::no_service_internal()) lines.push_back(line);
    const std::vector<Answer> answers = TRY(work.type(lines));
    if (answers.size() == lines.size()) return answers[place];
    return fail(ErrorKind::unavailable, "the line was lost while the install state was cleared",
                "show running-config | include service internal, and no service internal where it is there");
}

/// Errors: refused (it has not passed on both), corrupt (no such text).
Result<void> has_cleared_both(const std::string& text, const DeviceLook& look)
{
    const auto outcome = TRY(show::read_install_progress(text, clearing));
    std::vector<std::string> left;
    for (size_t i = 0; i < look.members.size(); ++i) {
        // Supervisors have numbers here, and letters elsewhere.
        const std::string number = fmt::format("{}", i + 1);
        const bool has_passed = std::ranges::any_of(outcome.tasks, [&](const show::InstallTask& task) {
            return std::ranges::any_of(task.passed, [&](const std::string& one) {
                return one == look.members[i].name || one == number;
            });
        });
        if (!has_passed) left.push_back(look.name_of(look.members[i]));
    }
    if (left.empty()) return {};
    return fail(ErrorKind::refused,
                fmt::format("\"clear install state\" has not reached {}", fmt::join(left, ", ")),
                fmt::format("on the console of {}: service internal; clear install state; then abort again",
                            fmt::join(left, ", ")));
}

Result<std::string> transcript_of(host::Host& host, const std::string& transcript)
{
    constexpr Bytes most{256 << 20};
    Result<std::string> kept = host.read(transcript, most);
    if (!kept && kept.error().kind == ErrorKind::not_found) return std::string();
    return kept;
}

/// Behind the prompt.
std::string as_typed(std::string_view line)
{
    return fmt::format("#{}\n", line);
}

/// What the last `clear install state` of a transcript has not reached; empty: both were, or none was typed.
std::string not_cleared(const std::string& kept, const DeviceLook& look)
{
    const std::string echo = as_typed(clearing);
    const size_t typed = kept.rfind(echo);
    if (typed == std::string::npos) return {};
    const size_t begin = kept.rfind('\n', typed) + 1;
    const std::string prompt = kept.substr(begin, typed + 1 - begin);
    const std::string answer = kept.substr(typed + echo.size());
    const Result<void> cleared = has_cleared_both(answer.substr(0, answer.find("\n" + prompt)), look);
    return cleared ? std::string() : cleared.error().what;
}

/// Whether a transcript ends with that turned on.
bool is_internal(const std::string& kept)
{
    const size_t on = kept.rfind(as_typed("service internal"));
    const size_t off = kept.rfind(as_typed("no service internal"));
    return on != std::string::npos && (off == std::string::npos || off < on);
}

/// Clears the state of an add that failed, on both members. Errors: refused (it has not passed on both).
Result<void> clear_state(Work& work, const DeviceLook& look)
{
    const Answer answer = TRY(type_clear(work));
    TRY(said_of(answer, clearing));
    if (answer.lost)
        return fail(ErrorKind::unavailable, "the line was lost while the install state was cleared");
    return has_cleared_both(answer.text, look);
}

}  // namespace

std::string noted::verified(const std::string& file)
{
    return "verified " + file;
}

bool goes_back(const DeviceLook& look)
{
    return look.issu.in_progress && look.issu.current_state.find("bort") != std::string::npos;
}

bool is_back_on(const DeviceLook& look, const std::string& release)
{
    const bool is_pending =
        look.issu.in_progress && (look.is_upgrading() || look.issu.current_state == "Activated");
    const bool has_other = std::ranges::any_of(look.members, [](const DeviceMember& member) {
        return std::ranges::any_of(member.packages, [](const show::InstalledPackage& package) {
            return package.state == PackageState::uncommitted || package.state == PackageState::deactivated;
        });
    });
    return look.both_run(release) && look.is_redundant() && !is_pending && !has_other;
}

bool is_added(const DeviceLook& look, const std::string& release)
{
    const bool is_pending = look.issu.in_progress && !look.is_upgrading();
    return is_pending || std::ranges::any_of(look.members, [&](const DeviceMember& member) {
               return member.state_of(release) == PackageState::inactive;
           });
}

Error stuck(const DeviceLook& look, const std::string& from, const std::string& said)
{
    std::vector<std::string> others;
    for (const DeviceMember& member : look.members)
        if (member.release != from) others.push_back(look.name_of(member));
    const std::string how = fmt::format("{} ({})", look.to_text(), said);
    if (others.size() == 2)
        return {
            .kind = ErrorKind::refused,
            .what = fmt::format("both members are off {}, and the device does not go back: {}", from, how),
            .next =
                "show issu state detail on the device; then either install commit there, to stay, or "
                "install abort issu until it goes back, and abort again here"};
    if (others.empty())
        return {
            .kind = ErrorKind::refused,
            .what = fmt::format("both members are on {}, and the pair is not whole: {}", from, how),
            .next =
                "show redundancy on the device; reload the member that is not hot; then abort again here"};
    return {
        .kind = ErrorKind::refused,
        .what = fmt::format("{} is not on {}, and the device does not bring it back: {}",
                            fmt::join(others, ", "), from, how),
        .next = fmt::format("on the console of {}: boot flash:packages.conf of {}, or install abort issu; "
                            "then abort again here",
                            fmt::join(others, ", "), from)};
}

std::string left_by_clearing(host::Host& host, const std::string& transcript, const DeviceLook& look)
{
    const Result<std::string> kept = transcript_of(host, transcript);
    if (!kept) return kept.error().what;
    if (std::string left = not_cleared(*kept, look); !left.empty()) return left;
    return is_internal(*kept) ? "\"service internal\" in the configuration" : "";
}

Console::Deed deed::carry(Console& console, const std::string& device, const DeviceImage& image)
{
    return [&console, device, image](Work& work) -> Result<void> {
        const DeviceLook look = TRY(work.look());
        const show::DirEntry* const there = look.flash.find(name_in_flash(image.to));
        // What an earlier one has carried, all of it or a part.
        const bool is_there = there != nullptr;
        const bool is_brought = !image.file.empty();
        if (!is_there && !is_brought)
            return fail(ErrorKind::not_found, fmt::format("{} is not on the device", image.to), "dir flash:");
        if (!is_there) TRY(work.carry(image.file, image.to));
        if (Result<void> verified = verify(work, image); !verified) {
            if (!is_there || !is_brought || verified.error().kind != ErrorKind::corrupt) return verified;
            TRY(work.carry(image.file, image.to));
            TRY(verify(work, image));
        }
        console.note(device, noted::verified(image.to), image.digest);
        return {};
    };
}

Console::Deed deed::fetch(Console& console, const std::string& device, const DeviceImage& image,
                          bool may_go_on)
{
    return [&console, device, image, may_go_on](Work& work) mutable -> Result<void> {
        const Until until(work, fetched_at_most);
        const std::string name = name_in_flash(image.to);
        for (int tries = 1; tries <= most_fetches; ++tries) {
            const DeviceLook look = may_go_on ? TRY(look_when_still(work, until, name)) : TRY(work.look());
            const bool is_there = look.flash.find(name) != nullptr;
            may_go_on = false;
            if (!is_there) {
                const Result<Answer> answer = work.type(line::fetch(image.url, image.to));
                if (!answer && !may_pass(answer.error())) return std::unexpected(answer.error());
                may_go_on = !answer || answer->lost;
                if (may_go_on) continue;
                console.note(device, noted::nothing_begun, "yes");
                TRY(said_of_copy(*answer, image));
            }
            Result<void> verified = verify(work, image);
            if (verified) {
                console.note(device, noted::verified(image.to), image.digest);
                return {};
            }
            const bool is_other = verified.error().kind == ErrorKind::corrupt;
            if (is_other ? !is_there : !may_pass(verified.error())) return verified;
            if (is_other) TRY(work.type(line::remove_file(image.to)));
        }
        return fail(ErrorKind::unavailable,
                    fmt::format("the line was lost again and again while the device fetched {}", image.url));
    };
}

Console::Deed deed::remove_file(Console& console, const std::string& device, const std::string& file,
                                bool waits, std::function<std::pair<bool, bool>(const DeviceLook&)> ours)
{
    return [&console, device, file, waits, ours = std::move(ours)](Work& work) -> Result<void> {
        const Until until(work, fetched_at_most);
        const DeviceLook look =
            waits ? TRY(look_when_still(work, until, name_in_flash(file))) : TRY(work.look());
        const auto [of_active, of_standby] = ours(look);
        if (of_active) TRY(work.type(line::remove_file(file)));
        if (of_standby) TRY(work.type(line::remove_file("stby-" + file)));
        if (waits) console.note(device, noted::nothing_begun, "yes");
        return {};
    };
}

Console::Deed deed::add(const DeviceImage& image)
{
    return [image](Work& work) -> Result<void> {
        const Until until(work, one_at_most);
        while (true) {
            const auto before = TRY(look_if_it_can(work));
            if (before && both_know(*before, image.release)) return {};
            const bool is_open = !before || TRY(type_or_wait(work, line::add(image.to), "install add"));
            if (!is_open) {
                const DeviceLook look = TRY(work.look());
                if (both_know(look, image.release)) return {};
                return fail(ErrorKind::refused,
                            fmt::format("the device says that {} was added, and it is not on {}", image.to,
                                        missing_on(look, image.release)));
            }
            TRY(until.again(work, "install add"));
        }
    };
}

Console::Deed deed::take_out(Console& console, const std::string& device, const std::string& release,
                             host::Host& host, const std::string& transcript)
{
    return [&console, device, release, &host, transcript](Work& work) -> Result<void> {
        const Until until(work, one_at_most);
        std::string left = "what was added";
        for (int tries = 0; tries < most_refusals;) {
            if (TRY(type_or_wait(work, line::remove_inactive(), "install remove inactive"))) {
                TRY(until.again(work, "install remove inactive"));
                continue;
            }
            DeviceLook look = TRY(work.look());
            const bool is_pending = look.issu.in_progress && !look.is_upgrading();
            if (is_pending || !not_cleared(TRY(transcript_of(host, transcript)), look).empty()) {
                Result<void> cleared = clear_state(work, look);
                if (!cleared && (++tries == most_refusals || cleared.error().kind == ErrorKind::usage))
                    return cleared;
                if (!cleared) continue;
                look = TRY(work.look());
            }
            if (is_internal(TRY(transcript_of(host, transcript))))
                TRY(work.type(line::no_service_internal()));
            if (!is_added(look, release)) {
                console.note(device, noted::nothing_begun, "yes");
                return {};
            }
            left = look.to_text();
            ++tries;
        }
        return fail(ErrorKind::refused, fmt::format("{} is still there of what was added: {}", release, left),
                    "on the device: install remove inactive; service internal; clear install state, until it "
                    "has passed on both members; then abort again here");
    };
}

Console::Deed deed::activate()
{
    return [](Work& work) -> Result<void> {
        const Answer answer = TRY(work.type(line::activate()));
        return said_of(answer, "install activate");
    };
}

Console::Deed deed::one_step(const std::string& file)
{
    return [file](Work& work) -> Result<void> {
        const Answer answer = TRY(work.type(line::one_step(file)));
        return said_of(answer, "install add");
    };
}

Console::Deed deed::go_back(Console& console, const std::string& device, const std::string& from)
{
    return [&console, device, from](Work& work) -> Result<void> {
        const Until until(work, reloads_at_most);
        int refusals = 0;
        bool was_asked = !console.is_unsettled(device);
        while (true) {
            const auto look = TRY(look_if_it_can(work));
            if (look && is_back_on(*look, from) && was_asked) {
                console.note(device, noted::nothing_begun, "yes");
                return {};
            }
            // Both hot, it is at nothing any more, whatever state it calls that.
            const bool goes_by_itself = !look || (goes_back(*look) && !look->is_redundant()) ||
                                        (look->both_run(from) && !look->is_upgrading() && was_asked);
            if (goes_by_itself) {
                TRY(until.again(work, "the way back"));
                continue;
            }
            const Result<bool> is_open = type_or_wait(work, line::abort(), "install abort issu");
            // Refused: nothing that was typed before goes on.
            was_asked = was_asked || (is_open ? !*is_open : is_open.error().kind == ErrorKind::refused);
            if (!is_open) {
                const DeviceLook after = TRY(work.look());
                if (is_back_on(after, from)) continue;
                // While a member comes up nothing else can be said.
                if (after.is_redundant() && ++refusals == most_refusals)
                    return std::unexpected(stuck(after, from, is_open.error().what));
                for (int i = 0; i < looks_behind_refusal; ++i) TRY(until.again(work, "install abort issu"));
            }
            TRY(until.again(work, "install abort issu"));
        }
    };
}

Console::Deed deed::commit(const std::string& release, const std::string& from)
{
    return [release, from](Work& work) -> Result<void> {
        const Until until(work, one_at_most);
        while (true) {
            const auto before = TRY(look_if_it_can(work));
            if (before && before->both_have(release, PackageState::committed) && !before->issu.in_progress)
                return {};
            if (before && (goes_back(*before) || is_back_on(*before, from)))
                return fail(ErrorKind::refused,
                            fmt::format("the device has gone back by itself: {}", before->to_text()),
                            "abort, and look at the log of the device for the reason");
            const bool is_open = !before || TRY(type_or_wait(work, line::commit(), "install commit"));
            if (!is_open) {
                const DeviceLook look = TRY(work.look());
                if (look.both_have(release, PackageState::committed) && !look.issu.in_progress) return {};
                return fail(
                    ErrorKind::refused,
                    fmt::format("the device says that it has committed, and {} is not committed on both: {}",
                                release, look.to_text()),
                    "show install summary on the device; install commit there");
            }
            TRY(until.again(work, "install commit"));
        }
    };
}

Console::Deed deed::remove_inactive()
{
    return [](Work& work) -> Result<void> {
        const Until until(work, one_at_most);
        while (TRY(type_or_wait(work, line::remove_inactive(), "install remove inactive")))
            TRY(until.again(work, "install remove inactive"));
        return {};
    };
}

}  // namespace belay::upgrade::iosxe
