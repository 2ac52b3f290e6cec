// belay-quickstart-stack: the contact centre of examples/ on three throw-away hosts: it starts in its order,
// and goes on when the one of a pair that serves dies or hangs.

#include "base/json.h"
#include "examples/contact-centre/trace.h"
#include "screen.h"
#include "stand_ins.h"

#include <CLI/CLI.hpp>
#include <cmath>
#include <fmt/ranges.h>
#include <fstream>
#include <thread>

namespace belay::lab {
namespace {

using stand_in::Happened;

constexpr const char* site_file = "/root/site.toml";
constexpr double columns = 60;
constexpr auto patience = std::chrono::minutes(2);
constexpr auto between_looks = std::chrono::milliseconds(200);

Result<std::string> site_text()
{
    std::ifstream file(BELAY_EXAMPLES "/contact-centre/site.toml");
    std::string text{std::istreambuf_iterator<char>(file), {}};
    if (text.empty())
        return fail(ErrorKind::not_found, "there is no " BELAY_EXAMPLES "/contact-centre/site.toml");
    // They write what happens, so that it can be shown as they saw it.
    const std::string program = "\"belay-stand-in\"";
    const std::string traced =
        fmt::format(R"({}, "--trace", "{}", "--one-clock")", program, trace_of_stand_ins);
    for (size_t at = 0; (at = text.find(program, at)) != std::string::npos; at += traced.size())
        text.replace(at, program.size(), traced);
    return text;
}

/// When one was started, and when it was ready, by the processor's clock.
struct Start {
    std::string host, name;
    int64_t started = 0, ready = 0;
};

class Show {
  public:
    explicit Show(Site site) : site_(std::move(site)), screen_(site_.program("")) {}

    Result<void> run()
    {
        TRY(make_the_site());
        TRY(start());
        TRY(stop_and_start());
        TRY(lose_the_serving_one());
        TRY(freeze_the_serving_one());
        return switch_over();
    }

  private:
    Result<void> make_the_site()
    {
        say(strong("\n1. Three hosts become one site\n"));
        TRY(site_.enrol());
        return on(0, "belay status");
    }

    Result<void> start()
    {
        say(strong("\n2. Its applications start, each as soon as what it needs is ready\n"));
        say(fmt::format("\n{} is examples/contact-centre/site.toml.\n", site_file));
        TRY(site_.run(0, {"tee", site_file}, TRY(site_text())));
        TRY(on(0, fmt::format("belay config check {}", site_file)));
        TRY(site_.belay(0, {"config", "apply", site_file, "--timer", "30m"}));
        TRY(on(0, "belay commit 1"));
        TRY(await_all_started());
        TRY(on(0, "belay app list"));
        say("\nAs they saw it themselves (. starts, # is ready):\n\n");
        say(picture(TRY(starts())));
        return {};
    }

    Result<void> stop_and_start()
    {
        say(strong("\n3. What a stop would do, and one that is done: in reverse\n"));
        TRY(on(0, "belay solution plan stop framework --also-needed"));
        TRY(on(0, "belay solution stop telephony"));
        return on(0, "belay solution start telephony");
    }

    Result<void> lose_the_serving_one()
    {
        say(strong("\n4. The T-Server that serves is killed\n"));
        TRY(await_all_started());
        TRY(on(0, "belay app pairs"));
        const Serving serving = TRY(find_serving());
        TRY(type(serving.host, {"kill", "-KILL", fmt::format("{}", serving.pid)}));
        return show_takeover(serving);
    }

    Result<void> freeze_the_serving_one()
    {
        say(strong("\n5. The machine of the T-Server that serves hangs, and wakes up again\n"));
        TRY(await_all_started());
        const Serving serving = TRY(find_serving());
        say(fmt::format("\n{} is stopped for three seconds.\n", site_.name(serving.host)));
        site_.host(serving.host).freeze();
        std::this_thread::sleep_for(std::chrono::seconds(3));
        site_.host(serving.host).thaw();
        TRY(await_all_started());
        return show_takeover(serving);
    }

    Result<void> switch_over()
    {
        say(strong("\n6. A person lets the other one serve\n"));
        TRY(await_all_started());
        const Serving serving = TRY(find_serving());
        TRY(on(0, "belay app switch-over t-servers"));
        return show_takeover(serving);
    }

    /// Of the two T-Servers, the one whose turn it is.
    struct Serving {
        std::string name;  ///< as it is traced
        size_t host = 0;
        pid_t pid = 0;
    };
    Result<Serving> find_serving()
    {
        const auto until = std::chrono::steady_clock::now() + patience;
        while (std::chrono::steady_clock::now() < until) {
            const Json all = TRY(applications());
            for (const Json& one : all) {
                const std::string name = one.at("name");
                if (!name.starts_with("t-server") || one.at("role") != "primary") continue;
                return Serving{.name = stand_in::as_traced(name),
                               .host = one.at("host") == site_.name(0) ? size_t{0} : size_t{1},
                               .pid = one.at("pid")};
            }
            std::this_thread::sleep_for(between_looks);
        }
        return fail(ErrorKind::timeout, "no T-Server serves");
    }

