#include "upgrade/member_actions.h"

#include "base/json.h"
#include "upgrade/on_host.h"

#include <fmt/format.h>

namespace belay::upgrade {
namespace {

using operation::Act;
using operation::Finding;
using operation::Fingerprint;
using operation::Inspection;
using operation::Verdict;
using Found = Inspection::Found;

constexpr Milliseconds soon(100);
/// Most of what dies of serving dies by then. Until it is over the other one is left alone: it can serve.
constexpr Milliseconds shows_itself(1000);

bool has_just_stood_down(const Standing& standing)
{
    return standing.part == Part::standby && standing.stood_down && *standing.stood_down < shows_itself;
}

std::string text_in(const Json& json, const char* name)
{
    return json.at(name).get<std::string>();
}

std::string text_of(const std::string& version)
{
    return version.empty() ? "none" : version;
}

/// What packages.conf says of the image that the arguments name.
Result<Named> named_in(host::Host& host, const Json& arguments)
{
    return named(host, text_in(arguments, "images"), text_in(arguments, "image"));
}

/// One member is on its way, and what it waits for is to be seen.
Inspection going_on(std::string detail)
{
    return {.found = Found::running,
            .detail = std::move(detail),
            .progress = operation::Progress{.done = 0, .total = 1, .unit = "members"},
            .look_again = soon};
}

/// Lets the other one serve.
class StandBy final : public operation::Action {
  public:
    explicit StandBy(Runner& runner) : runner_(runner) {}

    Result<Inspection> inspect(host::Host&, const Json& arguments) const override
    {
        const Standing standing = TRY(runner_.look(text_in(arguments, "member")));
        // One that took over and died at once does not serve, and this one may be all that there is.
        if (standing.part == Part::standby && !standing.other_is_ready)
            return going_on("the other one is not ready");
        if (has_just_stood_down(standing)) return going_on("the other one has just begun to serve");
        if (standing.part != Part::active) return Inspection{.found = Found::done, .detail = standing.says};
        if (!standing.is_handing) return Inspection{.detail = "it serves"};
        return going_on("it finishes what it has");
    }
    Result<void> apply(host::Host&, const Json& arguments) const override
    {
        return runner_.let_other_serve(text_in(arguments, "member"));
    }
    Result<std::string> remains(host::Host&, const Json&, const Json&) const override
    {
        return std::string();
    }
    Result<void> revert(host::Host&, const Json&, const Json&) const override { return {}; }

  private:
    Runner& runner_;
};

/// Brings a member to a version while the other serves.
class RunVersion final : public operation::Action {
  public:
    explicit RunVersion(Runner& runner) : runner_(runner) {}

    Result<Inspection> inspect(host::Host& host, const Json& arguments) const override
    {
        const Standing standing = TRY(runner_.look(text_in(arguments, "member")));
        const Named package = TRY(named_in(host, arguments));
        return inspection_of(standing, package.runs, text_in(arguments, "version"));
    }

    Result<Json> remember(host::Host& host, const Json& arguments) const override
    {
        const Named package = TRY(named_in(host, arguments));
        // Where both members are on one host the step of the other one has changed what is named.
        const bool is_changed = package.runs == text_in(arguments, "version");
        return Json{{"runs", is_changed ? arguments.value("from", package.runs) : package.runs},
                    {"committed", package.committed}};
    }

    Result<void> apply(host::Host& host, const Json& arguments) const override
    {
        const std::string member = text_in(arguments, "member");
        const Standing standing = TRY(runner_.look(member));
        if (standing.part == Part::active)
            return fail(ErrorKind::refused,
                        fmt::format("\"{}\" serves, and is not started anew while it does", member));
        if (is_last(standing))
            return fail(ErrorKind::refused,
                        fmt::format("\"{}\" is not started anew while the other one is not ready", member));
        TRY(name_it(host, arguments, text_in(arguments, "version")));
        return runner_.restart(member);
    }

    Result<std::string> remains(host::Host& host, const Json& arguments,
                                const Json& remembered) const override
    {
        const std::string before = remembered.at("runs").get<std::string>();
        const Named package = TRY(named_in(host, arguments));
        if (package.runs != before) return fmt::format("packages.conf names {}", text_of(package.runs));
        for (const std::string& member : going_back_of(arguments)) {
            const Standing standing = TRY(runner_.look(member));
            if (is_there(standing, package.runs, before)) continue;
            if (standing.version == before || before.empty())
                return fmt::format("{} is not ready: {}", member, standing.says);
            return fmt::format("{} runs {}", member, text_of(standing.version));
        }
        return std::string();
    }

