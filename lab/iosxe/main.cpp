// belay-lab-iosxe: a simulated pair of Catalyst switches that is reached by SSH.

#include "iosxe/control.h"
#include "iosxe/failures.h"

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <libssh/libssh.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

using namespace belay;
using namespace belay::lab::iosxe;

struct Ask {
    bool supervisors = false;
    std::string hostname;
    std::string zone = "UTC";
    std::string version = "16.9.2.0.2433";
    std::string start;
    std::string address = "127.0.0.1";
    std::string user = "belay";
    std::string password = "belay";
    std::string keys;
    std::string enable;
    std::string answers = "line";
    std::string trust;
    std::string state;
    std::string control;
    std::vector<std::string> failures;
    double factor = 1;
    int active = 1;
    int port = 0;
    bool attached = false;
};

std::string footer()
{
    std::string text =
        "What can be wrong, by --failure NAME at the start or by the control socket at any time:\n";
    for (const Failure& one : failures()) text += fmt::format("  {:<22} {}\n", one.name, one.what);
    text += "By the control socket alone:\n";
    for (const auto& [name, what] : address_failures()) text += fmt::format("  {:<22} {}\n", name, what);
    text +=
        "\nAn image is a small file whose first line says what it is, and how large it is to look:\n"
        "  belay-lab-iosxe image version=16.9.3.0.3127 size=812345678\n"
        "\nExamples:\n"
        "  belay-lab-iosxe --port 2222 --factor 60 --control /tmp/pair.control\n"
        "  ssh -p 2222 belay@127.0.0.1\n"
        "  scp -O -P 2222 cat9k.bin belay@127.0.0.1:flash:cat9k.bin\n"
        "  echo '{\"do\":\"injure\",\"failure\":\"add-fails-on-standby\"}' | socat - UNIX:/tmp/pair.control\n"
        "\nOnce it listens it prints one line of JSON: port, host_key, fingerprint.\n"
        "Exit code: 0 after SIGTERM or SIGINT; 2 where a word of the command line makes no sense; 1 for all "
        "else.";
    return text;
}

int complain(const Error& error)
{
    fmt::print(stderr, "belay-lab-iosxe: {}\n", error.what);
    if (!error.next.empty()) fmt::print(stderr, "try: {}\n", error.next);
    return error.kind == ErrorKind::usage ? 2 : 1;
}

Result<std::vector<std::string>> lines_of(const std::string& path)
{
    std::ifstream file(path);
    if (!file) return fail(ErrorKind::not_found, fmt::format("cannot read {}", path));
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);)
        if (!line.empty() && line.front() != '#') lines.push_back(line);
    return lines;
}

Time today()
{
    return std::chrono::floor<Milliseconds>(std::chrono::system_clock::now());
}

Result<PairOptions> options_of(const Ask& ask)
{
    PairOptions options;
    Time start = today();
    if (!ask.start.empty()) start = TRY(parse_time(ask.start));
    options.beginning = {.kind = ask.supervisors ? Kind::supervisors : Kind::stackwise_virtual,
                         .hostname = ask.hostname,
                         .zone = ask.zone,
                         .active = ask.active,
                         .version = ask.version,
                         .start = start};
    options.factor = ask.factor;
    options.address = ask.address;
    options.port = ask.port;
    options.logins = {.user = ask.user, .password = ask.password, .keys = {}};
    if (!ask.keys.empty()) options.logins.keys = TRY(lines_of(ask.keys));
    options.manner = {.enable_password = ask.enable,
                      .answers = ask.answers == "key" ? Answers::key : Answers::line};
    if (!ask.trust.empty())
        options.manner.web = [trust = ask.trust](const std::string& url) {
            return fetch_by_https(url, trust);
        };
    options.state_file = ask.state;
    options.failures = ask.failures;
    return options;
}

