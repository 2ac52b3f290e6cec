#include "cli/program.h"
#include "site/remote/remote_client.h"

namespace {

using namespace belay;

constexpr const char* standard_state_folder = "/var/lib/belay";

site::RemoteSite remote_of(const cli::KnownSite& site)
{
    return {.site = site.site, .authority_pem = site.authority_pem, .controllers = site.controllers};
}

Result<cli::KnownSite> read_word(const std::string& word)
{
    const site::RemoteSite site = TRY(site::read_site(word));
    return cli::KnownSite{.name = {},
                          .site = site.site,
                          .authority_pem = site.authority_pem,
                          .controllers = site.controllers,
                          .account = {},
                          .token = {}};
}

Result<cli::KnownSite> log_in(cli::KnownSite site, const std::string& password)
{
    const site::LoggedIn session = TRY(site::log_in(remote_of(site), site.account, password));
    site.token = session.token;
    site.ends = session.ends;
    return site;
}

Result<std::unique_ptr<site::Client>> connect_to_proxy(const std::string& proxy,
                                                       const std::string& state_folder)
{
    const std::string folder = state_folder.empty() ? standard_state_folder : state_folder;
    const std::optional<site::Membership> membership = TRY(site::MembershipFile(folder).read());
    if (!membership)
        return fail(ErrorKind::not_found, "this machine is a host of no site, and no proxy answers it",
                    "belay login, for a person");
    return site::proxy_client({proxy}, *membership);
}

}  // namespace

int main(int count, char** words)
{
    const cli::Network network{
        .become = nullptr,
        .read_word = read_word,
        .log_in = log_in,
        .log_out = [](const cli::KnownSite& site) { return site::log_out(remote_of(site), site.token); },
        .connect =
            [](const cli::KnownSite& site) { return site::remote_client(remote_of(site), site.token); },
        .connect_to_proxy = connect_to_proxy};
    return cli::run_program({words + 1, words + count}, network);
}
