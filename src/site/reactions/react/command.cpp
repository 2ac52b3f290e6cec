#include "site/reactions/react/react.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <vector>

namespace belay::site::react {
namespace {

struct Account {
    uid_t user = 0;
    gid_t group = 0;
    std::string name, home;
};

Result<Account> account_named(const std::string& name)
{
    std::array<char, 16 << 10> room{};
    passwd entry{};
    passwd* found = nullptr;
    const int problem = getpwnam_r(name.c_str(), &entry, room.data(), room.size(), &found);
    if (problem != 0) return std::unexpected(system_error(fmt::format("find the account {}", name), problem));
    if (found == nullptr)
        return fail(ErrorKind::not_found, fmt::format("there is no account {} on this host", name));
    return Account{.user = entry.pw_uid, .group = entry.pw_gid, .name = entry.pw_name, .home = entry.pw_dir};
}

/// In this order, for whoever is not root any more cannot change groups.
Result<void> become_account(const Account& account)
{
    if (geteuid() == account.user) return {};
    if (initgroups(account.name.c_str(), account.group) != 0 ||
        setresgid(account.group, account.group, account.group) != 0 ||
        setresuid(account.user, account.user, account.user) != 0)
        return std::unexpected(system_error(fmt::format("become {}", account.name), errno));
    return {};
}

}  // namespace

Result<void> bind_to_parent()
{
    const pid_t parent = getppid();
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return std::unexpected(system_error("bind to belayd", errno));
    if (getppid() != parent || parent == 1) return fail(ErrorKind::unavailable, "belayd has ended");
    // Not the lock of belayd's state folder: a new belayd does not wait for reactions.
    close_range(STDERR_FILENO + 1, ~0U, 0);
    return {};
}

Error become_command(const Json& errand)
{
    std::vector<std::string> words,
        variables = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8"};
    for (const Json& word : errand.value("argv", Json::array())) words.push_back(word.get<std::string>());
    const Json environment = errand.value("environment", Json::object());
    for (const auto& [name, value] : environment.items())
        variables.push_back(fmt::format("{}={}", name, value.get<std::string>()));
    if (words.empty() || words.front().empty())
        return {.kind = ErrorKind::usage, .what = "a command without a program"};
    if (const std::string user = errand.value("user", ""); !user.empty()) {
        const auto account = account_named(user);
        if (!account) return account.error();
        variables.push_back("USER=" + account->name);
        variables.push_back("HOME=" + account->home);
        if (const auto became = become_account(*account); !became) return became.error();
        // Another account has no parent any more that would end it.
        if (const auto bound = bind_to_parent(); !bound) return bound.error();
    }
    // What it says is not kept but for its last line, so both are one.
    if (chdir("/") != 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        return system_error("begin the command", errno);
    const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0) return system_error("begin the command", errno);
    std::vector<char*> argv, envp;
    for (std::string& word : words) argv.push_back(word.data());
    for (std::string& variable : variables) envp.push_back(variable.data());
    argv.push_back(nullptr);
    envp.push_back(nullptr);
    execvpe(words.front().c_str(), argv.data(), envp.data());
    return system_error(fmt::format("run {}", words.front()), errno);
}

}  // namespace belay::site::react
