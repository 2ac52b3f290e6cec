// What a catalog answers comes to another process as it was.

#include "backup/catalog/answers.h"

#include "backup/catalog/testing/shelf.h"

#include <doctest/doctest.h>

namespace belay::backup::catalog {
namespace {

using namespace testing;

/// A catalog with two clients: one by its key, which was renamed, one by its host's name alone.
std::unique_ptr<Catalog> renamed_and_unnamed(const Shelf& shelf)
{
    auto catalog = shelf.make("catalog");
    const std::string key(32, 'a');
    int64_t seconds = -10;  // before 1970
    for (const std::string& host : std::vector<std::string>{"web1", "web2", "old"}) {
        MadeSnapshot made{.entry = {}, .files = {{"etc", {}}, {"etc/fstab", {7}}, {"etc/\"odd\"\n", {8}}}};
        made.entry.repository = id_of_text("repository");
        made.entry.id = id_of_text(host);
        made.entry.seconds = seconds += 1000;
        made.entry.nanoseconds = 999'999'999;
        made.entry.zone_seconds = -3600;
        made.entry.host = host;
        made.entry.user = "root";
        made.entry.paths = {"/etc", "/srv"};
        if (host != "old") made.entry.tags = {std::string(identity_tag) + key, "daily"};
        put(*catalog, made);
    }
    return catalog;
}

template <typename T>
T there_and_back(const T& value)
{
    return must(from_json_text<T>(json_text(Json(value))));
}

TEST_CASE("snapshots, clients and what was found come through JSON as they were")
{
    const Shelf shelf;
    const auto catalog = renamed_and_unnamed(shelf);
    const std::vector<SnapshotEntry> snapshots = must(catalog->snapshots());
    REQUIRE(snapshots.size() == 3);
    CHECK(there_and_back(snapshots) == snapshots);
    const std::vector<RepositoryEntry> repositories = must(catalog->repositories());
    CHECK(there_and_back(repositories) == repositories);

    const std::vector<Client> clients = must(catalog->clients());
    const std::vector<Client> came = there_and_back(clients);
    REQUIRE(came.size() == 2);
    for (size_t i = 0; i < came.size(); ++i) {
        CHECK(came[i].key() == clients[i].key());
        CHECK(came[i].number == clients[i].number);
        CHECK(came[i].shown_name() == clients[i].shown_name());
        CHECK(came[i].names.size() == clients[i].names.size());
        CHECK(came[i].names.back().from == clients[i].names.back().from);
        CHECK(came[i].names.back().until == clients[i].names.back().until);
        CHECK(came[i].snapshots == clients[i].snapshots);
        CHECK(came[i].newest == clients[i].newest);
    }

    const Found found = must(search(*catalog, {.what = "/etc/*", .all_versions = true, .limit = 3}));
    REQUIRE(found.files.size() == 3);
    const Found reached = there_and_back(found);
    CHECK(reached.more);
    REQUIRE(reached.files.size() == 3);
    for (size_t i = 0; i < reached.files.size(); ++i) {
        CHECK(reached.files[i].path == found.files[i].path);
        CHECK(reached.files[i].client == found.files[i].client);
        const Version &ours = found.files[i].versions.front(), &theirs = reached.files[i].versions.front();
        CHECK(theirs.type == ours.type);
        CHECK(theirs.size == ours.size);
        CHECK(theirs.mtime == ours.mtime);
        CHECK(theirs.content == ours.content);
        CHECK(theirs.newest == ours.newest);
        CHECK(theirs.first == ours.first);
        CHECK(theirs.snapshots == ours.snapshots);
        CHECK(theirs.repositories == ours.repositories);
    }
}

TEST_CASE("JSON that is no answer of a catalog is refused, whatever lacks in it or is of another type")
{
    const Shelf shelf;
    const auto catalog = renamed_and_unnamed(shelf);
    const Json found = must(search(*catalog, {.what = "fstab"}));
    const Json version = found.at("files").at(0).at("versions").at(0);
    CHECK(from_json_value<Version>(version));
    for (const auto& [name, value] : version.items()) {
        Json changed = version;
        changed.erase(name);
        CHECK_FALSE(from_json_value<Version>(changed));
        changed[name] = Json::array({nullptr});
        CHECK_FALSE(from_json_value<Version>(changed));
    }
    Json snapshot = version.at("newest");
    snapshot["id"] = "no digits";
    CHECK_FALSE(from_json_value<SnapshotEntry>(snapshot));
}

}  // namespace
}  // namespace belay::backup::catalog
