#include "upgrade/iosxe/device_actions.h"

#include "base/json.h"
#include "upgrade/iosxe/device_conditions.h"
#include "upgrade/iosxe/device_deeds.h"

#include <algorithm>
#include <fmt/ranges.h>

namespace belay::upgrade::iosxe {
namespace {

using operation::Act;
using operation::Inspection;
using operation::Repeat;
using show::PackageState;
using Found = Inspection::Found;

// Names of pieces of work.
constexpr const char* copying = "copy";
constexpr const char* deleting = "delete";
constexpr const char* adding = "install add";
constexpr const char* taking_out = "install remove inactive";
constexpr const char* activating = "install activate issu";
constexpr const char* going_back_now = "install abort issu";
constexpr const char* committing = "install commit";
constexpr const char* one_stepping = "install add activate issu commit";
constexpr const char* tidying = "install remove inactive, behind a commit";

/// What is done, what has been, and who is hot: DeviceLook::stages_done() at the end of an activation.
constexpr uint64_t all_stages = 8;
constexpr const char* left_behind = "left behind";

std::string text_at(const Json& arguments, const char* name)
{
    return arguments.at(name).get<std::string>();
}

std::string device_in(const Json& arguments)
{
    return text_at(arguments, "device");
}

std::set<std::string> lines_in(const Json& arguments)
{
    return arguments.at("lines").get<std::set<std::string>>();
}

DeviceImage image_in(const Json& arguments)
{
    return {.file = arguments.value("file", ""),
            .url = arguments.value("url", ""),
            .to = arguments.value("to", ""),
            .bytes = arguments.value("bytes", uint64_t{0}),
            .algorithm = arguments.value("algorithm", ""),
            .digest = arguments.value("digest", ""),
            .release = arguments.value("release", "")};
}

std::string name_in_flash(const Json& arguments)
{
    const std::string to = text_at(arguments, "to");
    return to.substr(to.find(':') + 1);
}

/// Nobody can ask it now: as while a chassis reloads. The step's own limit ends that.
Inspection not_seen(const Error& error, Milliseconds pace)
{
    return {.found = Found::running,
            .detail = fmt::format("it cannot be asked now: {}", error.what),
            .progress = operation::Progress{.done = 0, .total = 1, .unit = "answers"},
            .look_again = pace};
}

/// A piece of work that this daemon is at.
Inspection at_work(const Console::Way& way)
{
    Inspection inspection{.found = Found::running,
                          .detail = way.says.empty() ? way.name : fmt::format("{}: {}", way.name, way.says)};
    inspection.progress = operation::Progress{.done = way.total > 0 ? way.done : way.said,
                                              .total = way.total,
                                              .unit = way.total > 0 ? "bytes" : "lines"};
    return inspection;
}

/// What the actions share: the console, and the one piece of work that each begins.
class DeviceAction : public operation::Action {
  public:
    explicit DeviceAction(Console& console) : console_(console) {}

  protected:
    Result<void> begin(const Json& arguments, const char* name, Console::Deed deed) const
    {
        const std::string device = device_in(arguments);
        if (console_.is_at(device, name)) return {};
        return console_.begin(device, name, text_at(arguments, "transcript"), lines_in(arguments),
                              std::move(deed));
    }
    /// Where this daemon is at that.
    std::optional<Inspection> work_on(const Json& arguments, const char* name) const
    {
        const auto way = console_.way_of(device_in(arguments));
        if (!way || way->has_ended || way->name != name) return std::nullopt;
        return at_work(*way);
    }
    /// What the work of that name ended with, in words for a person; empty: it has not, or well.
    std::string problem_of(const Json& arguments, const char* name) const
    {
        const auto way = console_.way_of(device_in(arguments));
        if (!way || way->name != name || !way->problem) return {};
        const Error& error = *way->problem;
        return error.next.empty() ? error.what : fmt::format("{}; {}", error.what, error.next);
    }
    /// Begins work that undoes; what the last one of it ended with is told first.
    Result<void> begin_undoing(const Json& arguments, const char* name, Console::Deed deed) const
    {
        if (const auto problem = console_.take_problem(device_in(arguments), name))
            return std::unexpected(*problem);
        TRY(begin(arguments, name, std::move(deed)));
        if (const auto problem = console_.take_problem(device_in(arguments), name))
            return std::unexpected(*problem);
        return {};
    }
    /// Ends work of that name, so that another can begin; the device goes on by itself.
    void leave(const Json& arguments, const char* name) const
    {
        if (console_.is_at(device_in(arguments), name)) console_.end(device_in(arguments));
    }
    /// Something that was typed before may not show itself yet, and nobody has asked.
    bool may_have_begun(const Json& arguments) const
    {
        const std::string device = device_in(arguments);
        return console_.is_unsettled(device) && console_.noted(device, noted::nothing_begun).empty();
    }

