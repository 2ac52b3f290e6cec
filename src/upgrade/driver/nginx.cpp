#include "upgrade/driver/nginx.h"

#include <algorithm>

namespace belay::upgrade::driver {
namespace {

constexpr Milliseconds until_new_one_runs = std::chrono::seconds(30);
constexpr Milliseconds until_old_name_is_back = std::chrono::seconds(5);
constexpr Milliseconds until_old_workers_end = std::chrono::minutes(4);
constexpr Milliseconds until_old_one_ends = std::chrono::minutes(4);

std::unexpected<Error> has_no_pair(Verb verb)
{
    return fail(ErrorKind::refused, fmt::format("nginx alone has no {}: it knows of no peer", name_of(verb)),
                "belay-driver keepalived --unit nginx moves its address; renew replaces it while it serves");
}

}  // namespace

Result<bool> Nginx::has_workers(const Process& of)
{
    const host::Outcome said = TRY(ground_.host.run({.argv = {"pgrep", "--parent", std::to_string(of.pid)}}));
    // The new master is a child of the old one.
    const std::optional<Process> now = TRY(master());
    const bool has_new = now && now->pid != of.pid;
    const std::string children = "\n" + said.out;
    const bool counts_new = has_new && children.find(fmt::format("\n{}\n", now->pid)) != std::string::npos;
    return std::ranges::count(said.out, '\n') > (counts_new ? 1 : 0);
}

Result<Look> Nginx::look()
{
    Look look{.says = "nginx does not run", .offers = {Verb::renew}};
    look.starts_by_itself = TRY(driver::starts_by_itself(ground_.host, ask_.unit));
    const std::optional<Process> now = TRY(master());
    if (!now) return look;
    const std::optional<Process> old = TRY(old_master());
    look.role = Role::active;
    look.says = old ? fmt::format("runs as process {}, and process {} is being replaced", now->pid, old->pid)
                    : fmt::format("runs as process {}", now->pid);
    look.version = now->version;
    look.runs_from = now->program;
    return look;
}

Result<void> Nginx::stand_by()
{
    return has_no_pair(Verb::stand_by);
}

Result<void> Nginx::restart()
{
    return has_no_pair(Verb::restart);
}

/// The old one has gone on under another name, and takes its own back where the new one does not start.
Result<Process> Nginx::start_new()
{
    const std::optional<Process> before = TRY(master());
    if (!before) return fail(ErrorKind::refused, "nginx does not run");
    TRY(host::run_checked(ground_.host, signal_to(before->pid, "USR2")));
    const Milliseconds begun = TRY(ground_.host.now()).boot;
    bool is_gone = false;
    const bool runs = TRY(comes_true(ground_, until_new_one_runs, [&]() -> Result<bool> {
        const std::optional<Process> now = TRY(master());
        if (!now) return false;
        if (now->pid == before->pid) {
            const Milliseconds since = TRY(ground_.host.now()).boot - begun;
            is_gone = since > until_old_name_is_back;
            return is_gone;
        }
        return has_workers(*now);
    }));
    if (!runs || is_gone)
        return fail(ErrorKind::failed,
                    fmt::format("the new nginx did not start: process {} goes on", before->pid), "nginx -t");
    return *before;
}

Result<void> Nginx::renew()
{
    // One that was killed behind USR2 left both running.
    const std::optional<Process> left = TRY(old_master());
    Process old;
    if (left)
        old = *left;
    else
        old = TRY(start_new());
    const auto is_ours = [&](const std::optional<Process>& now) { return now && now->pid != old.pid; };
    std::optional<Process> now = TRY(master());
    if (!is_ours(now))
        return fail(ErrorKind::failed, fmt::format("the new nginx is gone: process {} goes on", old.pid),
                    "nginx -t");
    TRY(host::run_checked(ground_.host, signal_to(old.pid, "WINCH")));
    // Their last requests; the new one serves, so that nobody waits for this.
    TRY(comes_true(ground_, until_old_workers_end, [&]() -> Result<bool> {
        const bool has_some = TRY(has_workers(old));
        return !has_some;
    }));
    now = TRY(master());
    if (!is_ours(now)) {
        // Without the new one the old takes up its work.
        TRY(host::run_checked(ground_.host, signal_to(old.pid, "HUP")));
        return fail(ErrorKind::failed, fmt::format("the new nginx is gone: process {} goes on", old.pid),
                    "nginx -t");
    }
    TRY(host::run_checked(ground_.host, signal_to(old.pid, "QUIT")));
    const bool ended = TRY(comes_true(ground_, until_old_one_ends, [&]() -> Result<bool> {
        const std::optional<Process> still = TRY(old_master());
        return !still.has_value();
    }));
    if (ended) return {};
    return fail(ErrorKind::timeout,
                fmt::format("the new nginx serves, and the old, process {}, does not end", old.pid));
}

Result<std::vector<std::string>> Nginx::commands(Verb verb)
{
    std::vector<std::string> lines;
    if (verb != Verb::renew) return lines;
    const std::optional<Process> now = TRY(master());
    if (!now) return fail(ErrorKind::refused, "nginx does not run");
    for (const char* const signal : {"USR2", "WINCH", "QUIT"})
        lines.push_back(signal_to(now->pid, signal).to_text());
    return lines;
}

}  // namespace belay::upgrade::driver
