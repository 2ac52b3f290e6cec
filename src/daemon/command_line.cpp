#include "daemon/command_line.h"

#include "daemon/daemon.h"
#include "host/program.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <unistd.h>

namespace belay::daemon {
namespace {

using namespace std::string_view_literals;

constexpr int exit_cannot_serve = 1;
constexpr int exit_usage = 2;
constexpr size_t max_word_bytes = 8 << 10;
/// For a daemon that its own program starts again: it has served before.
constexpr const char* begun_anew = "--begun-anew";
constexpr timespec before_next_attempt{.tv_sec = 2, .tv_nsec = 0};

struct Asked {
    Options options;
    std::optional<int> ready_fd;
    bool has_begun_anew = false;
    std::string log_level, log_file, connect_timeout, role;
    std::string word;
    const CLI::App* join = nullptr;
    const CLI::App* leave = nullptr;
};

std::string must_be_absolute(const std::string& path)
{
    return path.starts_with('/') ? "" : "must be absolute";
}

bool has_section(const std::string& file, const std::string& name)
{
    return std::ranges::any_of(CLI::ConfigTOML().from_file(file), [&](const CLI::ConfigItem& item) {
        return !item.parents.empty() && item.parents.front() == name;
    });
}

/// The options of one section of a file, or those before all sections. CLI11's own way (2.1) takes the first
/// option of a section alone.
class OneSection final : public CLI::ConfigTOML {
  public:
    explicit OneSection(const std::string& name)
    {
        if (!name.empty()) parents_.push_back(name);
    }

    std::vector<CLI::ConfigItem> from_config(std::istream& input) const override
    {
        std::vector<CLI::ConfigItem> kept;
        std::vector<CLI::ConfigItem> all = CLI::ConfigTOML::from_config(input);
        for (CLI::ConfigItem& item : all) {
            const bool is_border = item.name == "++" || item.name == "--";
            if (is_border || item.parents != parents_) continue;
            item.parents.clear();
            kept.push_back(std::move(item));
        }
        return kept;
    }

