#include "upgrade/driver/keepalived.h"

#include "base/json.h"

namespace belay::upgrade::driver {
namespace {

constexpr Milliseconds until_address_came = std::chrono::seconds(5);
constexpr Milliseconds until_state_is_said = std::chrono::seconds(3);
constexpr Milliseconds until_address_went = std::chrono::seconds(30);
constexpr Milliseconds until_backup_again = std::chrono::seconds(60);
constexpr int largest_step = 253;  // keepalived.conf(5), track_file

host::Command addresses()
{
    return {.argv = {"ip", "-json", "address", "show"}, .limit = std::chrono::seconds(5)};
}

std::string folder_of(const std::string& path)
{
    return path.substr(0, path.rfind('/'));
}

/// The third word that keepalived gives to a notify script, as the file has it: "BACKUP 150".
std::string first_word(std::string_view text)
{
    return std::string(text.substr(0, text.find_first_of(" \n")));
}

}  // namespace

Result<bool> has_address(std::string_view json, std::string_view address)
{
    const Json interfaces = TRY(parse_json(json));
    try {
        for (const Json& interface : interfaces) {
            for (const Json& one : interface.value("addr_info", Json::array())) {
                if (one.value("local", "") == address) return true;
            }
        }
    } catch (const Json::exception& problem) {
        return fail(ErrorKind::corrupt, fmt::format("what ip says makes no sense: {}", problem.what()));
    }
    return false;
}

Result<std::unique_ptr<Keepalived>> Keepalived::make(const Ground& ground, KeepalivedAsk ask)
{
    if (ask.address.empty() || ask.address.find('/') != std::string::npos)
        return fail(ErrorKind::usage,
                    "--address wants the virtual address, without the length of its network");
    if (!ask.track_file.starts_with('/'))
        return fail(ErrorKind::usage,
                    "--track-file wants the absolute path that track_file in keepalived.conf names");
    if (ask.step < 1 || ask.step > largest_step)
        return fail(ErrorKind::usage,
                    fmt::format("--step {} is not between 1 and {}", ask.step, largest_step));
    return std::unique_ptr<Keepalived>(new Keepalived(ground, std::move(ask)));
}

Result<bool> Keepalived::is_here()
{
    const host::Outcome said = TRY(host::run_checked(ground_.host, addresses()));
    return has_address(said.out, ask_.address);
}

Result<Role> Keepalived::role()
{
    const bool here = TRY(is_here());
    if (here) return Role::active;
    const std::optional<Process> process = TRY(process_in(ground_.host, ask_.pid_file));
    if (!process) return Role::none;
    if (ask_.state_file.empty()) return Role::standby;
    const Result<std::string> state = ground_.host.read(ask_.state_file);
    return state && first_word(*state) == "BACKUP" ? Role::standby : Role::none;
}

/// Between the moment in which the address goes and the one in which the notify script has said so it is
/// neither; and so it is for a moment after its start.
Result<Role> Keepalived::settled_role()
{
    Role now = Role::none;
    TRY(comes_true(ground_, until_state_is_said, [&]() -> Result<bool> {
        now = TRY(role());
        if (now != Role::none) return true;
        const std::optional<Process> process = TRY(process_in(ground_.host, ask_.pid_file));
        return !process.has_value();
    }));
    return now;
}

Result<Reach> Keepalived::peer()
{
    if (ask_.peer.empty()) return Reach::unknown;
    const host::Outcome said = TRY(ground_.host.run(
        {.argv = {"ping", "-n", "-q", "-c", "1", "-W", "2", ask_.peer}, .limit = std::chrono::seconds(5)}));
    return said.exit_code == 0 ? Reach::reachable : Reach::unreachable;
}

Result<std::string> Keepalived::priority()
{
    Result<std::string> text = ground_.host.read(ask_.track_file);
    if (!text && text.error().kind == ErrorKind::not_found) return std::string("0\n");
    return text;
}

Result<void> Keepalived::set_priority(std::string_view text)
{
    const std::string before = TRY(priority());
    if (before == text) return {};
    TRY(host::run_checked(ground_.host, {.argv = {"mkdir", "-p", folder_of(ask_.track_file)},
                                         .effect = host::Effect::changes}));
    return ground_.host.replace(ask_.track_file, text);
}

Result<Look> Keepalived::look()
{
    Look look{.role = TRY(role()), .says = {}, .offers = {Verb::take_over}};
    const std::optional<Process> process = TRY(service_.look());
    if (process) {
        look.version = process->version;
        look.runs_from = process->program;
    }
    look.starts_by_itself = TRY(service_.starts_by_itself());
    look.peer = TRY(peer());
    const std::string value = TRY(priority());
    const std::string raised = value.substr(0, value.find('\n'));
    if (look.role == Role::none) {
        look.says = "keepalived does not run, or is in fault";
        return look;
    }
    look.hot = look.role == Role::standby || look.peer != Reach::unreachable;
    look.says = look.role == Role::active
                    ? fmt::format("has {}, its priority changed by {}", ask_.address, raised)
                    : fmt::format("waits for {}, its priority changed by {}", ask_.address, raised);
    return look;
}

Result<void> Keepalived::take_over()
{
    const Role now = TRY(settled_role());
    if (now == Role::active) return {};
    if (now == Role::none)
        return fail(ErrorKind::refused,
                    "keepalived does not run here, or is in fault: nothing would take the address");
    TRY(set_priority(fmt::format("{}\n", ask_.step)));
    // Where the other was raised before, its stand-by makes the move.
    TRY(comes_true(ground_, until_address_came, [&] { return is_here(); }));
    return {};
}

Result<void> Keepalived::stand_by()
{
    const Role now = TRY(settled_role());
    if (now == Role::none) return fail(ErrorKind::refused, "keepalived does not run here, or is in fault");
    const std::string lowered = fmt::format("-{}\n", ask_.step);
    if (now == Role::standby) return set_priority(lowered);
    const Reach reach = TRY(peer());
    if (reach == Reach::unreachable)
        return fail(ErrorKind::refused, fmt::format("the peer, {}, does not answer", ask_.peer));
    const std::string before = TRY(priority());
    TRY(set_priority(lowered));
    const Result<bool> went = comes_true(ground_, until_address_went, [&]() -> Result<bool> {
        const Role then = TRY(role());
        return then == Role::standby;
    });
    if (went && *went) return {};
    TRY(ground_.host.replace(ask_.track_file, before));
    if (!went) return std::unexpected(went.error());
    return fail(ErrorKind::refused,
                fmt::format("nobody takes {} over: the priority is what it was", ask_.address));
}

Result<void> Keepalived::restart()
{
    const bool here = TRY(is_here());
    if (here)
        return fail(ErrorKind::refused, fmt::format("{} is here", ask_.address), "stand-by comes first");
    TRY(service_.restart());
    const bool waits = TRY(comes_true(ground_, until_backup_again, [&]() -> Result<bool> {
        const Role now = TRY(role());
        return now == Role::standby;
    }));
    if (!waits) return fail(ErrorKind::failed, "it was restarted, and does not come to stand by");
    return {};
}

Result<std::vector<std::string>> Keepalived::commands(Verb verb)
{
    if (verb == Verb::restart) return service_.restart_commands();
    if (verb != Verb::stand_by && verb != Verb::take_over) return std::vector<std::string>();
    host::Command write{.argv = {"tee", ask_.track_file}};
    write.input = fmt::format("{}{}\n", verb == Verb::stand_by ? "-" : "", ask_.step);
    return std::vector<std::string>{write.to_text(), addresses().to_text()};
}

}  // namespace belay::upgrade::driver