    Console& console_;
};

/// Copies the image, or lets the device fetch it, and lets the device verify it.
class Carry final : public DeviceAction {
  public:
    using DeviceAction::DeviceAction;

    Result<Inspection> inspect(host::Host&, const Json& arguments) const override
    {
        if (const auto working = work_on(arguments, copying)) return *working;
        const auto look = console_.look(device_in(arguments));
        if (!look) return not_seen(look.error(), console_.options().pace);
        const show::DirEntry* const there = look->flash.find(name_in_flash(arguments));
        const std::string problem = problem_of(arguments, copying);
        if (there == nullptr) return Inspection{.detail = problem};
        const std::string digest =
            console_.noted(device_in(arguments), noted::verified(text_at(arguments, "to")));
        if (problem.empty() && digest == text_at(arguments, "digest"))
            return Inspection{.found = Found::done, .detail = fmt::format("verified: {}", digest)};
        return Inspection{.found = Found::partial,
                          .detail = problem.empty() ? "it is not verified" : problem};
    }
    Result<Json> remember(host::Host&, const Json& arguments) const override
    {
        const DeviceLook look = TRY(console_.look(device_in(arguments)));
        const std::string name = name_in_flash(arguments);
        const show::DirEntry* const there = look.flash.find(name);
        const DeviceImage image = image_in(arguments);
        // Where something lay already, the plan lets nothing be fetched.
        const bool is_other = there != nullptr && (!image.url.empty() ||
                                                   (!image.file.empty() && there->size.count != image.bytes));
        if (is_other)
            return fail(ErrorKind::refused,
                        fmt::format("another {} lies in the flash, of {}", name, to_text(there->size)),
                        fmt::format("delete flash:{}, or rename the image", name));
        std::vector<std::string> members;
        if (there != nullptr && look.active() != nullptr) members.push_back(look.active()->name);
        const bool is_there_too = look.standby_flash && look.standby_flash->find(name) != nullptr;
        if (is_there_too && look.standby() != nullptr) members.push_back(look.standby()->name);
        // Whoever remembers is the first to begin it.
        console_.note(device_in(arguments), noted::nothing_begun, "yes");
        return Json{{"had", members}};
    }
    Result<void> apply(host::Host&, const Json& arguments) const override
    {
        const std::string device = device_in(arguments);
        const DeviceImage image = image_in(arguments);
        const bool may_go_on = may_have_begun(arguments);
        console_.note(device, noted::nothing_begun, "");
        return begin(arguments, copying,
                     image.url.empty() ? deed::carry(console_, device, image)
                                       : deed::fetch(console_, device, image, may_go_on));
    }
    Result<std::string> remains(host::Host&, const Json& arguments, const Json& remembered) const override
    {
        const auto look = console_.look(device_in(arguments));
        if (!look) return fmt::format("what lies in its flash: {}", look.error().what);
        const auto [of_active, of_standby] = ours(*look, arguments, remembered);
        if (of_active || of_standby) return fmt::format("{} in the flash", name_in_flash(arguments));
        if (may_be_fetching(arguments)) return std::string("what a copy may bring that was cut short");
        return std::string();
    }
    Result<void> revert(host::Host&, const Json& arguments, const Json& remembered) const override
    {
        leave(arguments, copying);
        return begin_undoing(
            arguments, deleting,
            deed::remove_file(console_, device_in(arguments), text_at(arguments, "to"),
                              may_be_fetching(arguments), [arguments, remembered](const DeviceLook& look) {
                                  return ours(look, arguments, remembered);
                              }));
    }
    Result<std::optional<Inspection>> going_back(host::Host&, const Json& arguments,
                                                 const Json&) const override
    {
        if (auto working = work_on(arguments, deleting)) return working;
        const auto look = console_.recent_look(device_in(arguments));
        return look ? std::optional<Inspection>()
                    : std::optional(not_seen(look.error(), console_.options().pace));
    }

