#include "trial.h"

#include "base/json.h"

#include <csignal>
#include <cstdlib>

namespace belay::trial {
namespace {

using namespace std::chrono_literals;

constexpr const char* slots = "256";
constexpr const char* socket = "/run/belay/belayd.sock";

std::string blocks()
{
    return std::string(lab::Mirror::data) + "/blocks";
}

Result<Json> json_of(const host::Outcome& outcome)
{
    const Result<Json> json = parse_json(outcome.out);
    if (!json)
        return fail(ErrorKind::failed, fmt::format("belay answered with exit code {}: {}{}",
                                                   outcome.exit_code, outcome.out, outcome.err));
    return *json;
}

/// In the text of `mdadm --detail`: "... active sync   /dev/ubda1", of a RAID10 "... active sync set-A
/// /dev/ubda1".
bool is_active(const std::string& detail, const std::string& device)
{
    const size_t at = detail.find(" " + device + "\n");
    if (at == std::string::npos) return false;
    const std::string before = detail.substr(0, at);
    return before.find("active sync", before.rfind('\n') + 1) != std::string::npos;
}

}  // namespace

std::string Cut::text() const
{
    if (copied_percent > 0) return fmt::format("when {} % are copied", copied_percent);
    return fmt::format("{} commit {}", before ? "before" : "after", commit);
}

Result<Trial> Trial::begin(const lab::Folder& folder, Subject subject)
{
    lab::MirrorOptions options{.disk = subject.disk, .joining = subject.joining};
    options.used = subject.used;
    options.content = subject.content;
    options.level = subject.level;
    options.members = subject.members;
    Trial trial(TRY(lab::Mirror::build(folder, std::move(options))));
    trial.subject_ = std::move(subject);
    TRY(trial.lose_leaving());
    TRY(trial.start_load());
    return trial;
}

Result<void> Trial::start_load()
{
    TRY(mirror_.run({"rm", "-f", blocks()}));
    load_.emplace(TRY(mirror_.host().start(
        {mirror_.program("belay-load"), "run", blocks(), "--slots", slots, "--rate", "100", "--report"})));
    TRY(load_->read_until("ready\n", 30s));
    last_answered_ = 0;
    load_text_.clear();
    return {};
}

/// Ends the load where it still runs, and checks every block in any case.
Result<void> Trial::verify_load()
{
    if (load_) {
        TRY(load_->signal(SIGTERM));
        const host::Outcome outcome = TRY(load_->wait(30s));
        load_.reset();
        if (outcome.exit_code != 0 || outcome.out.find(", 0 lost") == std::string::npos)
            return fail(ErrorKind::failed, "the load lost something: " + outcome.out + outcome.err);
        return {};
    }
    TRY(mirror_.run({mirror_.program("belay-load"), "check", blocks(), "--slots", slots, "--last",
                     fmt::format("{}", last_answered_)}));
    return {};
}

/// Starts a daemon with this fate and asks for the operation; the daemon may be gone before it can answer.
Result<lab::Process> Trial::begin_operation(Course course, const std::string& fate)
{
    TRY(mirror_.run({"rm", "-f", socket}));
    lab::Process daemon =
        TRY(mirror_.host().start({"env", "BELAY_MORTAL=" + fate, mirror_.program("belayd-mortal")}));
    TRY(mirror_.run({"sh", "-c", fmt::format("until test -S {}; do sleep 0.05; done", socket)}));
    std::vector<std::string> words = {"run"};
    const bool gone = subject_.leaving == Subject::Leaving::gone;
    if (subject_.words.empty())
        words.insert(words.end(), {"disk.replace", gone ? "--like" : "--leaving", gone ? staying_ : leaving_,
                                   "--joining", joining_});
    words.insert(words.end(), subject_.words.begin(), subject_.words.end());
    std::ranges::replace(words, std::string(Subject::array), mirror_.array());
    words.insert(words.end(), {"--soak", "1s", "--yes"});
    if (course == Course::abort) words.insert(words.end(), {"--gate", "command:false", "--gate-grace", "1s"});
    words.insert(words.begin(), mirror_.program("belay"));
    asking_.emplace(TRY(mirror_.host().start(words)));
    return daemon;
}

/// The operations so far, as the running daemon tells them; starts the ordinary one where none runs.
Result<Json> Trial::operations(Milliseconds limit)
{
    const Json answer = TRY(json_of(TRY(mirror_.belay({"history", "--json"}, limit))));
    if (!answer.contains("operations"))
        return fail(ErrorKind::failed, "belay history says " + json_text(answer));
    return answer.at("operations");
}

/// Waits for the cut; false where the operation ends before it.
Result<bool> Trial::cut_came(lab::Process& daemon, const Cut& cut)
{
    bool over = false;
    for (int looks = 0; looks < 600; ++looks) {
        if (cut.copied_percent > 0) {
            const std::string copied = TRY(mirror_.run({"sh", "-c", "cat /sys/block/md*/md/sync_completed"}));
            unsigned long long done = 0, total = 0;
            if (std::sscanf(copied.c_str(), "%llu / %llu", &done, &total) == 2 &&
                done * 100 >= total * cut.copied_percent)
                return true;
        } else {
            const Result<std::string> said = daemon.read_until("mortal: now\n", over ? 1ms : 200ms);
            if (said) return true;
            if (said.error().kind != ErrorKind::timeout) return std::unexpected(said.error());
        }
        if (over) return false;
        // The daemon may have met its fate while it was asked: it is looked at once more.
        if (const Result<host::Outcome> answer = asking_->wait(1ms)) {
            asked_ = answer->out + answer->err;
            over = true;
        }
    }
    return fail(ErrorKind::timeout, "neither the cut nor the end came");
}

/// With the ordinary daemon: the state in which the operation rests, which must be one that has ended. Empty:
/// it never was.
Result<Json> Trial::wait_for_end()
{
    const Json all = TRY(operations(120s));
    if (all.size() <= seen_) return Json();
    const std::string id = all.back().at("id");
    if (all.back().at("state") == "planned") {
        // Kept, and the request to begin it was lost with the daemon: it waits for a person, and nothing has
        // been touched.
        static_cast<void>(TRY(mirror_.belay({"abort", id})));
    }
    static_cast<void>(TRY(mirror_.belay({"show", id, "--follow"}, 120s)));
    return TRY(json_of(TRY(mirror_.belay({"show", id, "--json"}))));
}

Result<void> Trial::hold_promises(const Json& operation)
{
    const std::string state = operation.at("state");
    const auto broken = [&](std::string_view what) {
        return fail(ErrorKind::failed, fmt::format("{}\n{}", what, operation.dump(1)));
    };
    if (state != "committed" && state != "aborted")
        return broken("the operation has not ended by itself, it is " + state);
    // A boot may make a member of a failed disk again. The abort says so; it is no worse than before.
    const bool may_differ = subject_.leaving == Subject::Leaving::failed && TRY(is_member(leaving_));
    if (state == "aborted" &&
        (operation.at("verified") != true || (!operation.at("differences").empty() && !may_differ)))
        return broken("the abort has not proven that everything is as it was");
    const std::string wrong =
        TRY(subject_.wrong ? subject_.wrong(mirror_, state) : wrong_with_members(state));
    if (!wrong.empty()) return broken(wrong);
    const Json records =
        TRY(json_of(TRY(mirror_.belay({"show", operation.at("id"), "--journal", "--json"}))));
    std::map<std::string, int> outcomes;
    for (const Json& record : records.at("records")) {
        if (record.at("event") == "outcome" && ++outcomes[record.at("detail").at("step")] > 1)
            return broken("a step was done twice:\n" + records.dump(1));
    }
    return {};
}

/// In the array, and not as one that has failed.
Result<bool> Trial::is_member(const std::string& serial)
{
    const std::string detail = TRY(mirror_.run({"mdadm", "--detail", mirror_.array()}));
    std::string disk = TRY(mirror_.run({"readlink", "-f", mirror_.disk(serial)}));
    disk.pop_back();
    const size_t at = detail.find(" " + disk + "1\n");
    return at != std::string::npos &&
           detail.substr(0, at).find("faulty", detail.rfind('\n', at)) == std::string::npos;
}

std::vector<std::string> Trial::pulled() const
{
    if (subject_.leaving != Subject::Leaving::gone) return {};
    return {leaving_};
}

/// The disk that is to leave fails, or is pulled while the host is off.
Result<void> Trial::lose_leaving()
{
    if (subject_.leaving == Subject::Leaving::gone) {
        TRY(mirror_.host().power_off());
        TRY(mirror_.boot(pulled()));
    }
    if (subject_.leaving != Subject::Leaving::failed) return {};
    static_cast<void>(TRY(mirror_.host().run({"mdadm", "--wait", mirror_.array()})));
    if (TRY(is_member(leaving_)))
        TRY(mirror_.run({"mdadm", "--manage", mirror_.array(), "--fail", mirror_.disk(leaving_) + "-part1"}));
    return {};
}

/// Who must be a member after a replacement, and who must not.
Result<std::string> Trial::wrong_with_members(const std::string& state)
{
    const std::string detail = TRY(mirror_.run({"mdadm", "--detail", mirror_.array()}));
    const bool committed = state == "committed";
    const std::string serving = committed ? joining_ : leaving_;
    std::vector<std::string> wanted = {staying_};
    if (committed || subject_.leaving == Subject::Leaving::serves) wanted.push_back(serving);
    const std::vector<std::string> first = mirror_.members();
    wanted.insert(wanted.end(), first.begin() + 2, first.end());
    for (const std::string& serial : wanted) {
        std::string disk = TRY(mirror_.run({"readlink", "-f", mirror_.disk(serial)}));
        disk.pop_back();
        if (!is_active(detail, disk + "1"))
            return fmt::format("{} ({}) is no active member:\n{}", serial, disk, detail);
    }
    if (detail.find(fmt::format("Raid Devices : {}\n", subject_.members)) == std::string::npos)
        return "the array has another number of members:\n" + detail;
    if (committed && subject_.leaving == Subject::Leaving::gone) return "";
    const host::Outcome superblock = TRY(
        mirror_.host().run({"mdadm", "--examine", mirror_.disk(committed ? leaving_ : joining_) + "-part1"}));
    return superblock.exit_code == 0 ? "the disk that is out carries a superblock:\n" + superblock.out : "";
}

/// The disk that is out is blank again, and who is who follows from how it ended.
Result<void> Trial::prepare_next(const std::string& state)
{
    if (!subject_.words.empty()) return {};
    if (state != "committed") return pulled().empty() ? lose_leaving() : Result<void>();
    if (subject_.leaving == Subject::Leaving::gone) {
        // It comes back into its bay, for the disk that joined is to be lost next.
        std::swap(leaving_, joining_);
        TRY(lose_leaving());
        std::swap(leaving_, joining_);
    }
    const std::string path = mirror_.disk(leaving_);
    TRY(mirror_.run({"wipefs", "--quiet", "--all", "--force", path}));
    TRY(mirror_.run({"blockdev", "--rereadpt", path}));
    TRY(mirror_.run({"udevadm", "settle"}));
    std::swap(leaving_, joining_);  // the disk that came, and the blank one
    if (subject_.leaving == Subject::Leaving::gone) return {};
    std::swap(leaving_, staying_);  // the next to leave is the one that has stayed longest
    return lose_leaving();
}

Result<void> Trial::set_speed(const Cut& cut)
{
    // Slow enough that the copy can be met on its way.
    const char* speed = cut.copied_percent > 0 ? "8000" : "200000";
    TRY(mirror_.run(
        {"sh", "-c",
         fmt::format(
             "echo {0} > /proc/sys/dev/raid/speed_limit_max; echo {0} > /proc/sys/dev/raid/speed_limit_min",
             speed)}));
    return {};
}

Result<Ending> Trial::finish(bool was_cut)
{
    TRY(set_speed({}));
    const Json operation = TRY(wait_for_end());
    if (!was_cut && operation.is_null())
        return fail(ErrorKind::failed, "the operation was refused: " + asked_);
    TRY(verify_load());
    Ending ending{was_cut, "none"};
    if (!operation.is_null()) {
        TRY(hold_promises(operation));
        ending.state = operation.at("state");
        ++seen_;
    }
    TRY(prepare_next(ending.state));
    TRY(mirror_.run({"sh", "-c", "pkill -x belayd; while pgrep -x belayd >/dev/null; do sleep 0.05; done"}));
    TRY(start_load());
    return ending;
}

Result<Ending> Trial::with_killed_daemon(Course course, const Cut& cut)
{
    TRY(set_speed(cut));
    lab::Process daemon =
        TRY(begin_operation(course, fmt::format("{} {} kill", cut.before ? "before" : "after", cut.commit)));
    const bool came = TRY(cut_came(daemon, cut));
    if (!came) TRY(daemon.signal(SIGTERM));
    const host::Outcome ended = TRY(daemon.wait(30s));
    const bool killed = ended.exit_code == 128 + SIGKILL;
    if (came != killed)
        return fail(ErrorKind::failed, fmt::format("the daemon ended with exit code {}: {}{}",
                                                   ended.exit_code, ended.out, ended.err));
    asking_.reset();
    return finish(came);
}

Result<Ending> Trial::with_power_cut(Course course, const Cut& cut)
{
    TRY(set_speed(cut));
    bool came = false;
    {
        lab::Process daemon = TRY(
            begin_operation(course, fmt::format("{} {} stop", cut.before ? "before" : "after", cut.commit)));
        came = TRY(cut_came(daemon, cut));
        while (true) {
            const Result<std::string> more = load_->read(1ms);
            if (!more) break;
            load_text_ += *more;
        }
        mirror_.power_cut();
        asking_.reset();
        load_.reset();
    }
    const size_t ack = load_text_.rfind("ack ");
    // The last line may have been cut short; the one before it is whole.
    const size_t whole =
        load_text_.rfind("ack ", load_text_.rfind('\n') == std::string::npos ? 0 : load_text_.rfind('\n'));
    if (ack != std::string::npos && whole != std::string::npos)
        last_answered_ = std::strtoull(load_text_.c_str() + whole + 4, nullptr, 10);
    TRY(mirror_.boot(pulled()));
    if (subject_.after_cut) TRY(subject_.after_cut(mirror_));
    return finish(came);
}

}  // namespace belay::trial
