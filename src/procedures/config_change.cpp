#include "procedures/config_change.h"

#include "framework/configuration/change.h"
#include "framework/configuration/import.h"
#include "framework/configuration/key_actions.h"
#include "operation/plan_builder.h"
#include "procedures/config_secrets.h"

namespace belay::procedures {
namespace {

using namespace framework::configuration;
using operation::Plan;
using operation::PlanBuilder;
using Arguments = std::map<std::string, std::string>;

constexpr Milliseconds timer_by_default = std::chrono::minutes(10);
constexpr size_t most_lines = 100;
constexpr size_t most_problem_bytes = 4096;

std::string argument(const Arguments& arguments, const std::string& name, const std::string& otherwise)
{
    const auto found = arguments.find(name);
    return found == arguments.end() ? otherwise : found->second;
}

Result<std::string> new_key(host::Host& host)
{
    const std::string bytes = TRY(host.random(16));
    std::string key;
    for (const char byte : bytes) key += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    return key;
}

/// The shortest timer of the policies that are for all.
Milliseconds timer_of(const Configuration& configuration)
{
    std::optional<Milliseconds> shortest;
    for (const Object* policy : configuration.of_type("policy")) {
        if (policy->disabled || policy->attributes.contains("hosts") ||
            policy->attributes.contains("solutions"))
            continue;
        const Milliseconds timer{policy->value("timer").get<int64_t>()};
        if (!shortest || timer < *shortest) shortest = timer;
    }
    return shortest.value_or(timer_by_default);
}

/// All that is wrong with the file, a line each.
Error refused(const std::vector<Problem>& problems, const std::string& file)
{
    const auto errors = std::ranges::count_if(problems, &Problem::error);
    std::string lines = problems_text(problems, file);
    if (lines.size() > most_problem_bytes) lines.resize(lines.rfind('\n', most_problem_bytes) + 1);
    return Error{.kind = ErrorKind::usage,
                 .what = fmt::format("{} has {} error{}, and nothing was changed", file, errors,
                                     errors == 1 ? "" : "s"),
                 .next = "belay config check " + file,
                 .output = std::move(lines)};
}

/// What every change of the configuration has in common, however its wanted state was found.
Result<Plan> plan_of(host::Host& host, const Site& site, const Snapshot& snapshot, const Delta& delta,
                     PlanBuilder plan)
{
    TRY(site.configuration.check_change(delta));
    const std::string key = TRY(new_key(host));
    const Change change = describe(*snapshot.configuration, delta);
    const std::vector<std::string> locks = locks_of(delta);
    plan.check("config.unchanged", "nobody else has changed the same",
               is_unchanged(snapshot.version, delta.ids()));
    plan.activate("write", fmt::format("change the configuration: {}", summary_of(delta)),
                  TRY(write_change(delta, key, locks.front(), change_lines(change, most_lines))));
    operation::Step& confirm = plan.commit("confirm", "let the old configuration go", confirm_change(key));
    confirm.one_way = fmt::format(
        "what was confirmed returns by an operation of its own: belay config revert {}", snapshot.version);
    plan.plan().locks = locks;
    plan.plan().fingerprints = {objects_of(delta)};
    plan.plan().timer = timer_of(*snapshot.configuration);
    for (const Consequence& one : change.consequences)
        plan.plan().topology.push_back(
            fmt::format("{} {}: {}", title_of("application", one.application),
                        one.effect == Effect::after_restart ? "has to restart" : "reconnects", one.why));
    if (!change.consequences.empty())
        plan.plan().left_by_abort.emplace_back(
            "what has restarted or reconnected to take the change up does so once more");
    return plan.build();
}

/// There is nothing to do.
Plan so_already(std::string procedure, std::string title)
{
    Plan plan;
    plan.procedure = std::move(procedure);
    plan.title = std::move(title);
    return plan;
}

/// What the plan seals is opened when it is carried out: by a key that is in the file then.
std::function<Result<void>()> first_key(const Site& site)
{
    return [site]() -> Result<void> {
        const Result<KeyRing> keys = KeyRing::open(site.key_file, site.share_keys);
        if (!keys) return std::unexpected(keys.error());
        return {};
    };
}

Result<Plan> make_change(host::Host& host, const Site& site, const Arguments& arguments)
{
    const Mode mode = TRY(mode_named(argument(arguments, "mode", "merge")));
    const std::string file = argument(arguments, "file", "configuration");
    const Result<KeyRing> keys = KeyRing::read_to_look(site.key_file, site.share_keys);
    if (!keys) return std::unexpected(keys.error());
    const Snapshot snapshot = TRY(site.configuration.snapshot());
    const Imported imported = import_text(arguments.at("text"), *snapshot.configuration, mode, &*keys);
    if (operation::runbook::any_error(imported.problems))
        return std::unexpected(refused(imported.problems, file));
    if (imported.delta.empty())
        return so_already("config.change", fmt::format("The configuration is as {} wants it already", file));
    PlanBuilder plan("config.change", fmt::format("Change the configuration: {}", summary_of(imported.delta)),
                     {{"file", file}, {"mode", name_of(mode)}, {"version", snapshot.version}});
    return plan_of(host, site, snapshot, imported.delta, std::move(plan));
}

Result<Plan> make_revert(host::Host& host, const Site& site, const Arguments& arguments)
{
    const std::string& wanted = arguments.at("version");
    const auto version = from_json_text<Version>(wanted);
    if (!version || *version < 0)
        return fail(ErrorKind::usage, fmt::format("\"{}\" is no version of the configuration", wanted),
                    "belay config history");
    const Result<KeyRing> keys = KeyRing::read_to_look(site.key_file, site.share_keys);
    if (!keys) return std::unexpected(keys.error());
    const Snapshot snapshot = TRY(site.configuration.snapshot());
    const Delta back = TRY(site.configuration.back_to(*version));
    const Delta delta = TRY(with_secrets_that_open(back, *keys));
    if (delta.empty())
        return so_already("config.revert",
                          fmt::format("The configuration is as it was at version {} already", *version));
    PlanBuilder plan(
        "config.revert",
        fmt::format("Return to version {} of the configuration: {}", *version, summary_of(delta)),
        {{"version", *version}});
    return plan_of(host, site, snapshot, delta, std::move(plan));
}

Result<Plan> make_maintenance(host::Host& host, const Site& site, const Arguments& arguments)
{
    const std::string& name = arguments.at("host");
    const std::string& state = arguments.at("state");
    if (state != "on" && state != "off")
        return fail(ErrorKind::usage, fmt::format("maintenance is on or off, and not \"{}\"", state),
                    "belay host maintenance --help");
    const Snapshot snapshot = TRY(site.configuration.snapshot());
    const Object* const before = snapshot.configuration->find("host", name);
    if (before == nullptr)
        return fail(ErrorKind::not_found, fmt::format("there is no host \"{}\" in the configuration", name),
                    "belay config get host");
    const bool wanted = state == "on";
    if (before->value("maintenance").get<bool>() == wanted)
        return so_already("config.maintenance", fmt::format("The host {} is {} maintenance already", name,
                                                            wanted ? "in" : "out of"));
    const auto after = std::make_shared<Object>(*before);
    after->attributes["maintenance"] = wanted;
    const Delta delta{.objects = {{.before = snapshot.configuration->share(before->id), .after = after}}};
    PlanBuilder plan("config.maintenance",
                     wanted ? fmt::format("Put the host {} into maintenance", name)
                            : fmt::format("Take the host {} out of maintenance", name),
                     {{"host", name}, {"state", state}});
    return plan_of(host, site, snapshot, delta, std::move(plan));
}

Result<Plan> make_rotation(host::Host& host, const Site& site)
{
    const Result<KeyRing> keys = KeyRing::read_to_look(site.key_file, site.share_keys);
    if (!keys) return std::unexpected(keys.error());
    const std::string key = TRY(new_key(host));
    const std::string lock = "config:key";
    PlanBuilder plan("config.rotate-key", "A new key for the secrets of the configuration",
                     {{"had", keys->mark()}});
    plan.add("new-key", "make a new key, beside the old one", make_new_key(keys->mark()));
    plan.activate("seal-anew", "seal every secret by the new key", seal_anew(key, lock));
    const auto one_way = [&](std::string name, std::string title, operation::Act act) {
        plan.commit(std::move(name), std::move(title), std::move(act)).one_way =
            "what is sealed by the new key is not sealed by the old one any more";
    };
    one_way("confirm", "let the old seals go", confirm_change(key));
    one_way("drop-old-keys", "drop the old key", drop_old_keys());
    plan.plan().locks = {lock};
    plan.plan().left_by_abort = {
        "the new key stays in the key file, for something may have been sealed by it"};
    return plan.build();
}

}  // namespace

Procedure config_change(const Site& site)
{
    return {.name = "config.change",
            .summary = "change the configuration of the site",
            .description =
                "Takes over what a TOML file says of hosts, applications and the other objects of the site. "
                "The plan "
                "says which applications will have to restart or reconnect. Abort and the timer bring back "
                "what was; "
                "others may change other objects meanwhile, but nothing that would be in the way of that.",
            .source = "docs/configuration.md",
            .arguments = {{"text", "what the file says", "[host.h1]\naddress = \"10.0.0.1\"", true},
                          {"mode",
                           "merge: what it does not name stays; objects: other objects stay; whole: they are "
                           "removed",
                           "merge", false},
                          {"file", "what the file is called, for messages", "site.toml", false}},
            .make = [site](host::Host& host,
                           const Arguments& arguments) { return make_change(host, site, arguments); },
            .before_keeping = first_key(site)};
}

Procedure config_revert(const Site& site)
{
    return {.name = "config.revert",
            .summary = "return to an earlier version of the configuration",
            .description =
                "Makes every object what it was at that version, as a new change: nothing of the history is "
                "lost. "
                "Secrets that were sealed by a key which is gone stay as they are now.",
            .source = "docs/configuration.md",
            .arguments = {{"version", "the version, as belay config history names it", "12", true}},
            .make = [site](host::Host& host,
                           const Arguments& arguments) { return make_revert(host, site, arguments); },
            .before_keeping = first_key(site)};
}

Procedure config_maintenance(const Site& site)
{
    return {
        .name = "config.maintenance",
        .summary = "say that somebody works on a host, or does no longer",
        .description =
            "On: the applications of the host are drained and stopped, those first that need others, and "
            "nothing is started there until it is off. Off: what was wanted before is started again, each "
            "when what it needs is there. While it is not committed, abort and the timer do the reverse.",
        .source = "docs/supervision.md",
        .arguments = {{"host", "the host, as it is configured", "web1", true},
                      {"state", "on or off", "on", true}},
        .make = [site](host::Host& host, const Arguments& arguments) {
            return make_maintenance(host, site, arguments);
        }};
}

Procedure config_rotate_key(const Site& site)
{
    return {.name = "config.rotate-key",
            .summary = "a new key for the secrets of the configuration",
            .description =
                "Makes a new key beside the old one, and seals every secret anew by it. The old key goes "
                "with the commit: "
                "copies of the key file from before open nothing of what is kept from then on. Secrets in "
                "the history "
                "stay sealed by the old key, and can be opened no more.",
            .source = "docs/configuration.md",
            .arguments = {},
            .make = [site](host::Host& host, const Arguments&) { return make_rotation(host, site); },
            .before_keeping = first_key(site)};
}

std::vector<Procedure> configuration_procedures(const Site& site)
{
    return {config_change(site), config_maintenance(site), config_revert(site), config_rotate_key(site)};
}

void fill_configuration(operation::Catalogue& catalogue, const Site& site)
{
    framework::configuration::fill(catalogue, site);
    fill_keys(catalogue, site);
}

}  // namespace belay::procedures
