#pragma once
// A lab host with Belay on it: operations that go one way or the other, and the power cut on their way.

#include "base/json.h"
#include "base/testing/must.h"
#include "host.h"
#include "sampling.h"

#include <csignal>
#include <doctest/doctest.h>
#include <filesystem>

namespace belay {

class Bench {
  public:
    using Words = std::vector<std::string>;

    Bench() = default;
    virtual ~Bench() = default;
    Bench(const Bench&) = delete;
    Bench& operator=(const Bench&) = delete;

    virtual lab::Host& host() = 0;
    /// Off within a moment, and booted again.
    virtual void cut_power() = 0;

    host::Outcome try_shell(const std::string& line)
    {
        return must(host().run({"sh", "-c", line}, {}, limit));
    }
    std::string shell(const std::string& line)
    {
        const host::Outcome outcome = try_shell(line);
        REQUIRE_MESSAGE(outcome.exit_code == 0, line, "\n", outcome.out, outcome.err);
        return outcome.out;
    }
    static std::string program(const std::string& name)
    {
        return std::filesystem::read_symlink("/proc/self/exe").parent_path() / name;
    }
    host::Outcome belay(Words words)
    {
        words.insert(words.begin(), program("belay"));
        return must(host().run(words, {}, limit));
    }

    /// Adds; the operation's number.
    std::string add(const Words& procedure, const Words& options = {})
    {
        Words words = {"add"};
        words.insert(words.end(), procedure.begin(), procedure.end());
        words.insert(words.end(), options.begin(), options.end());
        words.emplace_back("--json");
        const host::Outcome added = belay(words);
        REQUIRE_MESSAGE(added.exit_code == 0, added.out, added.err);
        return last_json(added.out).at("id");
    }
    std::string activate(const Words& procedure, const Words& options = {})
    {
        const std::string id = add(procedure, options);
        const host::Outcome outcome = belay({"activate", id});
        CHECK_MESSAGE(outcome.exit_code == 0, outcome.out, outcome.err);
        return id;
    }
    Json shown(const std::string& id) { return must(parse_json(belay({"show", id, "--json"}).out)); }
    void follow(const std::string& id) { static_cast<void>(belay({"show", id, "--follow"})); }

    void is_committed(const std::string& id)
    {
        const Json operation = shown(id);
        INFO(operation.dump(1));
        CHECK(operation.at("state") == "committed");
    }
    void went_back(const std::string& id)
    {
        const Json operation = shown(id);
        INFO(operation.dump(1));
        CHECK(operation.at("state") == "aborted");
        CHECK(operation.at("verified") == true);
        CHECK(operation.at("differences").empty());
    }
    /// Activated and then taken back by a person, by the timer, and by a gate; `back` looks at the world.
    template <typename Back>
    void goes_back_each_way(const Words& procedure, Back back)
    {
        const std::string by_hand = activate(procedure);
        CHECK(belay({"abort", by_hand}).exit_code == 0);
        went_back(by_hand);
        back();
        goes_back_by_itself(add(procedure, {"--timer", "2s"}), back);
        goes_back_by_itself(add(procedure, {"--gate", "command:false", "--gate-grace", "1s"}), back);
    }

    /// Activated, it goes back by its timer or a gate; on a slow machine before belay has its answer.
    template <typename Back>
    void goes_back_by_itself(const std::string& id, Back back)
    {
        const host::Outcome activated = belay({"activate", id});
        INFO(activated.out, activated.err);
        follow(id);
        went_back(id);
        back();
    }

    /// Refused with this exit code and both texts, and `everything` says the same before and after.
    void refused(const Words& words, int code, const std::string& what, const std::string& next,
                 const std::string& everything)
    {
        const std::string before = shell(everything);
        const host::Outcome outcome = belay(words);
        const std::string said = outcome.out + outcome.err;
        INFO(host::Command{.argv = words}.to_text(), "\n", said);
        CHECK(outcome.exit_code == code);
        CHECK(said.contains(what));
        CHECK(said.contains(next));
        CHECK(shell(everything) == before);
    }