    /// From the acts that both have written, each with its time.
    Result<void> show_takeover(const Serving& before)
    {
        const auto until = std::chrono::steady_clock::now() + patience;
        while (std::chrono::steady_clock::now() < until) {
            const std::vector<stand_in::Reign> reigns = TRY(reigns_of_t_servers());
            const auto last = std::ranges::find_if(reigns.rbegin(), reigns.rend(), [&](const auto& one) {
                return one.name == before.name && one.pid == before.pid;
            });
            if (last != reigns.rend() && last != reigns.rbegin()) {
                const stand_in::Reign& next = *std::prev(last);
                say(fmt::format(
                    "\n{} has acted {} times; {} went on {:.0f} ms after its last act. Times at which both "
                    "have acted: {}.\n",
                    before.name, last->acts, next.name,
                    static_cast<double>(next.first - last->last) / counts_of_a_millisecond(),
                    overlaps_of(reigns).size()));
                return on(0, "belay solution show telephony");
            }
            std::this_thread::sleep_for(between_looks);
        }
        return fail(ErrorKind::timeout, "nobody went on in its place");
    }

    Result<std::vector<stand_in::Reign>> reigns_of_t_servers()
    {
        std::string traces;
        for (const size_t host : {size_t{0}, size_t{1}})
            traces += TRY(site_.run(host, {"cat", trace_of_stand_ins}));
        return stand_in::reigns_of(stand_in::happened_in(traces), {"t-server", "t-server-backup"});
    }

    /// A line that is no command of ours.
    Result<void> type(size_t host, const std::vector<std::string>& words)
    {
        say(strong(fmt::format("\n{}# {}\n", site_.name(host), fmt::join(words, " "))));
        TRY(site_.run(host, words));
        return {};
    }

    Result<Json> applications()
    {
        const host::Outcome listed = TRY(site_.belay(0, {"app", "list", "--json"}));
        if (listed.exit_code != 0) return fail(ErrorKind::failed, listed.err);
        const Json answer = TRY(parse_json(listed.out));
        return answer.at("applications");
    }

    Result<void> await_all_started()
    {
        const auto until = std::chrono::steady_clock::now() + patience;
        while (std::chrono::steady_clock::now() < until) {
            const Json all = TRY(applications());
            if (std::ranges::all_of(all, [](const Json& one) { return one.at("phase") == "started"; }))
                return {};
            std::this_thread::sleep_for(between_looks);
        }
        return fail(ErrorKind::timeout, "not every application has started");
    }

    Result<std::vector<Happened>> happened(size_t host)
    {
        return stand_in::happened_in(TRY(site_.run(host, {"cat", trace_of_stand_ins})));
    }

    Result<std::vector<Start>> starts()
    {
        std::vector<Start> all;
        for (size_t host = 0; host < site_.size(); ++host) {
            const std::vector<Happened> on_it = TRY(happened(host));
            for (const Happened& one : on_it) {
                if (one.what != "started") continue;
                const auto ready = stand_in::when(on_it, one.name, "ready", one.at);
                if (ready) all.push_back({site_.name(host), one.name, one.at, *ready});
            }
        }
        std::ranges::sort(all, {}, &Start::started);
        return all;
    }

    static std::string picture(const std::vector<Start>& all)
    {
        if (all.empty()) return "";
        const int64_t begin = all.front().started;
        const int64_t end = std::ranges::max(all, {}, &Start::ready).ready;
        const double column = static_cast<double>(end - begin) / columns;
        const auto column_of = [&](int64_t at) {
            return static_cast<size_t>(std::lround(static_cast<double>(at - begin) / column));
        };
        std::string text;
        for (const Start& one : all) {
            const size_t started = column_of(one.started), ready = column_of(one.ready);
            text += fmt::format("{:8} {:28} {}{}{}\n", one.host, one.name, std::string(started, ' '),
                                std::string(ready - started, '.'),
                                std::string(static_cast<size_t>(columns) + 1 - ready, '#'));
        }
        return text + fmt::format("{:37} in all {:.1f} s\n", "",
                                  static_cast<double>(end - begin) / counts_of_a_millisecond() / 1000);
    }

    /// Shows a line as it is typed on a host.
    Result<void> on(size_t host, const std::string& line)
    {
        return screen_.show(site_.host(host), site_.name(host), line);
    }

    Site site_;
    const Screen screen_;
};

Result<void> run()
{
    say("Booting three throw-away hosts (user-mode Linux) on a network of their own ...\n");
    const Folder folder = TRY(Folder::make());
    Show show(TRY(Site::build(folder, with_stand_ins({.names = {"centre1", "centre2", "centre3"}}))));
    TRY(show.run());
    say(strong("\nOn your own machines\n"));
    say("  examples/contact-centre/README.md           this, on one machine or on three\n"
        "  examples/web-stack/README.md                PostgreSQL, a web application, nginx\n"
        "  docs/supervision.md                         applications and solutions\n");
    return {};
}

}  // namespace
}  // namespace belay::lab

int main(int argc, char** argv)
{
    CLI::App app{
        "Shows a stack of applications on three throw-away hosts. Needs root, for the network between them."};
    app.footer("Example: ./quickstart stack");
    CLI11_PARSE(app, argc, argv);
    const belay::Result<void> shown = belay::lab::run();
    if (shown) return 0;
    std::fprintf(stderr, "quickstart: %s\n", shown.error().what.c_str());
    if (!shown.error().next.empty()) std::fprintf(stderr, "  next: %s\n", shown.error().next.c_str());
    return 1;
}
