#include "upgrade/iosxe/device.h"

#include "upgrade/iosxe/show/install_outcome.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace belay::upgrade::iosxe {
namespace {

using show::PackageState;

constexpr const char* packages_file = "packages.conf";
constexpr size_t lines_of_look = 9;

bool is_figure(char c)
{
    return c >= '0' && c <= '9';
}

/// The number at the front of a text, taken off it; nothing: there is none.
std::optional<uint64_t> take_number(std::string_view& text)
{
    uint64_t number = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (problem != std::errc()) return std::nullopt;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    return number;
}

/// Of a redundancy processor: "slot 1", "slot 1/1".
uint64_t slot_of(std::string_view location)
{
    while (!location.empty() && !is_figure(location.front())) location.remove_prefix(1);
    return take_number(location).value_or(0);
}

/// One processor of `show redundancy`.
struct Processor {
    uint64_t slot = 0;
    std::string state;
    std::string release = {};
};

std::vector<Processor> processors_of(const show::Redundancy& redundancy)
{
    const auto of = [](const show::RedundancyProcessor& one) {
        return Processor{
            .slot = slot_of(one.location), .state = one.state, .release = release_in(one.version)};
    };
    std::vector<Processor> all = {of(redundancy.active)};
    if (redundancy.peer) {
        all.push_back(of(*redundancy.peer));
    } else if (!redundancy.peer_slot.empty()) {
        all.push_back({.slot = slot_of(redundancy.peer_slot), .state = redundancy.peer_state});
    }
    std::ranges::sort(all, {}, &Processor::slot);
    return all;
}

/// Reads what one device shows at one moment.
class LookReader {
  public:
    Result<DeviceLook> read(const std::vector<Answer>& answers)
    {
        for (size_t i = 0; i < answers.size(); ++i) {
            if (!answers[i].lost) continue;
            return fail(ErrorKind::unavailable,
                        fmt::format("the line was lost at \"{}\": {}", look_lines()[i].text, answers[i].why));
        }
        if (answers.size() != lines_of_look)
            return fail(ErrorKind::unavailable,
                        fmt::format("{} of {} answers came", answers.size(), lines_of_look));
        version_ = TRY(show::read_version(answers[0].text));
        summary_ = TRY(show::read_install_summary(answers[1].text));
        look_.issu = TRY(show::read_issu_state(answers[2].text));
        look_.redundancy = TRY(show::read_redundancy(answers[3].text));
        boot_ = TRY(show::read_boot(answers[4].text));
        look_.flash = TRY(show::read_dir(answers[5].text));
        // Without a standby it has no flash.
        if (const auto standby = show::read_dir(answers[6].text)) look_.standby_flash = *standby;
        // A chassis with two supervisors knows neither of the two.
        if (const auto switches = show::read_switches(answers[7].text)) look_.switches = *switches;
        if (const auto stackwise = show::read_stackwise_virtual(answers[8].text))
            look_.stackwise_virtual = *stackwise;
        take_timer();
        take_members();
        return std::move(look_);
    }

  private:
    void take_timer()
    {
        for (const show::InstallSet& set : summary_.sets)
            if (set.timer && set.timer->active) look_.timer = *set.timer;
        if (look_.issu.timer && look_.issu.timer->active) look_.timer = *look_.issu.timer;
    }

    void take_members()
    {
        look_.system_image = version_.system_image;
        look_.model = version_.chassis;
        std::vector<std::string> names;
        for (const show::InstallSet& set : summary_.sets)
            for (const std::string& name : set.members)
                if (std::ranges::find(names, name) == names.end()) names.push_back(name);
        std::ranges::sort(names);
        const std::vector<Processor> processors = processors_of(look_.redundancy);
        const bool are_switches = std::ranges::all_of(names, [](const std::string& name) {
            return !name.empty() && is_figure(name[0]) && name.find('/') == std::string::npos;
        });
        look_.unit = are_switches ? "switch" : "supervisor";
        for (size_t i = 0; i < names.size(); ++i) {
            const Processor* processor = nullptr;
            for (size_t rank = 0; rank < processors.size(); ++rank) {
                const bool is_it = are_switches ? fmt::format("{}", processors[rank].slot) == names[i]
                                                : rank == rank_of(names[i]);
                if (is_it) processor = &processors[rank];
            }
            take_member(names[i], processor, are_switches);
        }
        // One that is gone has nothing installed.
        for (const Processor& processor : processors) {
            const std::string name = are_switches ? fmt::format("{}", processor.slot) : "";
            if (look_.members.size() >= processors.size() || name.empty()) continue;
            if (std::ranges::find(names, name) == names.end()) take_member(name, &processor, are_switches);
        }
        std::ranges::sort(look_.members, {}, &DeviceMember::name);
    }

