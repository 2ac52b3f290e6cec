#pragma once
// For tests: a media server without TLS, on which a test may write any bytes, and three accounts.

#include "base/digest.h"
#include "media_site.h"

namespace belay::media {

/// anna has all rights in the space "team", bert may add, carl may read.
struct Team {
    Team() : Team(std::vector<std::string>{}) {}
    explicit Team(std::vector<std::string> options) : site({.tls = false, .more = std::move(options)})
    {
        site.add("anna", "team", "full");
        site.add("bert", "team", "append");
        site.add("carl", "team", "read");
        REQUIRE(ask("POST", "/team/r/?create=true", "anna") == 200);
        REQUIRE(ask("POST", "/team/r/config", "anna", "the config") == 200);
    }

    int ask(const std::string& method, const std::string& path, const std::string& account,
            std::string_view body = {}, const std::string& headers = {})
    {
        Wire wire(site);
        wire.is_head = method == "HEAD";
        REQUIRE(wire.send(request(method, path, account, body, headers)));
        const int status = wire.answer();
        said = wire.body;
        head = wire.head;
        return status;
    }
    int save(const std::string& kind, std::string_view content, const std::string& account = "anna")
    {
        return ask("POST", fmt::format("/team/r/{}/{}", kind, sha256(content)), account, content);
    }
    std::string file(const std::string& kind, std::string_view content) const
    {
        const std::string id = sha256(content);
        const std::string part = kind == "data" ? id.substr(0, 2) + "/" : "";
        return site.scratch().path(fmt::format("data/team/r/{}/{}{}", kind, part, id));
    }

    MediaSite site;
    std::string said, head;
};

}  // namespace belay::media