    Result<void> revert(host::Host& host, const Json& arguments, const Json& remembered) const override
    {
        const std::string before = remembered.at("runs").get<std::string>();
        for (const std::string& member : going_back_of(arguments)) {
            const Standing standing = TRY(runner_.look(member));
            if (is_needed(standing, before)) continue;
            if (has_just_stood_down(standing) && standing.version != before) continue;
            if (serves_well(standing) && standing.version != before) return runner_.let_other_serve(member);
            TRY(name_it(host, arguments, before));
            if (!is_there(standing, before, before)) return runner_.restart(member);
        }
        return {};
    }

    Result<std::optional<Inspection>> going_back(host::Host& host, const Json& arguments,
                                                 const Json& remembered) const override
    {
        const std::string before = remembered.at("runs").get<std::string>();
        const Named package = TRY(named_in(host, arguments));
        std::optional<Inspection> waiting;
        for (const std::string& member : going_back_of(arguments)) {
            const Standing standing = TRY(runner_.look(member));
            if (serves_well(standing) && standing.version != before && standing.is_handing)
                return waits("it finishes what it has");
            if (is_needed(standing, before)) {
                waiting = waits("it serves, and goes back when the other one is ready to take its place");
                continue;
            }
            if (has_just_stood_down(standing) && standing.version != before) {
                waiting = waits("the other one has just begun to serve");
                continue;
            }
            const Inspection inspection = inspection_of(standing, package.runs, before);
            if (inspection.found == Found::running) return std::optional(inspection);
            if (inspection.found != Found::done) return std::optional<Inspection>();
        }
        return waiting;
    }

  private:
    /// Further members on this host may have come to the new version by themselves, as one that died while
    /// it was named.
    static std::vector<std::string> going_back_of(const Json& arguments)
    {
        auto all = arguments.value("others", std::vector<std::string>());
        all.push_back(text_in(arguments, "member"));
        return all;
    }

    static std::optional<Inspection> waits(std::string detail) { return going_on(std::move(detail)); }

    static bool serves_well(const Standing& standing)
    {
        return standing.part == Part::active && standing.is_ready;
    }

    /// It does not serve, and the other one cannot.
    static bool is_last(const Standing& standing)
    {
        return standing.part == Part::standby && standing.is_ready && !standing.other_is_ready;
    }

    /// It is to go back to that version, and cannot before the other one is there in its place.
    static bool is_needed(const Standing& standing, const std::string& before)
    {
        const bool is_all_there_is = serves_well(standing) || is_last(standing);
        return is_all_there_is && standing.version != before && !standing.other_is_ready;
    }

    static bool is_there(const Standing& standing, const std::string& runs, const std::string& version)
    {
        const bool waits_without_process = standing.is_cold && !standing.has_process;
        const bool is_version = waits_without_process ? runs == version : standing.version == version;
        return is_version && standing.is_ready;
    }

    static Inspection inspection_of(const Standing& standing, const std::string& runs,
                                    const std::string& version)
    {
        if (runs == version && is_there(standing, runs, version))
            return {.found = Found::done, .detail = standing.says};
        if (runs != version) return {.detail = fmt::format("packages.conf names {}", text_of(runs))};
        if (standing.is_coming) return going_on(standing.says);
        // It runs something else, or has given up.
        const bool has_failed = standing.version == version || !standing.has_process;
        return {.found = has_failed ? Found::partial : Found::absent, .detail = standing.says};
    }

    /// What is committed stays as it is.
    static Result<void> name_it(host::Host& host, const Json& arguments, const std::string& version)
    {
        Named package = TRY(named_in(host, arguments));
        if (package.runs == version) return {};
        package.runs = version;
        // The first of its image is all that there is to lead back to.
        if (package.committed.empty()) package.committed = version;
        return name(host, text_in(arguments, "images"), text_in(arguments, "image"), package);
    }

    Runner& runner_;
};

/// Changes what packages.conf says of an image.
class NameVersion final : public operation::Action {
  public:
    enum class Which { runs, committed };
    explicit NameVersion(Which which) : which_(which) {}

    Result<Inspection> inspect(host::Host& host, const Json& arguments) const override
    {
        const std::string now = TRY(value(host, arguments));
        return Inspection{.found = now == text_in(arguments, "version") ? Found::done : Found::absent};
    }
    Result<Json> remember(host::Host& host, const Json& arguments) const override
    {
        const std::string now = TRY(value(host, arguments));
        return Json{{"version", now}};
    }
    Result<void> apply(host::Host& host, const Json& arguments) const override
    {
        return set(host, arguments, text_in(arguments, "version"));
    }
    Result<std::string> remains(host::Host& host, const Json& arguments,
                                const Json& remembered) const override
    {
        const std::string now = TRY(value(host, arguments));
        if (now == text_in(remembered, "version")) return std::string();
        return fmt::format("packages.conf names {}", text_of(now));
    }
    Result<void> revert(host::Host& host, const Json& arguments, const Json& remembered) const override
    {
        return set(host, arguments, text_in(remembered, "version"));
    }

