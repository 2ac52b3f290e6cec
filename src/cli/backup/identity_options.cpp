#include "cli/backup/identity_options.h"

#include "backup/catalog/model.h"
#include "backup/repository/client_identity.h"
#include "cli/environment.h"

#include <algorithm>
#include <unistd.h>

namespace belay::cli {
namespace {

constexpr const char* none = "none";

std::string named_file(const std::string& said)
{
    return said.empty() ? environment("BELAY_IDENTITY") : said;
}

}  // namespace

void IdentityOptions::declare(OptionTable& options)
{
    options.value("--identity", file, "FILE",
                  "the key by which this machine is known whatever it is called; none: no key");
}

std::string IdentityOptions::path() const
{
    std::string named = named_file(file);
    if (named == none) return {};
    if (!named.empty()) return named;
    return backup::default_identity_file(::geteuid() == 0, environment("XDG_DATA_HOME"), environment("HOME"));
}

Result<std::string> IdentityOptions::add_to(std::vector<std::string>& tags) const
{
    std::string said = backup::catalog::identity_of(tags);
    if (!said.empty()) return said;
    const std::string from = path();
    if (from.empty()) return std::string();
    const Result<std::string> identity = backup::read_identity(from);
    const bool is_named = !named_file(file).empty();
    if (!identity && identity.error().kind == ErrorKind::not_found && !is_named) return std::string();
    tags.push_back(backup::tag_of_identity(TRY(identity)));
    return *identity;
}

}  // namespace belay::cli
