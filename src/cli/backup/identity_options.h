#pragma once
// --identity: by which key a machine is known, whatever it is called.

#include "base/result.h"
#include "cli/backup/options.h"

namespace belay::cli {

struct IdentityOptions {
    std::string file;

    void declare(OptionTable& options);
    /// The file that is meant; empty where the machine shall have none. By the option, by BELAY_IDENTITY, or
    /// the usual one.
    std::string path() const;
    /// Adds the tag of this machine's identity to a snapshot's; the identity, empty where it has none.
    /// Errors: those of the file; that there is none is an error where one was named.
    Result<std::string> add_to(std::vector<std::string>& tags) const;
};

}  // namespace belay::cli
