#pragma once
// For tests: the command lines of `belay catalog` and `belay restore`, beside those of backups.

#include "backup/catalog/portable.h"
#include "cli/catalog/catalog_commands.h"
#include "cli/network.h"
#include "shop.h"

namespace belay::backup {

/// Nothing here asks a site.
inline int run_catalog(const Words& words, cli::Console& console)
{
    return cli::run_catalog(words, console, {});
}

/// A shop with a catalog beside it.
class CatalogShop : public Shop {
  public:
    CatalogShop() : catalog(path("catalog")) {}

    Said say(int (*program)(const Words&, cli::Console&), Words words) const
    {
        words.insert(words.end(), {"--catalog", catalog});
        cli::fakes::TextConsole console;
        Said said;
        said.code = program(words, console);
        said.out = console.said;
        said.err = console.complained;
        return said;
    }
    std::string must_catalog(const Words& words) const
    {
        const Said said = say(run_catalog, words);
        REQUIRE_MESSAGE(said.code == 0, said.out, said.err);
        return said.out;
    }
    Json catalog_json(Words words) const
    {
        words.emplace_back("--json");
        return must(parse_json(last_line(must_catalog(words))));
    }
    void add(const Words& more = {}) const
    {
        Words words = {"add", path("repository"), "--password-file", path("password")};
        words.insert(words.end(), more.begin(), more.end());
        must_catalog(words);
    }
    std::string digest() const
    {
        return must(digest_of(*must(CatalogFolder(catalog).open(catalog::Use::read))));
    }
    /// What the catalog says of a path, one version a line.
    Json versions(const std::string& of) const
    {
        const Json found = catalog_json({"search", of});
        return found.at("files").empty() ? Json::array() : found.at("files").at(0).at("versions");
    }

    std::string catalog;
};

}  // namespace belay::backup