  private:
    /// A device that fetches may go on with that when its line is lost.
    bool may_be_fetching(const Json& arguments) const
    {
        return !arguments.value("url", "").empty() && may_have_begun(arguments);
    }
    /// Whether the file is in the flash of the active member, and of the other, and was not before.
    static std::pair<bool, bool> ours(const DeviceLook& look, const Json& arguments, const Json& remembered)
    {
        const std::string name = name_in_flash(arguments);
        const auto had = remembered.at("had").get<std::set<std::string>>();
        const auto is_ours = [&](const show::Directory& flash, const DeviceMember* member) {
            return flash.find(name) != nullptr && (member == nullptr || !had.contains(member->name));
        };
        return {is_ours(look.flash, look.active()),
                look.standby_flash && is_ours(*look.standby_flash, look.standby())};
    }
};

/// install add.
class Add final : public DeviceAction {
  public:
    using DeviceAction::DeviceAction;

    Result<Inspection> inspect(host::Host&, const Json& arguments) const override
    {
        if (const auto working = work_on(arguments, adding)) return *working;
        const auto look = console_.look(device_in(arguments));
        if (!look) return not_seen(look.error(), console_.options().pace);
        const std::string release = text_at(arguments, "release"), problem = problem_of(arguments, adding);
        const auto having = std::ranges::count_if(
            look->members, [&](const DeviceMember& member) { return member.state_of(release).has_value(); });
        if (having == 2 && look->members.size() == 2 && problem.empty())
            return Inspection{.found = Found::done, .detail = fmt::format("both have {}", release)};
        return Inspection{.found = having > 0 ? Found::partial : Found::absent, .detail = problem};
    }
    Result<void> apply(host::Host&, const Json& arguments) const override
    {
        console_.note(device_in(arguments), noted::nothing_begun, "");
        return begin(arguments, adding, deed::add(image_in(arguments)));
    }
    Result<std::string> remains(host::Host& host, const Json& arguments, const Json&) const override
    {
        const auto look = console_.look(device_in(arguments));
        if (!look) return fmt::format("what was added: {}", look.error().what);
        const std::string release = text_at(arguments, "release");
        if (is_added(*look, release)) return fmt::format("{} that was added", release);
        std::string left = left_by_clearing(host, text_at(arguments, "transcript"), *look);
        if (!left.empty()) return left;
        if (may_have_begun(arguments)) return std::string("what an add may have left that was cut short");
        return std::string();
    }
    Result<void> revert(host::Host& host, const Json& arguments, const Json&) const override
    {
        leave(arguments, adding);
        return begin_undoing(arguments, taking_out,
                             deed::take_out(console_, device_in(arguments), text_at(arguments, "release"),
                                            host, text_at(arguments, "transcript")));
    }
    Result<std::optional<Inspection>> going_back(host::Host&, const Json& arguments,
                                                 const Json&) const override
    {
        if (auto working = work_on(arguments, taking_out)) return working;
        const auto look = console_.recent_look(device_in(arguments));
        return look ? std::optional<Inspection>()
                    : std::optional(not_seen(look.error(), console_.options().pace));
    }
};

/// What the device says of its own steps, which it forgets with the commit: "; Step-by-step ISSU: Switchover
/// at 2026-11-30:12:00:00". Nothing where it says none.
std::string history_of(const DeviceLook& look)
{
    std::vector<std::string> steps;
    for (const show::IssuOperation& one : look.issu.completed)
        steps.push_back(fmt::format("{} at {}", one.name, one.started));
    if (steps.empty()) return {};
    return fmt::format("; {}: {}; {}", look.issu.operation_type, fmt::join(steps, ", "),
                       fmt::join(look.issu.transitions, " -> "));
}

/// What goes on over the reload of both members.
class Reloading : public DeviceAction {
  public:
    using DeviceAction::DeviceAction;
    /// Nobody types it a second time over what the device may be at.
    Repeat repeat() const override { return Repeat::never; }

