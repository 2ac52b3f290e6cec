#include "actions.h"

#include "base/json.h"

namespace belay::simulation {
namespace {

using host::Host;
using operation::Action;
using operation::Finding;
using operation::Inspection;
using operation::Repeat;
using operation::Verdict;
using Found = Inspection::Found;

Result<std::optional<std::string>> text_at(Host& host, const std::string& path)
{
    const Result<std::string> text = host.read(path, {1 << 20});
    if (text) return std::optional(*text);
    if (text.error().kind == ErrorKind::not_found) return std::optional<std::string>{};
    return std::unexpected(text.error());
}

std::string argument(const Json& arguments, const char* name)
{
    return arguments.value(name, "");
}

std::string path_in(const Json& arguments, std::string_view folder)
{
    return fmt::format("{}/{}/{}", resource_path(argument(arguments, "resource")), folder,
                       argument(arguments, "name"));
}

/// Beside the resources: what is saved is no part of what an abort must leave as it was.
std::string saved_path(const Json& arguments)
{
    return fmt::format("/saved/{}", argument(arguments, "saved"));
}

Result<void> simctl(Host& host, const Json& arguments, std::string verb, std::string more = "",
                    std::string input = "")
{
    host::Command command{
        .argv = {"simctl", std::move(verb), argument(arguments, "resource"), argument(arguments, "name")},
        .effect = host::Effect::changes,
        .input = std::move(input)};
    if (!more.empty()) command.argv.push_back(std::move(more));
    TRY(host::run_checked(host, command));
    return {};
}

/// Fails as the plan wants it.
Result<void> perhaps_fail(Host& host, const Json& arguments)
{
    const std::string fails = argument(arguments, "fails");
    if (fails.empty()) return {};
    Json named = arguments;
    named["name"] = argument(arguments, "token");
    return simctl(host, named, "try", fails);
}

Json was(const std::optional<std::string>& text)
{
    return {{"was", text ? Json(*text) : Json(nullptr)}};
}

std::optional<std::string> before(const Json& remembered)
{
    const auto found = remembered.find("was");
    if (found == remembered.end() || found->is_null()) return std::nullopt;
    return found->get<std::string>();
}

Result<void> put_back(Host& host, const std::string& path, const std::optional<std::string>& text)
{
    return text ? host.replace(path, *text) : host.remove(path);
}

/// Puts a file into the staging area.
class Stage final : public Action {
  public:
    Result<Inspection> inspect(Host& host, const Json& arguments) const override
    {
        const std::string path = path_in(arguments, "staging");
        if (TRY(text_at(host, path)) == "prepared " + argument(arguments, "name"))
            return Inspection{Found::done};
        return Inspection{TRY(text_at(host, path + ".part")) ? Found::partial : Found::absent};
    }
    Result<Json> remember(Host& host, const Json& arguments) const override
    {
        return was(TRY(text_at(host, path_in(arguments, "staging"))));
    }
    Result<void> apply(Host& host, const Json& arguments) const override
    {
        const std::string path = path_in(arguments, "staging");
        TRY(host.replace(path + ".part", "half"));
        TRY(perhaps_fail(host, arguments));
        TRY(host.replace(path, "prepared " + argument(arguments, "name")));
        return host.remove(path + ".part");
    }
    Result<std::string> remains(Host& host, const Json& arguments, const Json& remembered) const override
    {
        const std::string path = path_in(arguments, "staging");
        if (TRY(text_at(host, path)) != before(remembered)) return "what was prepared";
        return TRY(text_at(host, path + ".part")) ? "a half-prepared file" : "";
    }
    Result<void> revert(Host& host, const Json& arguments, const Json& remembered) const override
    {
        const std::string path = path_in(arguments, "staging");
        TRY(host.remove(path + ".part"));
        return put_back(host, path, before(remembered));
    }
};

/// Changes a setting and tells the service.
class Set final : public Action {
  public:
    Result<Inspection> inspect(Host& host, const Json& arguments) const override
    {
        const std::string value = argument(arguments, "value");
        const bool set = TRY(text_at(host, path_in(arguments, "setting"))) == value;
        const bool live = TRY(text_at(host, path_in(arguments, "live"))) == value;
        return Inspection{set && live ? Found::done : set ? Found::partial : Found::absent};
    }
    Result<Json> remember(Host& host, const Json& arguments) const override
    {
        return was(TRY(text_at(host, path_in(arguments, "setting"))));  // the service follows it
    }
    Result<void> apply(Host& host, const Json& arguments) const override
    {
        TRY(host.replace(path_in(arguments, "setting") + ".new", argument(arguments, "value")));
        TRY(perhaps_fail(host, arguments));
        TRY(simctl(host, arguments, "swap"));
        return simctl(host, arguments, "reload");
    }
    Result<std::string> remains(Host& host, const Json& arguments, const Json& remembered) const override
    {
        const std::optional<std::string> old = before(remembered);
        if (TRY(text_at(host, path_in(arguments, "setting"))) != old) return "the new setting";
        if (TRY(text_at(host, path_in(arguments, "live"))) != old) return "the new setting in the service";
        return TRY(text_at(host, path_in(arguments, "setting") + ".new")) ? "a new value aside" : "";
    }
    Result<void> revert(Host& host, const Json& arguments, const Json& remembered) const override
    {
        TRY(host.remove(path_in(arguments, "setting") + ".new"));
        TRY(put_back(host, path_in(arguments, "setting"), before(remembered)));
        return simctl(host, arguments, "reload");
    }
};

/// Takes a member in.
class Join final : public Action {
  public:
    Result<Inspection> inspect(Host& host, const Json& arguments) const override
    {
        const auto member = TRY(text_at(host, path_in(arguments, "member")));
        return Inspection{member == "ready" ? Found::done : member ? Found::partial : Found::absent};
    }
    Result<void> apply(Host& host, const Json& arguments) const override
    {
        TRY(simctl(host, arguments, "join"));
        return simctl(host, arguments, "sync");
    }
    Result<std::string> remains(Host& host, const Json& arguments, const Json&) const override
    {
        return TRY(text_at(host, path_in(arguments, "member"))) ? "the new member" : "";
    }
    Result<void> revert(Host& host, const Json& arguments, const Json&) const override
    {
        return simctl(host, arguments, "leave");
    }
};

/// Starts what the kernel then goes on with by itself.
class Job final : public Action {
  public:
    Result<Inspection> inspect(Host& host, const Json& arguments) const override
    {
        if (TRY(text_at(host, path_in(arguments, "result")))) return Inspection{Found::done};
        const auto left = TRY(text_at(host, job_path(arguments)));
        if (!left) return Inspection{Found::absent};
        operation::Progress progress{.total = 1'000'000, .unit = "ms"};
        if (*left != "stalled") progress.done = progress.total - std::stoull(*left);
        return Inspection{.found = Found::running, .progress = progress};
    }
    Result<void> apply(Host& host, const Json& arguments) const override
    {
        const int64_t takes = arguments.at("takes_ms");
        return simctl(host, arguments, "start", argument(arguments, "job"),
                      takes < 0 ? "stalled" : fmt::format("{}", takes));
    }
    Result<std::string> remains(Host& host, const Json& arguments, const Json&) const override
    {
        if (TRY(text_at(host, job_path(arguments)))) return "a running job";
        if (TRY(text_at(host, path_in(arguments, "undo")))) return "a job on its way back";
        return TRY(text_at(host, path_in(arguments, "result"))) ? "the result of the job" : "";
    }
    Result<void> revert(Host& host, const Json& arguments, const Json&) const override
    {
        TRY(simctl(host, arguments, "stop", argument(arguments, "job")));
        const int64_t takes = arguments.at("undo_ms");
        if (takes == 0) return host.remove(path_in(arguments, "result"));
        return simctl(host, arguments, "undo", "", fmt::format("{}", takes));
    }
    Result<std::optional<Inspection>> going_back(Host& host, const Json& arguments,
                                                 const Json&) const override
    {
        const auto left = TRY(text_at(host, path_in(arguments, "undo")));
        if (!left) return std::optional<Inspection>();
        const operation::Progress progress{
            .done = 1'000'000 - std::stoull(*left), .total = 1'000'000, .unit = "ms"};
        return Inspection{.found = Found::running, .progress = progress};
    }

