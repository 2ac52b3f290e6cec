#pragma once
// The parser of the command line, for its own sources: each of them adds some of the commands.

#include "cli/app_words.h"
#include "cli/invocation.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

namespace belay::cli {

/// What was typed where a length of time or a number is wanted; it is read here, and not by the library.
struct Typed {
    std::string timer, gate_grace, soak, extend, limit, valid, lasts, hosts, waves, failures, wave_soak,
        since, until;
};

/// The parser with the values that it fills; they stay where they are, for it points at them.
class Parser {
  public:
    Parser();
    Parser(const Parser&) = delete;
    Parser& operator=(const Parser&) = delete;

    Result<Parsed> parse(std::vector<std::string> words);
    std::vector<CommandWords> commands() const;

  private:
    CLI::App* command(CLI::App& parent, Command command, const char* name, const char* meaning,
                      const char* example);
    CLI::App* request(Command which, const char* name, const char* meaning, const char* example);
    void common_options(CLI::App& app);
    void runbook_commands();
    void storage_commands();
    void image_commands();
    void image_site_commands(const std::function<void(CLI::App&)>& file);
    void config_commands();
    void site_commands();
    void host_commands();
    void app_commands();
    void message_commands();
    void solution_commands();
    void alarm_commands();
    void account_commands();
    void people_commands();
    void media_commands();
    CLI::App& group(CLI::App*& group, const char* name, const char* meaning, const char* example);
    CLI::App* runbook(Command which, const char* name, const char* meaning, const char* example);
    void procedure_option(CLI::App& app);
    void plan_options(CLI::App& app);
    void hosts_options(CLI::App& app);
    Result<void> read_hosts();
    void run_options(CLI::App& app);
    void why_option(CLI::App& app);
    void no_wait_option(CLI::App& app);
    Result<void> check_words(const CLI::App& chosen);
    void read_surroundings();
    Result<void> read_typed();

    CLI::App app_{"Change disks under a running service, with the way back kept open until you commit.",
                  "belay"};
    CLI::App* storage_ = nullptr;
    CLI::App* image_ = nullptr;
    CLI::App* runbook_ = nullptr;
    CLI::App* config_ = nullptr;
    CLI::App* host_ = nullptr;
    CLI::App* applications_ = nullptr;
    CLI::App* solutions_ = nullptr;
    CLI::App* alarm_ = nullptr;
    CLI::App* account_ = nullptr;
    CLI::App* media_ = nullptr;
    /// Commands with parsers of their own.
    static constexpr std::string_view own_parsers[] = {"backup", "catalog", "restore"};
    std::map<const CLI::App*, Command> commands_;
    bool help_ = false;
    bool version_ = false;
    Invocation invocation_;
    Typed typed_;
};

}  // namespace belay::cli
