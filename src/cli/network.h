#pragma once
// What `belay` does over the network. The program `belay` has none of it and becomes `belay-site` where a
// command needs it: the libraries of the network would make every other command start three times as slowly.

#include "cli/known_sites.h"
#include "site/client.h"

#include <functional>
#include <memory>
#include <string>

namespace belay::cli {

struct Network {
    /// Becomes the program that has what follows; comes back only where it could not. Null in that program.
    std::function<Error()> become;

    /// What a word of a site says; without name, account and session. Errors: usage.
    std::function<Result<KnownSite>(const std::string& word)> read_word;
    /// The site with a session. Errors: permission, busy, unavailable.
    std::function<Result<KnownSite>(KnownSite site, const std::string& password)> log_in;
    /// Errors: unavailable.
    std::function<Result<void>(const KnownSite& site)> log_out;
    std::function<std::unique_ptr<site::Client>(const KnownSite& site)> connect;
    /// As the host that this machine is, whose membership is in its state folder. Errors: not_found (it is of
    /// no site), permission.
    std::function<Result<std::unique_ptr<site::Client>>(const std::string& proxy,
                                                        const std::string& state_folder)>
        connect_to_proxy;
};

}  // namespace belay::cli
