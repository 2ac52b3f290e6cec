#include "procedures/upgrade.h"

#include "operation/plan_builder.h"
#include "upgrade/image_actions.h"
#include "upgrade/on_host.h"

#include <algorithm>
#include <charconv>
#include <set>

namespace belay::procedures {
namespace {

using namespace std::chrono_literals;
using operation::Plan;
using operation::PlanBuilder;
using upgrade::Delivery;
using upgrade::image::Manifest;
using Arguments = std::map<std::string, std::string>;
using Member = UpgradeGround::Member;

/// Beyond what the files take: what runs writes too.
constexpr uint64_t reserve = 256 << 20;
constexpr Milliseconds start_patience = 5min;
constexpr Milliseconds stand_by_patience = 30min;  ///< it may have long calls to finish
constexpr Milliseconds gate_pace = 1s, gate_grace = 5s;
constexpr Milliseconds health_pace = 5s, health_grace = 15s;

std::string argument(const Arguments& arguments, const std::string& name)
{
    const auto found = arguments.find(name);
    return found == arguments.end() ? "" : found->second;
}

/// What stands between commas.
std::vector<std::string> parts_of(std::string_view text)
{
    std::vector<std::string> parts;
    while (!text.empty()) {
        const size_t comma = std::min(text.find(','), text.size());
        if (comma > 0) parts.emplace_back(text.substr(0, comma));
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
    return parts;
}

/// An image that is to run, and where its file comes from where it is not here yet.
struct Wanted {
    Manifest manifest;
    std::string manifest_text, signature;  ///< empty: it is installed, and was looked at then
    Delivery delivery;                     ///< its file empty: it is installed
};

Result<uint64_t> bytes_in(const std::string& text)
{
    uint64_t bytes = 0;
    const char* const end = text.data() + text.size();
    if (std::from_chars(text.data(), end, bytes).ptr == end && !text.empty()) return bytes;
    return fail(ErrorKind::usage, fmt::format("\"{}\" is no number of bytes", text));
}

/// What the controller tells of it, or what is installed here.
Result<Wanted> wanted_image(host::Host& host, const UpgradeGround& ground, const std::string& image,
                            const Arguments& arguments)
{
    const std::string& version = arguments.at("version");
    Wanted wanted;
    wanted.manifest_text = argument(arguments, "manifest");
    if (wanted.manifest_text.empty()) {
        const auto installed = TRY(upgrade::installed(host, ground.ground.images, image, version));
        if (!installed)
            return fail(
                ErrorKind::not_found,
                fmt::format("there is no {} {} on this host, nor with the controller", image, version),
                fmt::format("belay image publish {}-{}.image", image, version));
        wanted.manifest = installed->manifest;
    } else {
        wanted.manifest = TRY(upgrade::image::read_manifest(wanted.manifest_text));
        wanted.signature = argument(arguments, "signature");
        wanted.delivery.bytes = TRY(bytes_in(argument(arguments, "bytes")));
        wanted.delivery.file = argument(arguments, "file");
    }
    if (wanted.manifest.name != image || wanted.manifest.version.text != version)
        return fail(ErrorKind::usage, fmt::format("the image is {}, and {} {} was asked for",
                                                  wanted.manifest.to_text(), image, version));
    wanted.delivery.image = image;
    wanted.delivery.version = version;
    wanted.delivery.files = wanted.manifest.files;
    return wanted;
}

void check_image(PlanBuilder& plan, const UpgradeGround& ground, const Wanted& wanted)
{
    const std::string& images = ground.ground.images;
    if (!wanted.manifest_text.empty())
        plan.check("image.trusted", "a key that this host trusts has signed the image",
                   upgrade::is_trusted(ground.keys, wanted.manifest_text, wanted.signature));
    plan.check("image.same-build", "no other build of that version is installed",
               upgrade::is_same_build(images, ground.keys, wanted.manifest));
    plan.check("image.may-follow", "the version may follow the one that runs",
               upgrade::may_follow(images, wanted.manifest));
    plan.check("image.committed", "no earlier upgrade waits for a commit",
               {"image.committed", {{"image", wanted.manifest.name}, {"images", images}}});
}

void check_member(PlanBuilder& plan, const UpgradeGround& ground, const Member& member)
{
    const std::string& name = member.application;
    plan.check(
        "member.from-image", fmt::format("{} runs from an image", name),
        {"member.from-image", {{"member", name}, {"image", member.image}, {"images", ground.ground.images}}});
    plan.check("member.ready", fmt::format("{} is ready, and the other of its pair is", name),
               {"member.ready", {{"member", name}}});
    plan.check("member.starts-by-itself", fmt::format("{} starts by itself after a power cut", name),
               {"member.starts-by-itself", {{"member", name}}});
}

void add_image(PlanBuilder& plan, const UpgradeGround& ground, const Wanted& wanted, const std::string& user)
{
    operation::Step& step = plan.add("image", fmt::format("bring {} to this host", wanted.manifest.to_text()),
                                     upgrade::add_image(ground.ground.images, wanted.delivery));
    if (!wanted.manifest.check.empty())
        step.expects = {upgrade::accepts_configuration(ground.ground.images, wanted.manifest, user)};
    plan.plan().room = {{.path = ground.ground.images,
                         .bytes = Bytes{wanted.manifest.size.count + wanted.delivery.bytes + reserve}}};
}

void run_on(PlanBuilder& plan, const UpgradeGround& ground, const Wanted& wanted, const Member& member,
            const std::string& from, const std::vector<std::string>& others)
{
    const std::string& name = member.application;
    // Where it cannot be looked at, a check says so.
    const auto standing = ground.ground.runner.look(name);
    const std::vector<std::string> driver = standing ? standing->driver : std::vector<std::string>();
    const std::string& version = wanted.manifest.version.text;
    plan.activate("stand-by-" + name, fmt::format("let the other of its pair serve in place of {}", name),
                  upgrade::stand_by(name, driver))
        .stalled_after = stand_by_patience;
    operation::Step& run = plan.activate(
        "run-" + name,
        fmt::format("run {} as {}, and wait until it is ready", wanted.manifest.to_text(), name),
        upgrade::run_version(ground.ground, name, member.image, from, version, others, driver));
    run.stalled_after = start_patience;
    Plan& whole = plan.plan();
    whole.gates.push_back({.name = "runs-" + name,
                           .title = fmt::format("{} runs {}, and is ready", name, version),
                           .question = {"member.runs", {{"member", name}, {"version", version}}},
                           .every = gate_pace,
                           .grace = gate_grace});
    if (!wanted.manifest.health.empty())
        whole.gates.push_back(
            {.name = "health-" + name,
             .title = fmt::format("{} says that it is well", wanted.manifest.to_text()),
             .question = upgrade::is_well(ground.ground.images, wanted.manifest, member.user),
             .every = health_pace,
             .grace = health_grace});
    whole.fingerprints.push_back(
        {"member.version", {{"member", name}, {"image", member.image}, {"images", ground.ground.images}}});
    whole.locks.push_back("application:" + name);
    whole.topology.push_back(fmt::format("{} runs {}", name, wanted.manifest.to_text()));
}

void finish(PlanBuilder& plan, const UpgradeGround& ground, const Wanted& wanted)
{
    const Manifest& manifest = wanted.manifest;
    plan.commit("keep", fmt::format("{} is what an abort leads back to from now on", manifest.to_text()),
                upgrade::keep_version(ground.ground, manifest.name, manifest.version.text));
    plan.plan().locks.push_back("image:" + manifest.name);
}

Plan so_already(std::string procedure, std::string title)
{
    Plan plan;
    plan.procedure = std::move(procedure);
    plan.title = std::move(title);
    return plan;
}

/// What was asked, without what the controller adds for the hosts.
Json asked(const Arguments& arguments)
{
    Json all = arguments;
    for (const char* added : {"manifest", "signature", "file", "bytes"}) all.erase(added);
    return all;
}

Result<bool> runs_already(host::Host& host, const UpgradeGround& ground, const Member& member,
                          const std::string& version)
{
    const upgrade::Named named = TRY(upgrade::named(host, ground.ground.images, member.image));
    if (named.runs != version || named.committed != version) return false;
    const upgrade::Standing standing = TRY(ground.ground.runner.look(member.application));
    return standing.version == version || (standing.is_cold && !standing.has_process);
}

Result<void> check_has_image(const Member& member)
{
    if (!member.image.empty()) return {};
    return fail(
        ErrorKind::refused,
        fmt::format("\"{}\" does not run from an image (bundle mode), so nothing can be put beside it",
                    member.application),
        "say image = \"NAME\" of it in the configuration, with a command of the image: docs/upgrade.md");
}

Result<Plan> upgrade_members(const UpgradeGround& ground, const std::vector<Member>& members,
                             PlanBuilder plan, const Wanted& wanted, const std::string& from)
{
    check_image(plan, ground, wanted);
    for (const Member& member : members) check_member(plan, ground, member);
    add_image(plan, ground, wanted, members.front().user);
    std::vector<std::string> later;
    for (const Member& member : members) later.push_back(member.application);
    for (const Member& member : members) {
        later.erase(later.begin());
        run_on(plan, ground, wanted, member, from, later);
    }
    finish(plan, ground, wanted);
    return plan.build();
}

/// Those of the argument, which run from one image.
Result<std::vector<Member>> members_named(const UpgradeGround& ground, const Arguments& arguments)
{
    std::vector<Member> members;
    for (const std::string& name : parts_of(argument(arguments, "application"))) {
        members.push_back(TRY(ground.member(name)));
        TRY(check_has_image(members.back()));
        if (members.back().image != members.front().image)
            return fail(ErrorKind::usage,
                        fmt::format("{} runs from the image {}, and {} from {}", members.front().application,
                                    members.front().image, name, members.back().image));
    }
    if (members.empty()) return fail(ErrorKind::usage, "which application? none was named", "belay app list");
    return members;
}

Result<Plan> upgrade_member(host::Host& host, const UpgradeGround& ground, const Arguments& arguments)
{
    std::vector<Member> members;
    std::vector<std::string> names, taking_over;
    const std::vector<Member> all = TRY(members_named(ground, arguments));
    const std::string& image = all.front().image;
    const Wanted wanted = TRY(wanted_image(host, ground, image, arguments));
    for (const Member& member : all) {
        if (TRY(runs_already(host, ground, member, wanted.manifest.version.text))) continue;
        members.push_back(member);
        names.push_back(member.application);
        if (TRY(ground.ground.runner.look(member.application)).takes_over)
            taking_over.push_back(names.back());
    }
    if (members.empty())
        return so_already("member.upgrade", fmt::format("{} runs {} already", arguments.at("application"),
                                                        wanted.manifest.to_text()));
    const std::string from = TRY(upgrade::named(host, ground.ground.images, image)).runs;
    PlanBuilder plan("member.upgrade",
                     fmt::format("Upgrade {} from {} {} to {}", fmt::join(names, ", "), image,
                                 from.empty() ? "(nothing)" : from, wanted.manifest.version.text),
                     asked(arguments));
    // The controller lets these take over from their own side, before the other one is changed.
    plan.plan().asked["takes_over"] = taking_over;
    return upgrade_members(ground, members, std::move(plan), wanted, from);
}

Result<Plan> upgrade_pair(host::Host& host, const UpgradeGround& ground, const Arguments& arguments)
{
    const std::string& pair = arguments.at("pair");
    const std::vector<Member> members = TRY(ground.pair(pair));
    for (const Member& member : members) TRY(check_has_image(member));
    const Wanted wanted = TRY(wanted_image(host, ground, members.front().image, arguments));
    const std::string from = TRY(upgrade::named(host, ground.ground.images, members.front().image)).runs;
    bool is_so = true;
    for (const Member& member : members)
        is_so = TRY(runs_already(host, ground, member, wanted.manifest.version.text)) && is_so;
    if (is_so)
        return so_already("pair.upgrade",
                          fmt::format("The pair {} runs {} already", pair, wanted.manifest.to_text()));
    PlanBuilder plan("pair.upgrade",
                     fmt::format("Upgrade the pair {} from {} {} to {}", pair, wanted.manifest.name,
                                 from.empty() ? "(nothing)" : from, wanted.manifest.version.text),
                     asked(arguments));
    return upgrade_members(ground, members, std::move(plan), wanted, from);
}

Result<Plan> install(host::Host& host, const UpgradeGround& ground, const Arguments& arguments)
{
    const std::string& image = arguments.at("image");
    const Wanted wanted = TRY(wanted_image(host, ground, image, arguments));
    const std::string runs = TRY(upgrade::named(host, ground.ground.images, image)).runs;
    if (!runs.empty() && wanted.delivery.file.empty())
        return so_already("image.install", fmt::format("{} is installed already", wanted.manifest.to_text()));
    PlanBuilder plan("image.install", fmt::format("Install {}", wanted.manifest.to_text()), asked(arguments));
    if (!wanted.manifest_text.empty())
        plan.check("image.trusted", "a key that this host trusts has signed the image",
                   upgrade::is_trusted(ground.keys, wanted.manifest_text, wanted.signature));
    plan.check("image.same-build", "no other build of that version is installed",
               upgrade::is_same_build(ground.ground.images, ground.keys, wanted.manifest));
    add_image(plan, ground, wanted, "");
    plan.plan().topology.push_back(
        fmt::format("{} lies in {}", wanted.manifest.to_text(), ground.ground.images));
    plan.plan().locks.push_back("image:" + image);
    if (!runs.empty()) return plan.build();
    // Nothing of it runs yet, so nobody is changed by naming the first one.
    plan.activate("name", fmt::format("{} is what is started", wanted.manifest.to_text()),
                  upgrade::name_version(ground.ground, image, wanted.manifest.version.text));
    plan.commit("keep",
                fmt::format("{} is what an abort leads back to from now on", wanted.manifest.to_text()),
                upgrade::keep_version(ground.ground, image, wanted.manifest.version.text));
    return plan.build();
}

std::vector<Argument> told_by_the_controller()
{
    const std::string by_the_controller = "told by the controller: ";
    return {{"manifest", by_the_controller + "what the image says of itself", "name = ...", false, true},
            {"signature", by_the_controller + "over that, in base64", "b0Qx...", false, true},
            {"file", by_the_controller + "SHA-256 of the image's file", "9b74...", false, true},
            {"bytes", by_the_controller + "its bytes", "1048576", false, true}};
}

std::vector<Argument> with_those_of_the_controller(std::vector<Argument> own)
{
    std::ranges::move(told_by_the_controller(), std::back_inserter(own));
    return own;
}

Argument version_argument()
{
    return {"version", "the version that is to run, newer or older", "2.0", true};
}

/// Where it is asked for on this host, what this host's own shelf has of it.
auto with_own_shelf(const UpgradeGround& ground,
                    Result<Plan> (*make)(host::Host&, const UpgradeGround&, const Arguments&))
{
    return [ground, make](host::Host& host, const Arguments& given) -> Result<Plan> {
        Arguments arguments = given;
        if (argument(arguments, "manifest").empty()) {
            std::string image = argument(arguments, "image");
            if (const auto named = arguments.find("application"); named != arguments.end())
                image = TRY(members_named(ground, arguments)).front().image;
            if (const auto named = arguments.find("pair"); named != arguments.end())
                image = TRY(ground.pair(named->second)).front().image;
            const auto own = TRY(ground.image_arguments(image, argument(arguments, "version")));
            for (const auto& [name, value] : own) arguments.insert_or_assign(name, value);
        }
        return make(host, ground, arguments);
    };
}

}  // namespace

Result<FleetAsk> read_fleet(const std::map<std::string, std::string>& arguments)
{
    const auto number = [](const std::string& text, const char* what) -> Result<uint64_t> {
        uint64_t value = 0;
        const char* const end = text.data() + text.size();
        const auto read = std::from_chars(text.data(), end, value);
        if (read.ec == std::errc{} && read.ptr == end && !text.empty()) return value;
        return fail(ErrorKind::usage,
                    fmt::format("\"{}\" is no number of pairs, and {} wants one", text, what));
    };
    FleetAsk ask;
    std::set<std::string> names;
    for (const std::string& name : parts_of(argument(arguments, "pair"))) {
        if (!names.insert(name).second)
            return fail(ErrorKind::usage, fmt::format("the pair {} stands there twice", name));
        ask.pairs.push_back(name);
    }
    const size_t all = ask.pairs.size();
    if (all == 0) return fail(ErrorKind::usage, "which pair? none was named", "belay app pairs");
    if (const std::string waves = argument(arguments, "waves"); !waves.empty()) {
        for (const std::string& one : parts_of(waves)) {
            const uint64_t size = TRY(number(one, "--waves"));
            if (size == 0) return fail(ErrorKind::usage, "a wave has at least one pair");
            ask.waves.push_back(size);
        }
    } else {
        ask.waves = {1, (all + 9) / 10};
    }
    ask.waves.push_back(all);
    if (const std::string failures = argument(arguments, "failures"); !failures.empty())
        ask.failures = TRY(number(failures, "--failures"));
    if (ask.failures >= all && ask.failures > 0)
        return fail(ErrorKind::usage,
                    fmt::format("a limit of {} failures would let all {} pairs fail", ask.failures, all));
    if (const std::string soak = argument(arguments, "soak"); !soak.empty()) ask.soak = TRY(parse_span(soak));
    return ask;
}

Procedure pair_upgrade_page()
{
    return {
        .name = "pair.upgrade",
        .summary = "Upgrade a redundant pair in service, the standby first",
        .description =
            "Brings the image to both members, or to none. Then the one that stands by gets the new version "
            "and is waited for until it is ready; it takes over; the other one gets the new version. Both "
            "versions stay beside each other. An abort, at any time before the commit, leads both back in "
            "the reverse order, and the one that serves hands over before it is touched.",
        .source = "In-Service Software Upgrade on Catalyst 9000; docs/upgrade.md",
        .arguments = {{"pair", "the pair, or one of its applications; several with commas between them",
                       "servers", true},
                      version_argument(),
                      {"waves",
                       "how many pairs at once, wave by wave; one, a tenth and then the rest unless told",
                       "1,10", false},
                      {"failures", "so many pairs may fail and go back alone; none unless told", "1", false},
                      {"soak", "how long it is watched between two waves; no time unless told", "5m", false},
                      {timer_argument, "of the abort, in ms: that of the hosts follows from it", "7200000",
                       false, true}},
        .make = nullptr};
}

std::vector<Procedure> upgrade_procedures(const UpgradeGround& ground)
{
    Procedure pair = pair_upgrade_page();
    pair.name = "pair.upgrade-here";
    pair.summary = "The same for a pair of which both members are on this host";
    pair.arguments =
        with_those_of_the_controller({{"pair", "the pair", "servers", true}, version_argument()});
    pair.make = with_own_shelf(ground, upgrade_pair);
    return {
        {.name = "image.install",
         .summary = "Put a version of an image beside those that are on this host",
         .description = "Nothing that runs is touched. The first version of an image becomes the one that is "
                        "started.",
         .source = "docs/images.md",
         .arguments = with_those_of_the_controller(
             {{"image", "the name of the image", "shop", true}, version_argument()}),
         .make = with_own_shelf(ground, install)},
        {.name = "member.upgrade",
         .summary = "Upgrade an application that runs from an image",
         .description =
             "The part of pair.upgrade on one host. One of a pair lets the other serve first; one that is of "
             "no pair is started anew where it is, and does not serve meanwhile.",
         .source = "docs/upgrade.md",
         .arguments = with_those_of_the_controller(
             {{"application",
               "the application; several of one image with commas between them, in the order of their turns",
               "server-1", true},
              version_argument()}),
         .make = with_own_shelf(ground, upgrade_member)},
        std::move(pair)};
}

}  // namespace belay::procedures
