#include "operation/plan.h"

namespace belay::operation {
namespace {

constexpr std::string_view phase_names[] = {"add", "activate", "commit"};

Phase phase_named(const std::string& name)
{
    for (size_t i = 0; i < std::size(phase_names); ++i) {
        if (phase_names[i] == name) return static_cast<Phase>(i);
    }
    throw Json::other_error::create(501, "no phase is called " + name, nullptr);
}

/// Every text in it that speaks of the operation's own folder.
void put_in_folder(Json& json, std::string_view folder)
{
    if (json.is_structured()) {
        for (Json& part : json) put_in_folder(part, folder);
        return;
    }
    if (!json.is_string()) return;
    std::string text = json.get<std::string>();
    size_t at = 0;
    while ((at = text.find(own_folder, at)) != std::string::npos) {
        text.replace(at, own_folder.size(), folder);
        at += folder.size();
    }
    json = std::move(text);
}

/// `before`: the names of the steps in front of it.
Result<void> validate_restore(const Step& step, const std::set<std::string_view>& before)
{
    const auto refuse = [&](std::string_view why) {
        return fail(ErrorKind::usage,
                    fmt::format("the step {} is undone by a restore, and {}", step.name, why));
    };
    if (step.phase != Phase::activate) return refuse("it is none of the activate phase");
    if (!step.one_way.empty()) return refuse("it says that it has no way back");
    if (step.restore->action.empty()) return refuse("no action is named for that");
    if (step.restore->proof.empty()) return refuse("nothing would prove it");
    if (step.restore->from == step.name || !before.contains(step.restore->from))
        return refuse(fmt::format("no step before it is called {}", step.restore->from));
    return {};
}

Milliseconds span(const Json& json, const char* key, Milliseconds fallback)
{
    return Milliseconds{json.value(key, fallback.count())};
}

}  // namespace

std::string_view name_of(Phase phase)
{
    return phase_names[static_cast<size_t>(phase)];
}

void to_json(Json& json, const Question& question)
{
    json = {{"condition", question.condition}, {"arguments", question.arguments}};
}

void from_json(const Json& json, Question& question)
{
    question = {json.at("condition"), json.value("arguments", Json::object())};
}

void to_json(Json& json, const Check& check)
{
    json = {
        {"code", check.code}, {"title", check.title}, {"question", check.question}, {"again", check.again}};
}

void from_json(const Json& json, Check& check)
{
    check = {json.at("code"), json.at("title"), json.at("question"), json.value("again", true)};
}

void to_json(Json& json, const Restore& restore)
{
    json = {{"from", restore.from},
            {"action", restore.action},
            {"arguments", restore.arguments},
            {"proof", restore.proof}};
}

void from_json(const Json& json, Restore& restore)
{
    restore = {json.at("from"), json.at("action"), json.at("arguments"),
               json.value("proof", std::vector<Question>{})};
}

void to_json(Json& json, const Step& step)
{
    json = {{"name", step.name},
            {"title", step.title},
            {"phase", name_of(step.phase)},
            {"member", step.member},
            {"action", step.action},
            {"arguments", step.arguments},
            {"commands", step.commands},
            {"undo_commands", step.undo_commands},
            {"one_way", step.one_way},
            {"failure_aborts", step.failure_aborts},
            {"identity", step.identity},
            {"expects", step.expects},
            {"takes_ms", step.takes.count()},
            {"stalled_after_ms", step.stalled_after.count()}};
    if (step.restore) json["restore"] = *step.restore;
}

void from_json(const Json& json, Step& step)
{
    step.name = json.at("name");
    step.title = json.at("title");
    step.phase = phase_named(json.at("phase"));
    step.member = json.value("member", "");
    step.action = json.at("action");
    step.arguments = json.at("arguments");
    step.commands = json.value("commands", std::vector<std::string>{});
    step.undo_commands = json.value("undo_commands", std::vector<std::string>{});
    step.one_way = json.value("one_way", "");
    if (json.contains("restore")) step.restore = json.at("restore").get<Restore>();
    step.failure_aborts = json.value("failure_aborts", false);
    step.identity = json.value("identity", std::vector<Question>{});
    step.expects = json.value("expects", std::vector<Question>{});
    step.takes = span(json, "takes_ms", {});
    step.stalled_after = span(json, "stalled_after_ms", {});
}

void to_json(Json& json, const Gate& gate)
{
    json = {{"name", gate.name},
            {"title", gate.title},
            {"question", gate.question},
            {"every_ms", gate.every.count()},
            {"grace_ms", gate.grace.count()},
            {"from", name_of(gate.from)}};
}

void from_json(const Json& json, Gate& gate)
{
    gate.name = json.at("name");
    gate.title = json.at("title");
    gate.question = json.at("question");
    gate.every = span(json, "every_ms", gate.every);
    gate.grace = span(json, "grace_ms", gate.grace);
    gate.from = phase_named(json.value("from", std::string(name_of(gate.from))));
}

void to_json(Json& json, const Room& room)
{
    json = {{"path", room.path}, {"bytes", room.bytes.count}};
}

void from_json(const Json& json, Room& room)
{
    room = {json.at("path"), Bytes{json.at("bytes").get<uint64_t>()}};
}

void to_json(Json& json, const Plan& plan)
{
    json = {{"procedure", plan.procedure},
            {"title", plan.title},
            {"asked", plan.asked},
            {"checks", plan.checks},
            {"steps", plan.steps},
            {"gates", plan.gates},
            {"locks", plan.locks},
            {"fingerprints", plan.fingerprints},
            {"room", plan.room},
            {"keeps", plan.keeps},
            {"topology", plan.topology},
            {"left_by_abort", plan.left_by_abort},
            {"timer_ms", plan.timer.count()}};
}

void from_json(const Json& json, Plan& plan)
{
    plan.procedure = json.at("procedure");
    plan.title = json.at("title");
    plan.asked = json.value("asked", Json::object());
    plan.checks = json.value("checks", std::vector<Check>{});
    plan.steps = json.at("steps");
    plan.gates = json.value("gates", std::vector<Gate>{});
    plan.locks = json.value("locks", std::vector<std::string>{});
    plan.fingerprints = json.value("fingerprints", std::vector<Question>{});
    plan.room = json.value("room", std::vector<Room>{});
    plan.keeps = json.value("keeps", std::vector<std::string>{});
    plan.left_by_abort = json.value("left_by_abort", std::vector<std::string>{});
    plan.topology = json.value("topology", std::vector<std::string>{});
    plan.timer = span(json, "timer_ms", plan.timer);
}

Plan in_folder(const Plan& plan, std::string_view folder)
{
    Json json = plan;
    for (const char* part : {"steps", "checks", "room", "keeps"}) put_in_folder(json.at(part), folder);
    return json.get<Plan>();
}

Result<void> validate_as_part(const Plan& plan)
{
    for (const Step& step : plan.steps) {
        if (step.phase != Phase::commit && !step.one_way.empty())
            return fail(
                ErrorKind::usage,
                fmt::format("the step {} cannot be undone before commit ({}): so it cannot be part of a "
                            "change on several hosts",
                            step.name, step.one_way));
        if (step.failure_aborts)
            return fail(
                ErrorKind::usage,
                fmt::format("the step {} of commit goes back when it fails: so it cannot be part of a "
                            "change on several hosts",
                            step.name));
    }
    return {};
}

Result<void> validate(const Plan& plan)
{
    if (plan.steps.empty())
        return fail(ErrorKind::usage, fmt::format("the plan of {} has no step", plan.procedure));
    std::set<std::string_view> names;
    Phase phase = Phase::add;
    bool past_one_way = false;
    for (const Step& step : plan.steps) {
        if (!names.insert(step.name).second)
            return fail(ErrorKind::usage, fmt::format("two steps are called {}", step.name));
        if (step.phase < phase)
            return fail(ErrorKind::usage, fmt::format("the step {} stands after a later phase", step.name));
        if (step.action.empty())
            return fail(ErrorKind::usage, fmt::format("the step {} has no action", step.name));
        if (step.phase == Phase::add && !step.one_way.empty())
            return fail(ErrorKind::usage,
                        fmt::format("the step {} of the add phase has no way back", step.name));
        if (step.restore) TRY(validate_restore(step, names));
        past_one_way = past_one_way || !step.one_way.empty();
        if (step.failure_aborts && (step.phase != Phase::commit || past_one_way))
            return fail(
                ErrorKind::usage,
                fmt::format("the step {} goes back when it fails: that is for steps of the commit phase "
                            "before the first that has no way back",
                            step.name));
        phase = step.phase;
    }
    for (const Gate& gate : plan.gates) {
        if (gate.from == Phase::commit)
            return fail(
                ErrorKind::usage,
                fmt::format("the gate {} is for the commit phase, in which no gate is asked", gate.name));
    }
    const std::set<std::string_view> locks(plan.locks.begin(), plan.locks.end());
    if (locks.size() != plan.locks.size())
        return fail(ErrorKind::usage, fmt::format("the plan of {} names a lock twice", plan.procedure));
    return {};
}

}  // namespace belay::operation
