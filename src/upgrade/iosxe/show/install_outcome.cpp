#include "upgrade/iosxe/show/install_outcome.h"

#include "upgrade/iosxe/show/fields.h"

#include <algorithm>
#include <array>

namespace belay::upgrade::iosxe::show {
namespace {

using printed::trimmed;
using printed::words_of;

/// What is typed, and what the device calls it in its answer.
struct CommandName {
    std::string_view typed, said;
};
constexpr CommandName command_names[] = {
    {"install add", "install_add"},
    {"install add", "install_add_activate_commit"},
    {"install activate", "install_activate"},
    {"install commit", "install_commit"},
    {"install abort", "install_abort"},
    {"install remove", "install_remove"},
    {"install auto-abort-timer", "install_auto_abort_timer"},
    {"install auto-abort-timer", "install_auto_abort_timer_stop"},
    {"clear install state", "clear_install_state"},
};

bool is_called(std::string_view typed, std::string_view said)
{
    return std::ranges::any_of(command_names, [&](const CommandName& name) {
        return typed.starts_with(name.typed) && said == name.said;
    });
}

/// "Fri Feb 8 09:26:26 jst 2019" at the end of a line, whole; empty where there is none.
std::string time_at_end(std::string_view text)
{
    constexpr std::array<std::string_view, 7> days = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    const std::vector<std::string_view> words = words_of(text);
    if (words.size() < 6) return {};
    const auto time = std::span(words).last(6);
    const bool is_time = std::ranges::find(days, time[0]) != days.end() && time[5].size() == 4 &&
                         printed::whole_number(time[5]);
    return is_time ? joined(time) : std::string();
}

/// "[1 2]" at the front of `text`, taken off; empty where there is none.
std::vector<std::string> take_members(std::string_view& text)
{
    if (!text.starts_with('[')) return {};
    const size_t end = text.find(']');
    if (end == std::string_view::npos) return {};
    std::vector<std::string> members = printed::copied_words(text.substr(1, end - 1));
    if (members.size() > most_members) return {};
    text = trimmed(text.substr(end + 1));
    return members;
}

void add(std::vector<std::string>& all, const std::vector<std::string>& more)
{
    for (const std::string& one : more)
        if (std::ranges::find(all, one) == all.end()) all.push_back(one);
}

class OutcomeReader {
  public:
    explicit OutcomeReader(const Shown& shown) : shown_(shown) {}

    Result<InstallOutcome> read()
    {
        for (const Line& line : shown_.lines) {
            const std::string_view text = trimmed(line.text);
            if (TRY(take_frame(line, text)) || take_stage(text) || TRY(take_members_of(line, text))) continue;
            take_other(text);
        }
        decide();
        return std::move(outcome_);
    }

  private:
    /// The first line, and those that say how it went.
    Result<bool> take_frame(const Line& line, std::string_view text)
    {
        if (const size_t start = text.find(": START"); start != std::string_view::npos) {
            const std::string_view name = text.substr(0, start);
            if (!outcome_.command.empty()) return shown_.foreign(line.number, "another command begins");
            if (!is_called(shown_.command, name))
                return shown_.foreign(line.number, fmt::format("it is that of {}", name));
            outcome_.command = name;
            outcome_.started = time_at_end(text);
            return true;
        }
        if (outcome_.command.empty())
            return shown_.foreign(line.number, "it does not begin with START and the command");
        if (const auto what = after(text, "SUCCESS:")) {
            std::string_view rest = *what;
            if (printed::take_word(rest) != outcome_.command) return true;
            succeeds_ = is_ended_ = true;
            outcome_.ended = time_at_end(text);
            return true;
        }
        return take_failure(line, text);
    }

    Result<bool> take_failure(const Line& line, std::string_view text)
    {
        constexpr std::array begins = {"FAILED:", "ERROR:", "Error:", "% Error", "%Error"};
        if (std::ranges::none_of(begins, [&](std::string_view begin) { return text.starts_with(begin); }))
            return false;
        if (text.ends_with(':')) return shown_.foreign(line.number, "it failed, and does not say in what");
        outcome_.reasons.emplace_back(text);
        is_ended_ = true;
        std::string time = time_at_end(text);
        if (const size_t exit = text.find(" exit("); exit != std::string_view::npos) {
            const auto code = between(text.substr(exit), '(', ')');
            if (code) outcome_.exit_code = printed::whole_number(trimmed(*code));
            if (time.empty()) return shown_.foreign(line.number, "the time at which it failed is not there");
        }
        if (!time.empty()) outcome_.ended = std::move(time);
        return true;
    }

    /// "STAGE 2: Restarting Standby", "--- Starting Add ---", "--- Verifying ... ---".
    bool take_stage(std::string_view text)
    {
        if (const auto stage = after(text, "STAGE ")) {
            const auto found = labelled(*stage, ':');
            const auto number = found ? printed::whole_number(found->label) : std::nullopt;
            if (!number) return false;
            outcome_.stages.push_back({.number = *number, .title = std::string(found->value)});
            return true;
        }
        if (!text.starts_with("--- ") || !text.ends_with(" ---")) return false;
        const std::string_view what = text.substr(4, text.size() - 8);
        if (const auto task = after(what, "Starting ")) this->task(*task);
        if (const auto check = after(what, "Verifying ")) outcome_.verified.emplace_back(*check);
        return true;
    }

