#include "cli/program.h"
#include "site/remote/remote_client.h"

namespace {

using namespace belay;

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

}  // namespace

int main(int count, char** words)
{
    const cli::Network network{
        .become = nullptr,
        .read_word = read_word,
        .log_in = log_in,
        .log_out = [](const cli::KnownSite& site) { return site::log_out(remote_of(site), site.token); },
        .connect =
            [](const cli::KnownSite& site) { return site::remote_client(remote_of(site), site.token); }};
    return cli::run_program({words + 1, words + count}, network);
}