Result<void> serve(const Ask& ask)
{
    PairOptions options = TRY(options_of(ask));
    const std::unique_ptr<Pair> pair = TRY(Pair::make(std::move(options)));
    std::unique_ptr<Control> control;
    if (!ask.control.empty()) {
        // One that a killed program has left behind.
        struct stat found{};
        if (lstat(ask.control.c_str(), &found) == 0 && S_ISSOCK(found.st_mode)) ::unlink(ask.control.c_str());
        control = TRY(Control::listen(ask.control, *pair));
    }
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    const host::Descriptor asked_to_end(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
    bool end = false;
    pair->server().watch(asked_to_end.number(), [&] { end = true; });

    if (ask.attached)
        pair->server().watch(STDIN_FILENO, [&] {
            std::array<char, 256> part;
            end = end || ::read(STDIN_FILENO, part.data(), part.size()) <= 0;
        });

    const Json ready = {{"port", pair->server().port()},
                        {"host_key", pair->server().host_key().public_line()},
                        {"fingerprint", pair->server().host_key().fingerprint()}};
    fmt::print("{}\n", json_text(ready));
    std::fflush(stdout);
    while (!end) {
        TRY(pair->turn());
        if (control) control->sweep();
    }
    return {};
}

}  // namespace

int main(int argc, char** argv)
{
    CLI::App app(
        "A simulated pair of Catalyst switches (two chassis with StackWise Virtual, or two supervisors) that "
        "is reached by SSH.",
        "belay-lab-iosxe");
    app.footer(footer());
    Ask ask;
    app.add_flag("--supervisors", ask.supervisors,
                 "one chassis with two supervisors, in place of two chassis");
    app.add_option("--hostname", ask.hostname, "the name in its prompt; C9500, or C9400 with --supervisors");
    app.add_option("--active", ask.active, "the member that is active at first")
        ->check(CLI::Range(1, 2))
        ->capture_default_str();
    app.add_option("--version-installed", ask.version,
                   "the version that both members run, as show install summary names it")
        ->capture_default_str();
    app.add_option("--start", ask.start,
                   "what its clock says at first, as 2019-02-08T09:21:00; now, unless told");
    app.add_option("--zone", ask.zone, "the name of its time zone")->capture_default_str();
    app.add_option("--factor", ask.factor, "how many times as fast its clock runs; 0: it stands")
        ->check(CLI::Range(0.0, 1e6))
        ->capture_default_str();
    app.add_option("--address", ask.address, "where it listens")->capture_default_str();
    app.add_option("--port", ask.port, "0: a free one")->check(CLI::Range(0, 65535))->capture_default_str();
    app.add_option("--user", ask.user)->capture_default_str();
    app.add_option("--password", ask.password, "empty: keys alone; it is a lab's, and seen by everybody here")
        ->capture_default_str();
    app.add_option("--keys", ask.keys, "a file as authorized_keys");
    app.add_option("--enable", ask.enable, "the enable password; without one, who logs in is privileged");
    app.add_option("--answers", ask.answers, "whether a question [y/n] takes a key or a line")
        ->check(CLI::IsMember({"line", "key"}))
        ->capture_default_str();
    app.add_option("--trust", ask.trust,
                   "a file of certificates (PEM): web servers that they sign it copies from, by HTTPS");
    app.add_option(
        "--state", ask.state,
        "a file that the pair is kept in, its port and host key too; one that is there is gone on with");
    app.add_option("--control", ask.control,
                   "a UNIX socket for tests: lab/iosxe/control.h says what it takes");
    app.add_flag("--attached", ask.attached, "it ends with its standard input, as a test does");
    app.add_option("--failure", ask.failures, "what is wrong with it; more than once");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
        return app.exit(problem) == 0 ? 0 : 2;
    }
    std::signal(SIGPIPE, SIG_IGN);
    ssh_init();
    const Result<void> served = serve(ask);
    ssh_finalize();
    return served ? 0 : complain(served.error());
}