    /// "[1] Add package(s) on switch 1", "[1] Finished Add on switch 1", "Add: Passed on [1]. Failed on [2]".
    Result<bool> take_members_of(const Line& line, std::string_view text)
    {
        std::string_view rest = text;
        if (const std::vector<std::string> members = take_members(rest); !members.empty()) {
            const size_t packages = rest.find(" package(s) on ");
            if (const auto finished = after(rest, "Finished ")) {
                // Newer releases say "Finished Add package(s) on Switch 1".
                const size_t on = std::min(finished->find(" package(s) on "), finished->rfind(" on "));
                if (on != std::string_view::npos) add(task(finished->substr(0, on)).ended, members);
                part_of_member_ = false;
            } else if (packages != std::string_view::npos) {
                add(task(rest.substr(0, packages)).began, members);
                part_of_member_ = true;
            } else if (text.starts_with("[switch ")) {
                part_of_member_ = false;
            }
            return true;
        }
        const size_t passed = text.find("Passed on ["), failed = text.find("Failed on [");
        if (passed == std::string_view::npos && failed == std::string_view::npos) return false;
        return take_result(line, text, passed, failed);
    }

    Result<bool> take_result(const Line& line, std::string_view text, size_t passed, size_t failed)
    {
        const auto name = labelled(text, ':');
        const size_t colon = text.find(':');
        if (!name || colon > std::min(passed, failed))
            return shown_.foreign(line.number, "members passed or failed, and it is not said in what");
        part_of_member_ = false;
        InstallTask& task = this->task(name->label);
        constexpr size_t to_bracket = std::string_view("Passed on ").size();
        for (const auto& [at, into] : {std::pair{passed, &task.passed}, std::pair{failed, &task.failed}}) {
            if (at == std::string_view::npos) continue;
            std::string_view list = text.substr(at + to_bracket);
            const std::vector<std::string> members = take_members(list);
            if (members.empty()) return shown_.foreign(line.number, "the list of members has no end");
            add(*into, members);
        }
        if (!task.failed.empty()) outcome_.reasons.emplace_back(text);
        return true;
    }

    void take_other(std::string_view text)
    {
        if (text.starts_with("Checking status of ")) {
            part_of_member_ = false;
        } else if (const auto what = after(text, "Finished ")) {
            const auto found = std::ranges::find(outcome_.tasks, *what, &InstallTask::name);
            if (found != outcome_.tasks.end()) found->finished = true;
        } else if (const auto version = after(text, "Image added. Version: ")) {
            outcome_.image_version = *version;
        } else if (part_of_member_) {
            outcome_.tasks.back().said.emplace_back(text);
        } else if (text.starts_with('/') && outcome_.command == "install_remove" &&
                   text.find(' ') == std::string_view::npos) {
            outcome_.deleted.emplace_back(text);
        }
    }

    /// That of this name, which is new where there is none.
    InstallTask& task(std::string_view name)
    {
        const auto found = std::ranges::find(outcome_.tasks, name, &InstallTask::name);
        if (found != outcome_.tasks.end()) return *found;
        outcome_.tasks.push_back({});
        outcome_.tasks.back().name = name;
        return outcome_.tasks.back();
    }

    /// Whatever says that it failed, it failed. Of `clear install state` the last task alone says that it
    /// succeeded.
    void decide()
    {
        const auto own = std::ranges::find(outcome_.tasks, "clear_install_state", &InstallTask::name);
        const bool is_clear =
            outcome_.command == "clear_install_state" && own != outcome_.tasks.end() && own->finished;
        if (!outcome_.reasons.empty() && (is_ended_ || is_clear))
            outcome_.verdict = Verdict::failed;
        else if (succeeds_ || (is_clear && !own->passed.empty()))
            outcome_.verdict = Verdict::succeeded;
    }

    const Shown& shown_;
    InstallOutcome outcome_;
    bool succeeds_ = false, is_ended_ = false;
    bool part_of_member_ = false;  ///< between "[2] Add ..." and "[2] Finished Add ..."
};

Json json_of(const InstallTask& task)
{
    Json json = {{"name", task.name},
                 {"passed", task.passed},
                 {"failed", task.failed},
                 {"began", task.began},
                 {"ended", task.ended}};
    if (task.finished) json["finished"] = true;
    if (!task.said.empty()) json["said"] = task.said;
    return json;
}

}  // namespace

std::string_view name_of(Verdict verdict)
{
    constexpr std::string_view names[] = {"succeeded", "failed", "unsaid"};
    return names[static_cast<size_t>(verdict)];
}

std::vector<std::string> InstallOutcome::failed_members() const
{
    std::vector<std::string> members;
    for (const InstallTask& task : tasks) add(members, task.failed);
    return members;
}

Result<InstallOutcome> read_install_progress(std::string_view text, std::string_view command)
{
    const Shown all = TRY(shown(text, command));
    return OutcomeReader(all).read();
}

Result<InstallOutcome> read_install_outcome(std::string_view text, std::string_view command)
{
    InstallOutcome outcome = TRY(read_install_progress(text, command));
    if (outcome.verdict == Verdict::unsaid)
        return printed::cut(command, "it says neither that it succeeded nor that it failed");
    return outcome;
}

void to_json(Json& json, const InstallOutcome& outcome)
{
    json = {{"command", outcome.command}, {"verdict", name_of(outcome.verdict)}, {"tasks", Json::array()}};
    put(json, "started", outcome.started);
    put(json, "ended", outcome.ended);
    put(json, "exit_code", outcome.exit_code);
    put(json, "image_version", outcome.image_version);
    if (!outcome.reasons.empty()) json["reasons"] = outcome.reasons;
    for (const InstallTask& task : outcome.tasks) json["tasks"].push_back(json_of(task));
    if (!outcome.stages.empty()) json["stages"] = Json::array();
    for (const InstallStage& stage : outcome.stages)
        json["stages"].push_back({{"number", stage.number}, {"title", stage.title}});
    if (!outcome.verified.empty()) json["verified"] = outcome.verified;
    if (!outcome.deleted.empty()) json["deleted"] = outcome.deleted;
}

}  // namespace belay::upgrade::iosxe::show