    /// "R0" is the lower of two slots.
    static size_t rank_of(const std::string& name) { return name.ends_with('1') ? 1 : 0; }

    void take_member(const std::string& name, const Processor* processor, bool is_switch)
    {
        DeviceMember member{.name = name};
        if (processor != nullptr) {
            member.redundancy = processor->state;
            member.release = processor->release;
            member.is_active = processor->state == "ACTIVE";
        }
        const bool is_installed = look_.system_image.find(packages_file) != std::string::npos;
        member.mode = is_installed ? "INSTALL" : "BUNDLE";
        if (is_switch) {
            member.mode.clear();
            for (const show::VersionMember& row : version_.members) {
                if (!row.number || fmt::format("{}", *row.number) != name) continue;
                if (const std::string release = release_in(row.version); !release.empty())
                    member.release = release;
                member.mode = row.mode;
                if (look_.model.empty()) look_.model = row.model;
            }
        }
        const show::BootSettings* boot = boot_.of(is_switch ? name : member.is_active ? "active" : "standby");
        if (boot != nullptr) member.starts_by_itself = starts_by_itself(*boot);
        if (member.is_active)
            member.free = look_.flash.free;
        else if (look_.standby_flash)
            member.free = look_.standby_flash->free;
        if (const show::InstallSet* set = summary_.of(name)) member.packages = set->packages;
        look_.members.push_back(std::move(member));
    }

    static std::optional<bool> starts_by_itself(const show::BootSettings& boot)
    {
        if (boot.manual_boot) return !*boot.manual_boot;
        // The last figure of the configuration register: 0 stops before an image is started.
        if (boot.config_register.empty()) return std::nullopt;
        return boot.config_register.back() != '0';
    }

    DeviceLook look_;
    show::Version version_;
    show::InstallSummary summary_;
    show::Boot boot_;
};

}  // namespace

std::string release_in(std::string_view text)
{
    for (size_t at = 0; at < text.size(); ++at) {
        if (!is_figure(text[at]) || (at > 0 && is_figure(text[at - 1]))) continue;
        std::string_view rest = text.substr(at);
        std::array<uint64_t, 3> numbers{};
        bool is_release = true;
        for (size_t i = 0; i < numbers.size() && is_release; ++i) {
            if (i > 0) {
                is_release = rest.starts_with('.');
                if (is_release) rest.remove_prefix(1);
            }
            const auto number = is_release ? take_number(rest) : std::nullopt;
            is_release = number.has_value();
            numbers.at(i) = number.value_or(0);
        }
        if (!is_release) continue;
        const bool has_letter = !rest.empty() && rest.front() >= 'a' && rest.front() <= 'z' &&
                                (rest.size() == 1 || rest[1] == '.' || rest[1] == ' ' || rest[1] == ',');
        return fmt::format("{}.{}.{}{}", numbers[0], numbers[1], numbers[2],
                           has_letter ? rest.substr(0, 1) : std::string_view());
    }
    return {};
}

std::optional<PackageState> DeviceMember::state_of(std::string_view wanted) const
{
    for (const show::InstalledPackage& package : packages)
        if (package.type == "IMG" && release_in(package.version) == wanted) return package.state;
    return std::nullopt;
}

const DeviceMember* DeviceLook::active() const
{
    const auto found = std::ranges::find_if(members, &DeviceMember::is_active);
    return found == members.end() ? nullptr : &*found;
}

const DeviceMember* DeviceLook::standby() const
{
    const auto found = std::ranges::find_if_not(members, &DeviceMember::is_active);
    return found == members.end() ? nullptr : &*found;
}

bool DeviceLook::both_run(std::string_view release) const
{
    return members.size() == 2 &&
           std::ranges::all_of(members, [&](const DeviceMember& one) { return one.release == release; });
}

bool DeviceLook::both_have(std::string_view release, PackageState state) const
{
    return members.size() == 2 && std::ranges::all_of(members, [&](const DeviceMember& one) {
               return one.state_of(release) == state;
           });
}

bool DeviceLook::is_redundant() const
{
    const auto is_sso = [](std::string_view mode) { return mode == "sso" || mode == "Stateful Switchover"; };
    return members.size() == 2 && active() != nullptr &&
           std::ranges::all_of(members, &DeviceMember::is_hot) && is_sso(redundancy.operating_mode) &&
           redundancy.communications == "Up";
}

bool DeviceLook::is_upgrading() const
{
    if (!issu.in_progress) return false;
    // What was added and failed says "Added" as well; an activation has its timer, or has come further.
    return issu.current_state != "Added" || issu.transitions.size() > 1 || (issu.timer && issu.timer->active);
}