  private:
    static std::string job_path(const Json& arguments)
    {
        if (argument(arguments, "job") != "volatile") return path_in(arguments, "job");
        return fmt::format("{}/job/{}", volatile_path(argument(arguments, "resource")),
                           argument(arguments, "name"));
    }
};

/// May not be done twice, and until it is noted down nobody can see that it was done.
class Charge final : public Action {
  public:
    Repeat repeat() const override { return Repeat::never; }
    Result<Inspection> inspect(Host& host, const Json& arguments) const override
    {
        return Inspection{TRY(text_at(host, path_in(arguments, "note"))) ? Found::done : Found::absent};
    }
    Result<void> apply(Host& host, const Json& arguments) const override
    {
        TRY(simctl(host, arguments, "charge"));
        return simctl(host, arguments, "note");
    }
    Result<std::string> remains(Host& host, const Json& arguments, const Json&) const override
    {
        if (TRY(text_at(host, path_in(arguments, "charge")))) return "a charge";
        return TRY(text_at(host, path_in(arguments, "note"))) ? "a note" : "";
    }
    Result<void> revert(Host& host, const Json& arguments, const Json&) const override
    {
        return simctl(host, arguments, "refund");
    }
};

/// Destroys the old.
class Wipe final : public Action {
  public:
    Result<Inspection> inspect(Host& host, const Json& arguments) const override
    {
        const auto old = TRY(text_at(host, path_in(arguments, "old")));
        return Inspection{old == "wiped" ? Found::done : old == "half" ? Found::partial : Found::absent};
    }
    Result<void> apply(Host& host, const Json& arguments) const override
    {
        TRY(host.replace(path_in(arguments, "old"), "half"));
        TRY(perhaps_fail(host, arguments));
        return simctl(host, arguments, "wipe");
    }
    Result<std::string> remains(Host& host, const Json& arguments, const Json&) const override
    {
        return TRY(text_at(host, path_in(arguments, "old"))) == "precious" ? "" : "the old is destroyed";
    }
    Result<void> revert(Host&, const Json&, const Json&) const override
    {
        return fail(ErrorKind::usage, "nobody may ask to revert a one-way step");
    }
};

/// Keeps what a step behind it will destroy.
class Save final : public Action {
  public:
    Result<Inspection> inspect(Host& host, const Json& arguments) const override
    {
        const auto saved = TRY(text_at(host, saved_path(arguments)));
        return Inspection{saved ? Found::done : Found::absent};
    }
    Result<void> apply(Host& host, const Json& arguments) const override
    {
        const auto old = TRY(text_at(host, path_in(arguments, "old")));
        TRY(perhaps_fail(host, arguments));
        return host.replace(saved_path(arguments), "saved " + old.value_or(""));
    }
    Result<std::string> remains(Host&, const Json&, const Json&) const override { return ""; }
    Result<void> revert(Host&, const Json&, const Json&) const override { return {}; }
};

/// Puts back what was saved; over what a crash left of an earlier try, too.
class PutBack final : public Action {
  public:
    Result<Inspection> inspect(Host& host, const Json& arguments) const override
    {
        const auto saved = TRY(text_at(host, saved_path(arguments)));
        const auto old = TRY(text_at(host, path_in(arguments, "old")));
        return Inspection{saved == "saved " + old.value_or("") ? Found::done : Found::partial};
    }
    Result<void> apply(Host& host, const Json& arguments) const override
    {
        const auto saved = TRY(text_at(host, saved_path(arguments)));
        if (!saved) return fail(ErrorKind::failed, "nothing was saved");
        TRY(host.replace(path_in(arguments, "old"), "torn"));
        return host.replace(path_in(arguments, "old"), saved->substr(6));
    }
    Result<std::string> remains(Host&, const Json&, const Json&) const override { return ""; }
    Result<void> revert(Host&, const Json&, const Json&) const override { return {}; }
};

/// Writes a line that an abort leaves, as the plan says.
class NoteDown final : public Action {
  public:
    Result<Inspection> inspect(Host& host, const Json& arguments) const override
    {
        const auto log = TRY(text_at(host, resource_path(argument(arguments, "resource")) + "/log"));
        const bool there = log && log->find(argument(arguments, "name")) != std::string::npos;
        return Inspection{there ? Found::done : Found::absent};
    }
    Result<void> apply(Host& host, const Json& arguments) const override
    {
        return simctl(host, arguments, "log");
    }
    Result<std::string> remains(Host&, const Json&, const Json&) const override { return ""; }
    Result<void> revert(Host&, const Json&, const Json&) const override { return {}; }
};

/// Tells the world who is at work, and makes the mistake in remains() where that is asked for.
class Attended final : public Action {
  public:
    Attended(std::unique_ptr<Action> action, AtWork& at_work, Remains remains)
        : action_(std::move(action)), at_work_(at_work), remains_(remains)
    {
    }