  private:
    std::vector<std::string> parents_;
};

void add_options(CLI::App& app, Asked& asked)
{
    Options& options = asked.options;
    app.add_option("--state-dir", options.state_folder, "Folder of the journal")
        ->envname("BELAY_STATE_DIR")
        ->capture_default_str()
        ->check(must_be_absolute);
    app.add_option("--socket", options.socket, "Where it listens for faces of this machine")
        ->envname("BELAY_SOCKET")
        ->capture_default_str()
        ->check(must_be_absolute);
    app.add_option(
           "--alarm-command", options.alarm_command,
           "A program in the system's folders, called as PROGRAM EVENT DEVICE MEMBER TEXT for each alarm")
        ->check([](const std::string& name) {
            return name.empty() || name.find('/') != std::string::npos ? "must be the bare name of a program"
                                                                       : "";
        });
    app.add_option("--image-keys", options.image_keys,
                   "Folder of the public keys (*.pem) whose images are taken")
        ->envname("BELAY_IMAGE_KEYS")
        ->capture_default_str()
        ->check(must_be_absolute);
    app.add_option(
           "--listen", options.controller.listen,
           "Be the controller of a site, and listen at HOST:PORT for its hosts and people; on a proxy: "
           "for the machines of its branch. Kept for the next start")
        ->envname("BELAY_LISTEN")
        ->type_name("HOST:PORT");
    app.add_option("--advertise", options.controller.advertise,
                   "With --listen: where others find this controller, unless there; may be repeated")
        ->type_name("HOST:PORT")
        ->allow_extra_args(false)
        ->needs("--listen");
    SiteStoreAddress& store = options.controller.store;
    app.add_option(
           "--site-store", store.address,
           "With --listen: where the state of the site is, as etcd:HOST:PORT,HOST:PORT/PREFIX; in this "
           "machine's database file unless told. Kept for the next start")
        ->type_name("ETCD")
        ->needs("--listen");
    for (const auto& [name, file, meaning] :
         {std::tuple{"--site-store-ca", &store.ca, "The certificate (PEM) by which the etcd is known"},
          std::tuple{"--site-store-cert", &store.certificate, "This machine's certificate for the etcd"},
          std::tuple{"--site-store-key", &store.key, "The key of that certificate"}})
        app.add_option(name, *file, meaning)
            ->type_name("FILE")
            ->needs("--site-store")
            ->check(must_be_absolute);
    app.add_option("--emergency-port", options.controller.emergency,
                   "Listen there too, for this run alone: for a controller whose address is taken or gone")
        ->type_name("HOST:PORT");
    app.add_option(
           "--take-lead", options.controller.take_lead,
           "At this start alone: lead the site in place of the controller HOST, which leads it now and "
           "may live; refused where another one leads")
        ->type_name("HOST");
    app.add_option("--role", asked.role, "media: serve backup repositories; belayd --role media --help")
        ->type_name("ROLE")
        ->check(CLI::IsMember({"media"}));
    app.add_flag("--no-messages{false}", options.says_messages,
                 "Say nothing to belay-messages, which is else started where it does not run");
    app.add_flag("--no-alarms{false}", options.raises_alarms,
                 "Raise no alarms, and do nothing about those that are raised");
    app.add_option("--connect-timeout", asked.connect_timeout,
                   "How long a controller has to answer when this host dials it; 20s unless told")
        ->type_name("TIME");
    app.add_option("--log-verbose", asked.log_level,
                   "How much it says of itself from its first moment on: none, standard, trace or all; "
                   "standard unless told, none where belay has started it")
        ->type_name("LEVEL");
    app.add_option("--log-file", asked.log_file, "Where it says it; on standard error unless told")
        ->type_name("FILE")
        ->check(must_be_absolute);
    app.add_option("--ready-fd", asked.ready_fd,
                   "For belay: a descriptor to which it writes \"ready\", or an error as JSON, and a newline")
        ->check(CLI::Range(3, 1 << 20));
    app.add_flag(begun_anew, asked.has_begun_anew)->group("");
    app.add_flag("--gives-way", options.gives_way)->group("");
    app.config_formatter(std::make_shared<OneSection>(""));
    app.allow_config_extras(CLI::config_extras_mode::error);
    app.set_config("-c,--config", "",
                   "A file with these options, as name = value; what is given here counts more");
    app.add_option_function<std::string>(
           "-s,--section",
           [&app](const std::string& name) {
               CLI::Option* const file = app.get_config_ptr();
               if (file->empty() || !has_section(file->as<std::string>(), name))
                   throw CLI::ValidationError("--section",
                                              fmt::format("the file of --config has no section [{}]", name));
               app.config_formatter(std::make_shared<OneSection>(name));
           },
           "The section of that file, as [name], where there are several; after --config")
        ->trigger_on_parse();
    app.set_version_flag("-v,-V,--version", "belayd " BELAY_VERSION);
    app.require_subcommand(0, 1);

    CLI::App* join = app.add_subcommand("join", "Make this machine a host of a site");
    join->add_option("invitation", asked.word,
                     "The word that belay host invite says; -, or nothing: it is read from standard input");
    join->footer("Example: belayd join - < invitation");
    CLI::App* leave = app.add_subcommand("leave", "This machine is no part of a site any more");
    leave->footer("Example: belayd leave && systemctl restart belayd");
    for (CLI::App* command : {join, leave}) command->fallthrough();
    asked.join = join;
    asked.leave = leave;
}

/// The word counts once, and whoever lists the processes meanwhile need not see it.
void scrub(int argc, char** argv, std::string_view word)
{
    for (int at = 1; at < argc; ++at) {
        std::string_view argument = argv[at];
        if (argument == word) std::fill_n(argv[at], argument.size(), 'x');
    }
}

Result<std::string> word_from_input()
{
    std::string text;
    std::array<char, 4096> room{};
    for (ssize_t count = 0; (count = read(STDIN_FILENO, room.data(), room.size())) > 0;) {
        text.append(room.data(), static_cast<size_t>(count));
        if (text.size() > max_word_bytes || text.find('\n') != std::string::npos) break;
    }
    return text;
}

int say(const Result<std::string>& done, const std::string& restart)
{
    if (!done) {
        site::print_error(done.error());
        return done.error().kind == ErrorKind::usage ? exit_usage : exit_cannot_serve;
    }
    fmt::print("{}\n", *done);
    if (!restart.empty()) fmt::print("  next: {}\n", restart);
    return 0;
}

int join(const Asked& asked, const Parts& parts)
{
    std::string word = asked.word;
    if (word.empty() || word == "-") {
        const Result<std::string> read = word_from_input();
        if (!read) return say(read, "");
        word = *read;
    }
    return say(parts.site.join(asked.options.state_folder, word),
               "sudo systemctl restart belayd, or start belayd");
}

int leave(const Asked& asked, const Parts& parts)
{
    Result<std::string> left = parts.site.leave(asked.options.state_folder);
    if (left && left->empty()) return say("this machine was no part of a site", "");
    return say(left, "sudo systemctl restart belayd");
}

/// Without --ready-fd, since whoever waited for that has gone, and without --take-lead: who has lost the lead
/// meanwhile does not take it back.
int run_again(char** argv)
{
    constexpr std::array once = {"--ready-fd"sv, "--take-lead"sv};
    std::vector<char*> words;
    for (char** word = argv; *word != nullptr; ++word) {
        const std::string_view text = *word;
        const std::string_view name = text.substr(0, text.find('='));
        if (std::ranges::find(once, name) == once.end())
            words.push_back(*word);
        else if (name == text && word[1] != nullptr)
            ++word;
    }
    std::string flag = begun_anew;
    if (std::ranges::find(words, std::string_view(flag)) == words.end()) words.push_back(flag.data());
    words.push_back(nullptr);
    site::print_error(host::become_sibling("", words.data()));
    return exit_cannot_serve;
}

/// Whether nobody tells it to end meanwhile. These signals are blocked since its start.
bool may_try_again()
{
    sigset_t ending;
    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGINT);
    return sigtimedwait(&ending, nullptr, &before_next_attempt) < 0;
}

int serve_with_log(const Asked& asked, char** argv, const Parts& parts)
{
    std::string name = asked.log_level;
    if (name.empty()) name = name_of(asked.ready_fd ? site::LogLevel::none : site::LogLevel::standard);
    const Result<site::LogLevel> level = site::log_level_named(name);
    if (!level) return say(std::unexpected(level.error()), "");
    Options options = asked.options;
    if (!asked.connect_timeout.empty()) {
        const Result<Milliseconds> span = parse_span(asked.connect_timeout);
        if (!span) return say(std::unexpected(span.error()), "");
        options.connect_timeout = *span;
    }
    site::Log log(*level);
    if (!asked.log_file.empty()) {
        if (const Result<void> opened = log.write_to(asked.log_file); !opened)
            return say(std::unexpected(opened.error()), "");
    }
    site::Readiness readiness(asked.ready_fd);
    const Result<Ending> ended = serve(options, parts, readiness, log);
    // What it stood on was there, and is away: nobody else may start it, and its hosts wait for it.
    const bool is_to_wait = !ended && asked.has_begun_anew && ended.error().kind == ErrorKind::unavailable;
    if (is_to_wait && may_try_again()) return run_again(argv);
    if (!ended) return exit_cannot_serve;
    if (*ended == Ending::for_good) return 0;
    log.standard("begins anew");
    return run_again(argv);
}

/// The media server is a program of its own, with options of its own.
bool asks_for_media(char** argv)
{
    for (char** word = argv; *word != nullptr; ++word) {
        const std::string_view text = *word;
        if (text == "--role=media" || (text == "--role" && word[1] != nullptr && word[1] == "media"sv))
            return true;
    }
    return false;
}

/// Whether what is asked for needs the network, and this program is not linked with it.
bool belongs_to_another(const Asked& asked, const Parts& parts)
{
    if (parts.site.open) return false;
    const ControllerAddress& controller = asked.options.controller;
    return !controller.listen.empty() || !controller.emergency.empty() || !controller.take_lead.empty() ||
           asked.join->parsed() || asked.leave->parsed() || has_place(asked.options.state_folder);
}

}  // namespace

int run(int argc, char** argv, const Parts& parts)
{
    if (asks_for_media(argv)) {
        site::print_error(host::become_sibling("-media", argv));
        return exit_cannot_serve;
    }
    Asked asked;
    CLI::App app(
        "Carries out the operations of Belay and answers the command belay.\n"
        "It stays in the foreground; belay starts it when it does not run.");
    app.footer(
        "Example: belayd --state-dir /tmp/try/state --socket /tmp/try/belayd.sock\n"
        "Exit codes: 0 after SIGTERM or SIGINT, 1 it could not serve, 2 wrong arguments.");
    add_options(app, asked);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
        return app.exit(problem) == 0 ? 0 : exit_usage;
    }
    if (belongs_to_another(asked, parts)) {
        // Comes back only where it could not.
        site::print_error(host::become_sibling("-site", argv));
        return exit_cannot_serve;
    }
    scrub(argc, argv, asked.word);
    if (asked.join->parsed()) return join(asked, parts);
    if (asked.leave->parsed()) return leave(asked, parts);
    return serve_with_log(asked, argv, parts);
}

}  // namespace belay::daemon
