#include "cli/login.h"

#include "base/json.h"

namespace belay::cli {
namespace {

constexpr size_t most_password_bytes = 4096;

/// The site as the command names it, with what was said of it besides.
Result<KnownSite> site_asked_for(const Invocation& asked, const KnownSites& known, const Network& network)
{
    if (asked.target.starts_with("belaysite1.")) {
        KnownSite site = TRY(network.read_word(asked.target));
        site.name = asked.name.empty() ? site.site : asked.name;
        if (const auto before = known.read(site.name)) {
            if (before->site != site.site)
                return fail(ErrorKind::busy, fmt::format("you call another site {} already", site.name),
                            "the same command, with --as and another name");
            site.account = before->account;
        }
        return site;
    }
    return known.read(asked.target);
}

}  // namespace

Result<std::string> read_password(Console& console, const std::string& whose, bool is_new)
{
    if (!console.can_ask()) {
        std::string text = TRY(console.read_all(most_password_bytes, ""));
        if (text.ends_with('\n')) text.pop_back();
        if (text.empty())
            return fail(ErrorKind::usage, "no password came from standard input",
                        "the same command, on a terminal");
        return text;
    }
    const auto typed = console.ask_secret(fmt::format("password of {}: ", whose));
    if (!typed || typed->empty())
        return fail(ErrorKind::usage, "no password was given, and nothing was done");
    if (is_new) {
        const auto again = console.ask_secret("the same again: ");
        if (again != typed)
            return fail(ErrorKind::usage, "the passwords are not the same, and nothing was done");
    }
    return *typed;
}

Result<int> log_in(const Invocation& asked, Console& console, const Style& style, const Network& network)
{
    const KnownSites known = TRY(KnownSites::of_this_person());
    KnownSite site = TRY(site_asked_for(asked, known, network));
    if (!asked.account.empty()) site.account = asked.account;
    if (site.account.empty())
        return fail(ErrorKind::usage, "who are you there? no account was named",
                    fmt::format("belay login {} --account NAME", site.name));
    const std::string password = TRY(read_password(console, site.account, false));
    site = TRY(network.log_in(std::move(site), password));
    TRY(known.write(site));
    console.out(
        asked.json
            ? json_text({{"name", site.name}, {"account", site.account}, {"ends_ms", site.ends.count()}}) +
                  '\n'
            : fmt::format("{} is logged in to {} until {}\n  next: belay --site {} status\n", site.account,
                          site.name, style.clock(site.ends), site.name));
    return 0;
}

Result<int> log_out(const Invocation& asked, Console& console, const Network& network)
{
    const KnownSites known = TRY(KnownSites::of_this_person());
    KnownSite site = TRY(known.read(asked.target));
    if (!site.token.empty()) {
        TRY(network.log_out(site));
        site.token.clear();
        TRY(known.write(site));
    }
    console.out(asked.json ? json_text({{"name", site.name}}) + '\n'
                           : fmt::format("the session with {} has ended\n", site.name));
    return 0;
}

Result<std::unique_ptr<site::Client>> connect_to_site(const std::string& name, const Network& network)
{
    const KnownSites known = TRY(KnownSites::of_this_person());
    const KnownSite site = TRY(known.read(name));
    if (site.token.empty())
        return fail(ErrorKind::permission, fmt::format("you have no session with {}", name),
                    "belay login " + name);
    return network.connect(site);
}

}  // namespace belay::cli