  protected:
    /// `work`: the name of what was begun. `is_done`: the device shows the goal.
    template <typename IsDone>
    Result<Inspection> follow(const Json& arguments, const char* work, IsDone is_done) const
    {
        const std::string device = device_in(arguments);
        const auto working = work_on(arguments, work);
        const auto look = console_.look(device);
        if (!look && working) return *working;
        if (!look) return not_seen(look.error(), console_.options().pace);
        if (is_done(*look))
            return Inspection{.found = Found::done, .detail = look->to_text() + history_of(*look)};
        if (goes_back(*look))
            return Inspection{.found = Found::partial,
                              .detail = fmt::format("the device goes back by itself: {}", look->to_text())};
        const std::string release = text_at(arguments, "release");
        const bool is_behind =
            look->is_redundant() && look->issu.current_state == "Activated" && !look->both_run(release);
        if (console_.holds_long(device, left_behind, is_behind && !working))
            return Inspection{.found = Found::partial,
                              .detail = fmt::format("a member was left behind: {}", look->to_text())};
        const std::string problem = problem_of(arguments, work);
        const bool goes_on = working || look->is_upgrading() || is_behind || !look->is_redundant();
        if ((goes_on && (problem.empty() || look->is_upgrading())) || may_have_begun(arguments))
            return on_its_way(*look, working);
        const bool is_mixed = !look->both_run(text_at(arguments, "from"));
        return Inspection{.found = is_mixed ? Found::partial : Found::absent,
                          .detail = problem.empty() ? look->to_text() : problem};
    }

    Inspection on_its_way(const DeviceLook& look, const std::optional<Inspection>& working) const
    {
        Inspection inspection{
            .found = Found::running, .detail = look.to_text(), .look_again = console_.options().pace};
        if (working) inspection.detail = fmt::format("{}; {}", inspection.detail, working->detail);
        inspection.progress =
            operation::Progress{.done = look.stages_done(), .total = all_stages, .unit = "stages"};
        return inspection;
    }
};

/// install activate issu.
class Activate final : public Reloading {
  public:
    using Reloading::Reloading;

    Result<Inspection> inspect(host::Host&, const Json& arguments) const override
    {
        const std::string release = text_at(arguments, "release");
        return follow(arguments, activating, [&](const DeviceLook& look) {
            if (!look.both_run(release) || !look.is_redundant()) return false;
            const bool waits = look.issu.in_progress && look.issu.current_state == "Activated" &&
                               look.issu.terminal.value_or(false);
            return waits || (!look.issu.in_progress && look.both_have(release, PackageState::committed));
        });
    }
    Result<void> apply(host::Host&, const Json& arguments) const override
    {
        console_.note(device_in(arguments), noted::nothing_begun, "");
        return begin(arguments, activating, deed::activate());
    }
    Result<std::string> remains(host::Host&, const Json& arguments, const Json&) const override
    {
        const auto look = console_.look(device_in(arguments));
        if (!look) return fmt::format("what the device is at: {}", look.error().what);
        if (!is_back_on(*look, text_at(arguments, "from"))) return look->to_text();
        if (may_have_begun(arguments))
            return std::string("what an activation may have begun that was cut short");
        return std::string();
    }
    Result<void> revert(host::Host&, const Json& arguments, const Json&) const override
    {
        leave(arguments, activating);
        const std::string device = device_in(arguments);
        return begin_undoing(arguments, going_back_now,
                             deed::go_back(console_, device, text_at(arguments, "from")));
    }
    Result<std::optional<Inspection>> going_back(host::Host&, const Json& arguments,
                                                 const Json&) const override
    {
        const auto working = work_on(arguments, going_back_now);
        const auto look = console_.recent_look(device_in(arguments));
        if (!look) return std::optional(working ? *working : not_seen(look.error(), console_.options().pace));
        if (working) return std::optional(on_its_way(*look, working));
        const bool goes_by_itself = goes_back(*look) && !look->is_redundant();
        return goes_by_itself ? std::optional(on_its_way(*look, working)) : std::optional<Inspection>();
    }
};

/// There is no way back.
template <typename Base>
class OneWay : public Base {
  public:
    using Base::Base;
    Result<std::string> remains(host::Host&, const Json&, const Json&) const override
    {
        return std::string();
    }
    Result<void> revert(host::Host&, const Json&, const Json&) const override { return {}; }
};

bool is_committed(const DeviceLook& look, const std::string& release)
{
    return look.both_run(release) && look.both_have(release, PackageState::committed) &&
           !look.issu.in_progress;
}

/// install commit.
class Commit final : public OneWay<DeviceAction> {
  public:
    using OneWay::OneWay;

