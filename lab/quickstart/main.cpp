// belay-quickstart: shows on a throw-away host, in under two minutes, what Belay does to a disk of a live
// mirror.

#include "mirror.h"
#include "screen.h"

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <optional>

namespace belay::lab {
namespace {

using namespace std::chrono_literals;

constexpr const char* healthy = "/run/healthy";

class Show {
  public:
    explicit Show(Mirror mirror) : mirror_(std::move(mirror)) {}

    Result<void> run()
    {
        // A disk of this size would be copied before anybody had seen it.
        TRY(mirror_.run({"sh", "-c", "echo 16000 > /proc/sys/dev/raid/speed_limit_max"}));
        TRY(replace_a_disk());
        return let_one_go_back();
    }

  private:
    Result<void> replace_a_disk()
    {
        say(strong("\n1. A disk of a mirror is replaced while a service writes to it\n"));
        TRY(start_load());
        TRY(belay("storage show"));
        TRY(belay(
            fmt::format("plan disk.replace --leaving {} --joining {}", Mirror::leaving, Mirror::joining)));
        TRY(belay("add 1"));
        TRY(belay("activate 1"));
        say("\nAll three disks serve now. This is the soak: until you commit, or the timer ends it, the old "
            "disk is the way back.\n");
        TRY(watch("show 1 --follow", 4s));
        TRY(belay("commit 1"));
        TRY(belay("storage show"));
        return end_load();
    }

    Result<void> let_one_go_back()
    {
        say(strong("\n2. A second replacement, with a health gate that breaks: Belay goes back by itself\n"));
        TRY(mirror_.run({"touch", healthy}));
        TRY(start_load());
        TRY(belay(fmt::format(
            "add disk.replace --leaving {} --joining {} --gate 'command:test -e {}' --gate-grace 3s",
            Mirror::staying, Mirror::spare, healthy)));
        TRY(belay("activate 2"));
        say(fmt::format("\nThe health check fails from now on (rm {}).\n", healthy));
        TRY(mirror_.run({"rm", healthy}));
        TRY(belay("show 2 --follow"));
        TRY(belay("storage show"));
        return end_load();
    }

    Result<void> start_load()
    {
        load_.emplace(TRY(mirror_.host().start(
            {mirror_.program("belay-load"), "run", std::string(Mirror::data) + "/blocks"})));
        TRY(load_->read_until("ready\n", 30s));
        say(fmt::format("\nA program writes checksummed blocks to {} and verifies them, from now on.\n",
                        Mirror::data));
        return {};
    }

    Result<void> end_load()
    {
        TRY(load_->signal(SIGTERM));
        const host::Outcome outcome = TRY(load_->wait(60s));
        load_.reset();
        say(fmt::format("\nThe program that wrote the whole time: {}\n", strong(outcome.out)));
        TRY(mirror_.run({"rm", std::string(Mirror::data) + "/blocks"}));
        if (outcome.exit_code != 0) return fail(ErrorKind::failed, "data was lost", "please report this");
        return {};
    }

    Result<void> belay(const std::string& line) { return screen_.show(mirror_.host(), "", "belay " + line); }
    Result<void> watch(const std::string& line, Milliseconds span)
    {
        return screen_.watch(mirror_.host(), "belay " + line, span);
    }

    Mirror mirror_;
    const Screen screen_{mirror_.program("")};
    std::optional<Process> load_;
};

Result<void> run()
{
    say("Booting a throw-away host (user-mode Linux) with a two-disk mirror ...\n");
    const Folder folder = TRY(Folder::make());
    Show show(TRY(Mirror::build(folder, {.disk = {96 << 20}, .joining = {96 << 20}})));
    TRY(show.run());
    say(strong("\nOn your own machine\n"));
    say("  sudo cmake --install build/release          belay, belayd, man pages, completion, the systemd "
        "unit\n"
        "  belay storage show                          what there is\n"
        "  belay procedures disk.replace               what it does, and what it takes\n"
        "  belay plan disk.replace --leaving OLD --joining NEW     the checks and every command; nothing is "
        "touched\n"
        "  lab/run --disks 3x256M                      a throw-away host like this one, for you to try "
        "things on\n");
    return {};
}

}  // namespace
}  // namespace belay::lab

int main(int argc, char** argv)
{
    CLI::App app{"Shows what Belay does to a disk of a live mirror, on a throw-away host."};
    app.footer("Example: ./quickstart");
    CLI11_PARSE(app, argc, argv);
    const belay::Result<void> shown = belay::lab::run();
    if (shown) return 0;
    std::fprintf(stderr, "quickstart: %s\n", shown.error().what.c_str());
    if (!shown.error().next.empty()) std::fprintf(stderr, "  next: %s\n", shown.error().next.c_str());
    return 1;
}
