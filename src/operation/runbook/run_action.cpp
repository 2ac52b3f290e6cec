// A command of a runbook, with what a person said about how to see whether it ran.

#include "base/json.h"
#include "host/encoding.h"
#include "operation/runbook/commands.h"

namespace belay::operation::runbook {
namespace {

class Run final : public Action {
  public:
    explicit Run(Repeat repeat) : repeat_(repeat) {}

    Repeat repeat() const override { return repeat_; }

    Result<Inspection> inspect(host::Host& host, const Json& arguments) const override
    {
        using Found = Inspection::Found;
        if (!arguments.contains("check")) return Inspection{Found::unseen};
        const Answer answer = TRY(ask(host, arguments.at("check")));
        return Inspection{answer.yes ? Found::done : Found::absent, answer.yes ? "" : answer.found};
    }

    Result<Json> remember(host::Host& host, const Json& arguments) const override
    {
        if (!arguments.contains("remember")) return Json::object();
        const std::string text = TRY(ask_to_remember(host, arguments));
        return Json{{"text", host::encode_bytes(text)}};
    }

    Result<void> apply(host::Host& host, const Json& arguments) const override
    {
        TRY(run_checked(host, *run_command(arguments)));
        return {};
    }

    bool sees_remains(const Json& arguments) const override { return arguments.contains("left"); }

    /// Without "left" it is asked only for a step of which nobody knows how far it came.
    Result<std::string> remains(host::Host& host, const Json& arguments,
                                const Json& remembered) const override
    {
        const bool asked_for_it = arguments.contains("left");
        if (!asked_for_it && !arguments.contains("check"))
            return fmt::format("what {} may have done", run_command(arguments)->argv.front());
        const Json& probe = arguments.at(asked_for_it ? "left" : "check");
        const Answer answer = TRY(ask(host, probe, remembered_text(remembered)));
        return answer.yes ? fmt::format("what {} did", run_command(arguments)->argv.front()) : std::string();
    }

    Result<void> revert(host::Host& host, const Json& arguments, const Json& remembered) const override
    {
        const auto command = undo_command(arguments, remembered_text(remembered));
        if (!command) return fail(ErrorKind::corrupt, "this step has no way back");
        if (arguments.contains("left") || !arguments.contains("check")) {
            TRY(run_checked(host, *command));
            return {};
        }
        const bool was_there = TRY(ask(host, arguments.at("check"))).yes;
        const Result<host::Outcome> undone = run_checked(host, *command);
        if (!undone && undone.error().kind == ErrorKind::dead) return std::unexpected(undone.error());
        const Answer after = TRY(ask(host, arguments.at("check")));
        if (after.yes && undone)
            return fail(ErrorKind::failed,
                        fmt::format("{} ended well, and the check still says that the step is done",
                                    command->argv.front()));
        // What was undone before a crash is undone again, and may say that there is nothing to undo.
        const bool seen_to_be_gone =
            !after.yes && (!was_there || (!undone && undone.error().kind == ErrorKind::lost));
        if (undone || seen_to_be_gone) return {};
        return std::unexpected(undone.error());
    }

    Result<void> make_durable(host::Host& host, const Json&) const override { return sync_all(host); }

  private:
    const Repeat repeat_;
};

/// Changes nothing: it is done when its question is answered with yes.
class Wait final : public Action {
  public:
    Result<Inspection> inspect(host::Host& host, const Json& arguments) const override
    {
        const Answer answer = TRY(ask(host, arguments));
        if (answer.yes) return Inspection{Inspection::Found::done};
        return Inspection{.found = Inspection::Found::running,
                          .detail = answer.found,
                          .look_again = Milliseconds{arguments.at("every_ms").get<int64_t>()}};
    }
    Result<void> apply(host::Host&, const Json&) const override { return {}; }
    Result<std::string> remains(host::Host&, const Json&, const Json&) const override
    {
        return std::string();
    }
    Result<void> revert(host::Host&, const Json&, const Json&) const override { return {}; }
};

}  // namespace

std::unique_ptr<Action> run_action(Repeat repeat)
{
    return std::make_unique<Run>(repeat);
}

std::unique_ptr<Action> wait_action()
{
    return std::make_unique<Wait>();
}

}  // namespace belay::operation::runbook