uint64_t DeviceLook::stages_done() const
{
    uint64_t done = issu.completed.size() + issu.transitions.size();
    for (const DeviceMember& member : members) done += member.is_hot() ? 1 : 0;
    return done;
}

std::string DeviceLook::to_text() const
{
    std::vector<std::string> words;
    for (const DeviceMember& member : members)
        words.push_back(fmt::format("{} {} {}", name_of(member),
                                    member.redundancy.empty() ? "UNKNOWN" : member.redundancy,
                                    member.release.empty() ? "of an unknown release" : member.release));
    words.push_back(issu.in_progress ? fmt::format("ISSU {} state", issu.current_state)
                                     : "no ISSU operation");
    return fmt::format("{}", fmt::join(words, ", "));
}

const std::vector<Line>& look_lines()
{
    static const std::vector<Line> lines = {{.text = "show version"},
                                            {.text = "show install summary"},
                                            {.text = "show issu state detail"},
                                            {.text = "show redundancy"},
                                            {.text = "show boot"},
                                            {.text = "dir flash:"},
                                            {.text = "dir stby-flash:"},
                                            {.text = "show switch"},
                                            {.text = "show stackwise-virtual"}};
    return lines;
}

Result<DeviceLook> look(Terminal& terminal)
{
    const std::vector<Answer> answers = TRY(terminal.type(look_lines(), {}));
    return read_look(answers);
}

Result<DeviceLook> read_look(const std::vector<Answer>& answers)
{
    return LookReader().read(answers);
}

namespace line {
namespace {

using namespace std::chrono_literals;

/// What IOS XE asks before it deletes or reloads; from 17 on twice.
std::vector<Reply> yes()
{
    return {{.asked = "[y/n]", .say = "y"}, {.asked = "[y/n]", .say = "y"}};
}

}  // namespace

Line fetch(std::string_view url, std::string_view file)
{
    const std::string_view name = file.substr(file.find(':') + 1);
    return {.text = fmt::format("copy {} {}", url, file),
            .limit = 6h,
            .replies = {{.asked = fmt::format("Destination filename [{}]?", name), .say = ""}}};
}
Line verify(std::string_view algorithm, std::string_view file)
{
    return {.text = fmt::format("verify /{} {}", algorithm, file), .limit = 30min};
}
Line remove_file(std::string_view file)
{
    return {.text = fmt::format("delete /force {}", file), .limit = 5min};
}
Line add(std::string_view file)
{
    return {.text = fmt::format("install add file {}", file), .limit = 40min, .replies = yes()};
}
Line activate()
{
    return {.text = "install activate issu", .limit = 90min, .replies = yes()};
}
Line commit()
{
    return {.text = "install commit", .limit = 40min, .replies = yes()};
}
Line abort()
{
    return {.text = "install abort issu", .limit = 90min, .replies = yes()};
}
Line clear()
{
    return {.text = "clear install state", .limit = 10min, .replies = yes()};
}
Line remove_inactive()
{
    return {.text = "install remove inactive", .limit = 15min, .replies = yes()};
}
Line stop_timer()
{
    return {.text = "install auto-abort-timer stop", .limit = 2min, .replies = yes()};
}
Line one_step(std::string_view file)
{
    return {.text = fmt::format("install add file {} activate issu commit", file),
            .limit = 120min,
            .replies = yes()};
}
std::vector<Line> service_internal()
{
    return {{.text = "configure terminal"}, {.text = "service internal"}, {.text = "end"}};
}
std::vector<Line> no_service_internal()
{
    return {{.text = "configure terminal"}, {.text = "no service internal"}, {.text = "end"}};
}

}  // namespace line

Result<void> said_of(const Answer& answer, std::string_view command)
{
    if (answer.text.find("% Invalid input") != std::string::npos)
        return fail(ErrorKind::usage, fmt::format("the device does not know \"{}\"", command));
    const auto outcome = show::read_install_progress(answer.text, command);
    // What cannot be read says nothing; what the device shows afterwards will.
    if (!outcome || outcome->verdict != show::Verdict::failed) return {};
    const std::string said = outcome->reasons.empty() ? std::string("it failed") : outcome->reasons.front();
    const bool is_busy = std::ranges::any_of(outcome->reasons, [](const std::string& reason) {
        return reason.find("nother install operation") != std::string::npos;
    });
    const std::vector<std::string> failed = outcome->failed_members();
    return fail(is_busy ? ErrorKind::busy : ErrorKind::refused,
                fmt::format("\"{}\" did not succeed{}: {}", command,
                            failed.empty() ? "" : fmt::format(" on [{}]", fmt::join(failed, " ")), said));
}

}  // namespace belay::upgrade::iosxe