  private:
    Result<std::string> value(host::Host& host, const Json& arguments) const
    {
        const Named package = TRY(named_in(host, arguments));
        return which_ == Which::runs ? package.runs : package.committed;
    }
    Result<void> set(host::Host& host, const Json& arguments, const std::string& version) const
    {
        Named package = TRY(named_in(host, arguments));
        if (which_ == Which::committed)
            package.committed = version;
        else if (package.committed.empty() || version.empty())
            package = {.runs = version, .committed = version};
        else
            package.runs = version;
        return name(host, text_in(arguments, "images"), text_in(arguments, "image"), package);
    }

    const Which which_;
};

std::string driver_command(std::vector<std::string> words, const std::vector<std::string>& driver,
                           const char* verb)
{
    words.insert(words.end(), driver.begin(), driver.end());
    words.emplace_back(verb);
    return host::Command{.argv = std::move(words)}.to_text();
}

std::string move_command(const std::string& member, const std::vector<std::string>& driver)
{
    const std::string command = driver.empty() ? fmt::format("belay app switch-over '{}'", member)
                                               : driver_command({}, driver, "stand-by");
    return command + "   # where it serves";
}

// --- conditions ---

Result<Finding> is_ready(Runner& runner, const Json& arguments)
{
    const std::string member = text_in(arguments, "member");
    const Standing standing = TRY(runner.look(member));
    Finding finding{.found = standing.says, .wanted = "ready"};
    if (standing.part != Part::none)
        finding.found = fmt::format("{}, {}", name_of(standing.part), standing.says);
    if (!standing.is_ready) {
        finding.verdict = Verdict::fail;
        finding.mend = fmt::format("belay app show '{}'", member);
        return finding;
    }
    if (standing.part == Part::active && !standing.other_is_ready) {
        finding.verdict = Verdict::fail;
        finding.found = "it serves, and nothing is heard of the other one, or it is not ready";
        finding.wanted = "a pair of which both are ready";
        finding.mend = "belay app pairs";
        return finding;
    }
    if (standing.is_cold) {
        finding.verdict = Verdict::warn;
        finding.found += "; the pair is cold, so nobody serves while one is started";
    }
    return finding;
}

Result<Finding> runs(Runner& runner, const Json& arguments)
{
    const std::string version = text_in(arguments, "version");
    const Standing standing = TRY(runner.look(text_in(arguments, "member")));
    Finding finding{.found = fmt::format("{} of {}", standing.says,
                                         standing.version.empty() ? "no image" : standing.version),
                    .wanted = fmt::format("version {}, ready", version)};
    const bool is_cold_standby = standing.is_cold && !standing.has_process;
    if (!standing.is_ready || (!is_cold_standby && standing.version != version))
        finding.verdict = Verdict::fail;
    return finding;
}

/// "Bundle mode", where it is not.
Result<Finding> is_from_image(Runner& runner, const Json& arguments)
{
    const std::string member = text_in(arguments, "member"), image = text_in(arguments, "image");
    const Standing standing = TRY(runner.look(member));
    const std::string folder = fmt::format("{}/{}/", text_in(arguments, "images"), image);
    Finding finding{.found = fmt::format("it runs {}", standing.program),
                    .wanted = fmt::format("a program in {}", folder)};
    if (standing.is_cold && !standing.has_process) return Finding{.found = "it has no process"};
    if (standing.program.starts_with(folder)) return finding;
    finding.verdict = Verdict::fail;
    finding.mend = fmt::format(
        "say image = \"{}\" of it in the configuration, with a command of the image, and restart it: "
        "docs/upgrade.md",
        image);
    return finding;
}

Result<Finding> starts_by_itself(Runner& runner, host::Host& host, StartedBy started_by,
                                 const Json& arguments)
{
    const std::string member = text_in(arguments, "member");
    const Standing standing = TRY(runner.look(member));
    if (!standing.starts_by_itself)
        return Finding{
            .verdict = Verdict::fail,
            .found = "after a power cut it would not be started",
            .wanted = "a member that is started with its host",
            .mend = standing.driver.empty()
                        ? fmt::format("belay app start '{}'", member)
                        : "systemctl enable of its unit; or --starts-at-boot for its driver, where "
                          "something else starts it: docs/drivers.md"};
    if (!standing.driver.empty()) return Finding{.found = "it is started with its host"};
    return starts_with_host(host, started_by);
}

Result<Finding> is_committed(host::Host& host, const Json& arguments)
{
    const Named package = TRY(named_in(host, arguments));
    if (package.runs.empty()) return Finding{.found = "nothing of it runs yet"};
    if (package.runs == package.committed)
        return Finding{.found = fmt::format("{} is committed", package.runs)};
    return Finding{.verdict = Verdict::fail,
                   .found = fmt::format("{} runs, and {} is committed", package.runs, package.committed),
                   .wanted = "nothing that is not committed",
                   .mend = "belay list shows whose operation that is"};
}

}  // namespace

std::string_view name_of(Part part)
{
    switch (part) {
        case Part::none:
            return "none";
        case Part::active:
            return "active";
        case Part::standby:
            return "standby";
    }
    return "none";
}

Act stand_by(const std::string& member, const std::vector<std::string>& driver)
{
    return {.action = "member.stand-by",
            .arguments = {{"member", member}},
            .commands = {move_command(member, driver)}};
}

Act run_version(const Ground& ground, const std::string& member, const std::string& image,
                const std::string& from, const std::string& version, const std::vector<std::string>& others,
                const std::vector<std::string>& driver)
{
    const std::string file = ground.images + "/packages.conf";
    const auto restart = [&](const std::string& to) {
        if (driver.empty()) return fmt::format("belay app restart '{}'", member);
        if (to.empty()) return driver_command({}, driver, "restart");
        return driver_command({"env", fmt::format("BELAY_IMAGE_FOLDER={}/{}/{}", ground.images, image, to),
                               "BELAY_IMAGE_VERSION=" + to},
                              driver, "restart");
    };
    return {.action = "member.run",
            .arguments = {{"member", member},
                          {"image", image},
                          {"from", from},
                          {"version", version},
                          {"images", ground.images},
                          {"others", others}},
            .commands = {fmt::format("# in {}: [{}] runs = \"{}\"", file, image, version), restart(version)},
            .undo_commands = {fmt::format("# in {}: as it was", file), move_command(member, driver),
                              restart(from)}};
}

Act keep_version(const Ground& ground, const std::string& image, const std::string& version)
{
    return {.action = "image.keep",
            .arguments = {{"image", image}, {"version", version}, {"images", ground.images}},
            .commands = {fmt::format("# in {}/packages.conf: [{}] committed = \"{}\"", ground.images, image,
                                     version)}};
}

Act name_version(const Ground& ground, const std::string& image, const std::string& version)
{
    return {.action = "image.name",
            .arguments = {{"image", image}, {"version", version}, {"images", ground.images}},
            .commands = {
                fmt::format("# in {}/packages.conf: [{}] runs = \"{}\"", ground.images, image, version)}};
}

void fill(operation::Catalogue& catalogue, Runner& runner, StartedBy started_by)
{
    catalogue.add("member.stand-by", std::make_unique<StandBy>(runner));
    catalogue.add("member.run", std::make_unique<RunVersion>(runner));
    catalogue.add("image.name", std::make_unique<NameVersion>(NameVersion::Which::runs));
    catalogue.add("image.keep", std::make_unique<NameVersion>(NameVersion::Which::committed));
    const auto of_member = [&](const char* name, Result<Finding> (*ask)(Runner&, const Json&)) {
        catalogue.add_condition(
            name, [&runner, ask](host::Host&, const Json& arguments) { return ask(runner, arguments); });
    };
    of_member("member.ready", is_ready);
    of_member("member.runs", runs);
    of_member("member.from-image", is_from_image);
    catalogue.add_condition("member.starts-by-itself",
                            [&runner, started_by](host::Host& host, const Json& arguments) {
                                return starts_by_itself(runner, host, started_by, arguments);
                            });
    catalogue.add_condition("image.committed", is_committed);
    catalogue.add_fingerprint(
        "member.version", [&runner](host::Host& host, const Json& arguments) -> Result<Fingerprint> {
            const Standing standing = TRY(runner.look(text_in(arguments, "member")));
            const Named package = TRY(named_in(host, arguments));
            const std::string member = text_in(arguments, "member");
            // As after a power cut.
            if (!standing.has_process && standing.is_coming)
                return fail(ErrorKind::unavailable, fmt::format("\"{}\" is {}", member, standing.says));
            // Which of a cold pair has a process changes with who serves.
            const bool waits = standing.is_cold && !standing.has_process;
            return Fingerprint{{"runs", package.runs},
                               {"committed", package.committed},
                               {fmt::format("{} runs", member), waits ? package.runs : standing.version}};
        });
}

}  // namespace belay::upgrade