    Repeat repeat() const override { return action_->repeat(); }
    Result<Inspection> inspect(Host& host, const Json& arguments) const override
    {
        return action_->inspect(host, arguments);
    }
    Result<Json> remember(Host& host, const Json& arguments) const override
    {
        return action_->remember(host, arguments);
    }
    Result<void> apply(Host& host, const Json& arguments) const override
    {
        at_work_ = {AtWork::Doing::apply, argument(arguments, "token")};
        Result<void> applied = action_->apply(host, arguments);
        at_work_ = {};
        return applied;
    }
    Result<std::string> remains(Host& host, const Json& arguments, const Json& remembered) const override
    {
        if (remains_ == Remains::asks_for_ours) return action_->remains(host, arguments, remembered);
        return TRY(action_->inspect(host, arguments)).found == Found::done ? "the goal" : "";
    }
    Result<void> revert(Host& host, const Json& arguments, const Json& remembered) const override
    {
        at_work_ = {AtWork::Doing::revert, argument(arguments, "token")};
        Result<void> reverted = action_->revert(host, arguments, remembered);
        at_work_ = {};
        return reverted;
    }
    Result<std::optional<Inspection>> going_back(Host& host, const Json& arguments,
                                                 const Json& remembered) const override
    {
        return action_->going_back(host, arguments, remembered);
    }