    Result<Inspection> inspect(host::Host&, const Json& arguments) const override
    {
        if (const auto working = work_on(arguments, committing)) return *working;
        const auto look = console_.look(device_in(arguments));
        if (!look) return not_seen(look.error(), console_.options().pace);
        if (is_committed(*look, text_at(arguments, "release")))
            return Inspection{.found = Found::done, .detail = look->to_text()};
        return Inspection{.detail = problem_of(arguments, committing)};
    }
    Result<void> apply(host::Host&, const Json& arguments) const override
    {
        return begin(arguments, committing,
                     deed::commit(text_at(arguments, "release"), text_at(arguments, "from")));
    }
};

/// install add ... activate issu commit.
class OneStep final : public OneWay<Reloading> {
  public:
    using OneWay::OneWay;

    Result<Inspection> inspect(host::Host&, const Json& arguments) const override
    {
        const std::string release = text_at(arguments, "release");
        return follow(arguments, one_stepping, [&](const DeviceLook& look) {
            return is_committed(look, release) && look.is_redundant();
        });
    }
    Result<void> apply(host::Host&, const Json& arguments) const override
    {
        return begin(arguments, one_stepping, deed::one_step(text_at(arguments, "to")));
    }
};

/// install remove inactive, behind a commit.
class RemoveInactive final : public OneWay<DeviceAction> {
  public:
    using OneWay::OneWay;