    /// A one-shot whose daemon stops after its n-th commit to the store; then the power is cut, the host
    /// boots and the operation ends by itself. With `back`, a gate is broken. How it ended: "committed",
    /// "aborted", "none" (it was not kept yet), or "over": it ended before the cut came.
    std::string cut_after(unsigned commit, bool back, const Words& procedure)
    {
        end_daemon();
        shell("rm -f /run/belay/belayd.sock");
        const std::string fate = fmt::format("BELAY_MORTAL=after {} stop", commit);
        lab::Process daemon = must(host().start({"env", fate, program("belayd-mortal")}));
        shell("until test -S /run/belay/belayd.sock; do sleep 0.05; done");
        Words words = {program("belay"), "run"};
        words.insert(words.end(), procedure.begin(), procedure.end());
        words.insert(words.end(), {"--soak", "1s", "--yes"});
        if (back) words.insert(words.end(), {"--gate", "command:false", "--gate-grace", "1s"});
        const bool came = is_cut(daemon, words);
        if (!came) {
            must(daemon.signal(SIGTERM));
            static_cast<void>(must(daemon.wait(limit)));
            ++ended_;
            return "over";
        }
        cut_power();
        return end_of_newest();
    }
    /// Cuts the power after each commit on the way to the end, and on the way back after those that are not
    /// the same, or after each ninth; `look` gets how it ended, and leaves the machine as it was at first.
    /// Whether there were as many cuts as ten of all.
    template <typename Look>
    bool cut_everywhere(const Words& procedure, Look look)
    {
        unsigned cuts = 0;
        for (const bool back : {false, true}) {
            constexpr unsigned first_of_its_own = 5;  // planned, adding, added, activating: as above
            for (unsigned commit = back ? first_of_its_own : 1;; commit += each(9)) {
                const std::string end = cut_after(commit, back, procedure);
                INFO("cut after commit ", commit, back ? ", on the way back" : "", ": ", end);
                if (back && end != "none") CHECK(end != "committed");
                look(end == "over" ? (back ? "aborted" : "committed") : end);
                if (end == "over") break;
                ++cuts;
            }
        }
        return cuts >= 10 / each(9);
    }
    /// A one-shot during which the power is cut when `program` has done its work and has not answered yet.
    std::string cut_in_command(const std::string& program_name, const Words& procedure)
    {
        // The tree under /usr is the guest's memory: after the boot the program is itself again.
        shell("printf '#!/bin/sh\n/usr/sbin/" + program_name +
              " \"$@\"\ncase $1 in --create|--stop|--assemble) sync; touch "
              "/run/done; sleep 100;; esac\n' >/usr/local/sbin/" +
              program_name + "; chmod 755 /usr/local/sbin/" + program_name);
        Words words = {program("belay"), "run"};
        words.insert(words.end(), procedure.begin(), procedure.end());
        words.insert(words.end(), {"--yes"});
        {
            const lab::Process asking = must(host().start(words));
            shell("for i in $(seq 1 300); do test -e /run/done && exit 0; sleep 0.1; done; exit 1");
            cut_power();
        }
        return end_of_newest();
    }
    void end_daemon()
    {
        shell("pkill -x belayd; while pgrep -x belayd >/dev/null; do sleep 0.05; done; true");
    }

    static Json last_json(const std::string& text)
    {
        const size_t last = text.rfind('\n', text.size() - 2);
        return must(parse_json(text.substr(last == std::string::npos ? 0 : last + 1)));
    }

  private:
    static constexpr Milliseconds limit = std::chrono::minutes(2);

    bool is_cut(lab::Process& daemon, const Words& words)
    {
        lab::Process asking = must(host().start(words));
        bool over = false;
        for (int looks = 0; looks < 600; ++looks) {
            const Result<std::string> said =
                daemon.read_until("mortal: now\n", Milliseconds{over ? 500 : 200});
            if (said) return true;
            REQUIRE_MESSAGE(said.error().kind == ErrorKind::timeout, said.error().what);
            if (over) return false;
            over = asking.wait(Milliseconds{1}).has_value();
        }
        FAIL("neither the cut nor the end came");
        return false;
    }

    std::string end_of_newest()
    {
        const Json all = must(parse_json(belay({"history", "--json"}).out)).at("operations");
        if (all.size() <= ended_) return "none";
        ++ended_;
        const std::string id = all.back().at("id");
        if (all.back().at("state") == "planned") static_cast<void>(belay({"abort", id}));
        follow(id);
        const Json operation = shown(id);
        INFO(operation.dump(1));
        const std::string state = operation.at("state");
        CHECK((state == "committed" || state == "aborted"));
        if (state == "aborted" && !all.back().at("steps").empty()) {
            CHECK(operation.at("verified") == true);
            CHECK(operation.at("differences").empty());
        }
        return state;
    }

    size_t ended_ = 0;
};

}  // namespace belay