  private:
    std::unique_ptr<Action> action_;
    AtWork& at_work_;
    Remains remains_;
};

/// The file at `path` is there, and is `text` where that is given.
Result<Finding> file_is(Host& host, const Json& arguments)
{
    const std::string path = argument(arguments, "path");
    const auto text = TRY(text_at(host, path));
    if (!text) return Finding{Verdict::fail, fmt::format("no {}", path), path, "make it"};
    const std::string wanted = argument(arguments, "text");
    if (!wanted.empty() && *text != wanted) return Finding{Verdict::fail, *text, wanted, "mend it"};
    return Finding{Verdict::pass, *text, wanted};
}

/// One contact for a whole resource: a fingerprint is a look, not a walk.
Result<operation::Fingerprint> slice_fingerprint(Host& host, const Json& arguments)
{
    const host::Outcome outcome =
        TRY(host::run_checked(host, {.argv = {"simctl", "dump", argument(arguments, "resource"), "all"}}));
    return TRY(from_json_text<operation::Fingerprint>(outcome.out));
}

}  // namespace

void fill(operation::Catalogue& catalogue, AtWork& at_work, Remains remains)
{
    const auto add = [&](const char* name, std::unique_ptr<Action> action) {
        catalogue.add(name, std::make_unique<Attended>(std::move(action), at_work, remains));
    };
    add("stage", std::make_unique<Stage>());
    add("set", std::make_unique<Set>());
    add("join", std::make_unique<Join>());
    add("job", std::make_unique<Job>());
    add("charge", std::make_unique<Charge>());
    add("wipe", std::make_unique<Wipe>());
    add("note_down", std::make_unique<NoteDown>());
    add("save", std::make_unique<Save>());
    add("put_back", std::make_unique<PutBack>());
    catalogue.add_fingerprint("old", [](Host& host, const Json& arguments) -> Result<operation::Fingerprint> {
        const auto old = TRY(text_at(host, path_in(arguments, "old")));
        return operation::Fingerprint{{path_in(arguments, "old"), old.value_or("nothing")}};
    });
    catalogue.add_condition("file_is", file_is);
    catalogue.add_fingerprint("slice", slice_fingerprint);
}

bool goal_reached(const Machine& machine, const operation::Step& step)
{
    const std::string name = argument(step.arguments, "name");
    const std::string root = resource_path(argument(step.arguments, "resource"));
    const auto at = [&](std::string_view folder) {
        return machine.text(fmt::format("{}/{}/{}", root, folder, name)).value_or("");
    };
    if (step.action == "stage") return at("staging") == "prepared " + name;
    if (step.action == "set") {
        const std::string value = argument(step.arguments, "value");
        return at("setting") == value && at("live") == value;
    }
    if (step.action == "join") return at("member") == "ready";
    if (step.action == "job") return at("result") == "done";
    if (step.action == "charge") return !at("charge").empty() && !at("note").empty();
    if (step.action == "wipe") return at("old") == "wiped";
    if (step.action == "save") return machine.text(saved_path(step.arguments)).has_value();
    return machine.text(root + "/log").value_or("").find(name) != std::string::npos;
}

}  // namespace belay::simulation