    Result<Inspection> inspect(host::Host&, const Json& arguments) const override
    {
        if (const auto working = work_on(arguments, tidying)) return *working;
        const auto look = console_.look(device_in(arguments));
        if (!look) return not_seen(look.error(), console_.options().pace);
        const bool has_others = std::ranges::any_of(look->members, [](const DeviceMember& member) {
            return std::ranges::any_of(member.packages, [](const show::InstalledPackage& package) {
                return package.state != PackageState::committed;
            });
        });
        // Files that lie about show themselves nowhere else.
        const bool was_done = console_.noted(device_in(arguments), tidying) == text_at(arguments, "release");
        if (!has_others && was_done) return Inspection{.found = Found::done};
        return Inspection{.detail = problem_of(arguments, tidying)};
    }
    Result<void> apply(host::Host&, const Json& arguments) const override
    {
        const std::string device = device_in(arguments), release = text_at(arguments, "release");
        return begin(arguments, tidying, [this, device, release](Console::Work& work) -> Result<void> {
            TRY(deed::remove_inactive()(work));
            console_.note(device, tidying, release);
            return {};
        });
    }
};

std::vector<std::string> texts_of(const std::vector<Line>& lines)
{
    std::vector<std::string> texts;
    for (const Line& line : lines) texts.push_back(line.text);
    return texts;
}

/// The lines of a step and of its way back: all that it may type, and what a person sees of it.
Act act(const char* action, const std::string& device, const std::string& transcript, Json arguments,
        std::vector<std::string> commands, std::vector<std::string> undo_commands)
{
    std::set<std::string> lines(commands.begin(), commands.end());
    lines.insert(undo_commands.begin(), undo_commands.end());
    arguments["device"] = device;
    arguments["transcript"] = transcript;
    arguments["lines"] = lines;
    return {.action = action,
            .arguments = std::move(arguments),
            .commands = std::move(commands),
            .undo_commands = std::move(undo_commands)};
}

}  // namespace

void add_device_actions(operation::Catalogue& catalogue, Console& console)
{
    catalogue.add("iosxe.carry", std::make_unique<Carry>(console));
    catalogue.add("iosxe.add", std::make_unique<Add>(console));
    catalogue.add("iosxe.activate", std::make_unique<Activate>(console));
    catalogue.add("iosxe.commit", std::make_unique<Commit>(console));
    catalogue.add("iosxe.remove-inactive", std::make_unique<RemoveInactive>(console));
    catalogue.add("iosxe.one-step", std::make_unique<OneStep>(console));
    add_device_conditions(catalogue, console);
}

Act carry(const std::string& device, const DeviceImage& image, const std::string& transcript)
{
    std::vector<std::string> commands;
    if (!image.file.empty()) commands.push_back(fmt::format("copy {} {}", image.file, image.to));
    if (!image.url.empty()) commands.push_back(line::fetch(image.url, image.to).text);
    commands.push_back(line::verify(image.algorithm, image.to).text);
    return act("iosxe.carry", device, transcript,
               {{"file", image.file},
                {"url", image.url},
                {"to", image.to},
                {"bytes", image.bytes},
                {"algorithm", image.algorithm},
                {"digest", image.digest}},
               std::move(commands),
               {line::remove_file(image.to).text, line::remove_file("stby-" + image.to).text});
}

Act add(const std::string& device, const DeviceImage& image, const std::string& from,
        const std::string& transcript)
{
    std::vector<Line> back = {line::remove_inactive(), line::clear()};
    for (const auto& more :
         {line::service_internal(), std::vector{line::clear()}, line::no_service_internal()})
        back.insert(back.end(), more.begin(), more.end());
    return act("iosxe.add", device, transcript,
               {{"to", image.to}, {"release", image.release}, {"from", from}}, {line::add(image.to).text},
               texts_of(back));
}

Act activate(const std::string& device, const DeviceImage& image, const std::string& from,
             const std::string& transcript)
{
    return act("iosxe.activate", device, transcript, {{"release", image.release}, {"from", from}},
               {line::activate().text}, {line::abort().text});
}

Act commit(const std::string& device, const DeviceImage& image, const std::string& from,
           const std::string& transcript)
{
    return act("iosxe.commit", device, transcript, {{"release", image.release}, {"from", from}},
               {line::commit().text}, {});
}

Act remove_inactive(const std::string& device, const DeviceImage& image, const std::string& transcript)
{
    return act("iosxe.remove-inactive", device, transcript, {{"release", image.release}},
               {line::remove_inactive().text}, {});
}

Act one_step(const std::string& device, const DeviceImage& image, const std::string& from,
             const std::string& transcript)
{
    return act("iosxe.one-step", device, transcript,
               {{"to", image.to}, {"release", image.release}, {"from", from}},
               {line::one_step(image.to).text}, {});
}

Result<void> stop_abort_timer(Console& console, const std::string& device, const std::string& transcript)
{
    const DeviceLook before = TRY(console.look(device));
    if (!before.timer.active) return {};
    const std::unique_ptr<Terminal> terminal = TRY(console.options().terminal(device, transcript));
    const Line line = line::stop_timer();
    const std::vector<Answer> answers = TRY(SpokenFor(*terminal, {line.text}).type({line}, {}));
    const DeviceLook after = TRY(console.look(device));
    if (!after.timer.active) return {};
    TRY(said_of(answers.front(), line.text));
    return fail(ErrorKind::refused, fmt::format("the abort timer of {} runs still", device),
                fmt::format("{}: on the device", line.text));
}

}  // namespace belay::upgrade::iosxe
