#pragma once

#include "cli/console.h"
#include "cli/follow.h"
#include "cli/invocation.h"
#include "cli/live_page.h"
#include "cli/style.h"
#include "site/client.h"

namespace belay::cli {

/// Whether a plan is to be made from a runbook.
bool is_of_runbook(Command command);

/// One run of the command, connected to a daemon.
class Session {
  public:
    Session(const Invocation& asked, Console& console, const Style& style, site::Client& client)
        : asked_(asked), console_(console), style_(style), client_(client)
    {
    }

    /// The exit code. Errors are said by the caller.
    Result<int> carry_out();

  private:
    Result<int> procedures();
    Result<int> plan();
    Result<int> add();
    Result<int> run_in_one_go();
    Result<int> timer();
    Result<int> show();
    Result<int> history();
    Result<int> clean();
    Result<int> config();
    Result<int> config_text();
    Result<int> config_change();
    Result<int> config_edit();
    Result<int> config_history();
    Result<std::string> read_config(bool with_ids);
    Result<Json> plan_config(const std::string& text, const std::string& file, const std::string& mode,
                             bool keep);
    Result<int> apply_config(const Json& answer);
    Result<int> status();
    Result<int> host_list();
    Result<int> host_show();
    Result<int> host_maintenance();
    /// What maintenance moves on its host, and how all stood before.
    struct Moved {
        Json moves, before;
    };
    Result<int> lead_maintenance(const std::string& operation, std::string_view verb, const Moved& moved);
    Result<int> lead_quietly(const std::string& operation, std::string_view verb, const std::string& wanted);
    Result<int> await_moves(const Moved& moved);
    Result<int> host_invite();
    Result<int> host_change();
    Result<int> app_list();
    Result<int> app_show();
    Result<int> app_log();
    Result<int> app_order();
    Result<int> app_pairs();
    Result<int> app_switch_over();
    Result<int> messages();
    Result<int> await_application(const Json& asked, int64_t old_pid);
    Result<int> image_publish();
    Result<int> image_withdraw();
    Result<int> image_summary();
    Result<int> image_tidy();
    Result<int> device();
    Result<int> solution_list();
    Result<int> solution_show();
    Result<int> solution_plan();
    Result<int> solution_order();
    Result<int> await_solution(const Json& ordered);
    Result<int> alarm_list();
    Result<int> follow_alarm_book(Json parameters);
    Result<int> alarm_show();
    Result<int> alarm_acknowledge();
    Result<int> alarm_mute();
    Result<int> alarm_test();
    Result<int> account_list();
    Result<int> account_change();
    std::string left_out(const Json& answer) const;
    Json pairs();
    Json device_of(const Json& view);

    Result<Json> make_plan(bool keep, bool one_shot);
    Result<Json> what_to_plan();
    Result<void> check_arguments(const std::map<std::string, std::string>& arguments);
    Result<Json> declared(const std::string& name);
    Result<void> confirm(const std::string& operation);
    Result<int> say_refused(const Json& answer, bool one_shot);
    int say_so_already(const Json& answer);

    Result<Json> request(const std::string& operation, std::string_view verb);
    Result<int> request_and_follow(const std::string& operation, std::string_view verb);
    Result<int> follow_to_end(const std::string& operation, const std::string& wanted,
                              const FollowOptions& options);
    int say_interrupted(const std::string& operation, const Followed& followed);

    /// The answer as a page; with --follow each that comes.
    Result<int> show_page(std::string_view method, const Json& parameters, const PageMaker& page);

    /// The daemon's answer as JSON, or as this text.
    void say(const Json& answer, const std::string& text)
    {
        console_.out(asked_.json ? json_text(answer) + '\n' : text);
    }

    const Invocation& asked_;
    Console& console_;
    const Style& style_;
    site::Client& client_;
};

}  // namespace belay::cli
