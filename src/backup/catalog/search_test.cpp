// What a search finds is what a walk over every snapshot finds.

#include "backup/catalog/testing/shelf.h"

#include <doctest/doctest.h>
#include <fnmatch.h>
#include <random>

namespace belay::backup::catalog {
namespace {

using namespace testing;

/// Files of some clients that change from one snapshot to the next.
class RandomHistory {
  public:
    explicit RandomHistory(uint64_t seed) : random_(seed) {}

    std::vector<MadeSnapshot> make()
    {
        std::vector<MadeSnapshot> all;
        for (int client = 0; client < 3; ++client) {
            Files files = client == 1 ? all.front().files : Files{};
            for (int i = 0; i < 8; ++i) {
                for (int change = 0; change < 6; ++change) change_one(files);
                MadeSnapshot made{.entry = {}, .files = files};
                made.entry.repository = id_of_text(client == 2 ? "second" : "first");
                made.entry.id = id_of_text(fmt::format("{} {}", client, i));
                // No two at the same time.
                made.entry.seconds = 1000 + static_cast<int64_t>(random_() % 40 * 24 + all.size());
                made.entry.host = fmt::format("host{}", client);
                all.push_back(std::move(made));
            }
        }
        return all;
    }

  private:
    void change_one(Files& files)
    {
        static const std::string names[] = {"a",      "b",        "etc",  "fstab", "x.conf",
                                            "y.conf", "\xff\xfe", "ab.c", "**",    "Read.ME"};
        std::string path;
        const uint64_t depth = random_() % 4;
        for (uint64_t i = 0; i < depth; ++i) {
            path += names[random_() % std::size(names)];
            const auto found = files.find(path);
            if (found != files.end() && found->second.content != 0) return;
            files[path] = {};
            path += "/";
        }
        path += names[random_() % std::size(names)];
        if (random_() % 5 == 0) {
            std::erase_if(files, [&](const auto& one) {
                return one.first == path || one.first.starts_with(path + "/");
            });
        } else if (!files.contains(path) || files[path].content != 0) {
            files[path].content = 1 + random_() % 5;
        }
    }

    std::mt19937_64 random_;
};

/// path, host -> contents, the newest first
using Expected = std::map<std::pair<std::string, std::string>, std::vector<uint64_t>>;

enum class Wanted : uint8_t { all_versions, newest };

Expected walk(std::vector<MadeSnapshot> history, const std::function<bool(const std::string&)>& is_meant,
              const std::function<bool(const SnapshotEntry&)>& is_wanted, Wanted versions)
{
    std::set<std::pair<std::string, std::string>> seen;
    std::ranges::stable_sort(history, [](const MadeSnapshot& a, const MadeSnapshot& b) {
        return b.entry.seconds < a.entry.seconds;
    });
    Expected expected;
    for (const MadeSnapshot& made : history) {
        if (!is_wanted(made.entry)) continue;
        for (const auto& [path, state] : made.files) {
            const bool is_first = seen.emplace(path, made.entry.host).second;
            if (state.content == 0 || !is_meant("/" + path)) continue;
            if (versions == Wanted::newest && !is_first) continue;
            std::vector<uint64_t>& contents = expected[{"/" + path, made.entry.host}];
            if (std::ranges::find(contents, state.content) == contents.end())
                contents.push_back(state.content);
        }
    }
    return expected;
}

Expected files_in(const Found& found, const std::vector<Client>& clients)
{
    Expected said;
    for (const FoundFile& file : found.files) {
        const auto client = std::ranges::find(clients, file.client, &Client::number);
        REQUIRE(client != clients.end());
        for (const Version& version : file.versions)
            if (version.type == NodeType::file) said[{file.path, client->host}].push_back(version.content);
    }
    return said;
}

bool is_name(const std::string& path, const std::string& pattern, int flags = 0)
{
    return ::fnmatch(pattern.c_str(), path.substr(path.rfind('/') + 1).c_str(), flags) == 0;
}

struct Question {
    std::string what;
    std::function<bool(const std::string&)> means;
    Case letters = Case::counts;
};

std::vector<Question> questions()
{
    const auto of_name = [](const std::string& pattern) {
        return Question{pattern, [pattern](const std::string& path) { return is_name(path, pattern); }};
    };
    std::vector<Question> all = {of_name("*.conf"), of_name("fstab"),  of_name("*a*"), of_name("?"),
                                 of_name("[ab]*"),  of_name("[^a]*"),  of_name("*"),   of_name("nothing"),
                                 of_name("*\xfe"),  of_name("\\*\\*"), of_name("*q*")};
    for (const std::string& path :
         std::vector<std::string>{"/etc/fstab", "/a", "/a/b/etc/fstab", "/nowhere", "/x.conf/a"})
        all.push_back({path, [path](const std::string& at) { return at == path; }});
    all.push_back({"/etc/*.conf", [](const std::string& at) {
                       return ::fnmatch("/etc/*.conf", at.c_str(), FNM_PATHNAME) == 0;
                   }});
    all.push_back({"/*/fstab", [](const std::string& at) {
                       return ::fnmatch("/*/fstab", at.c_str(), FNM_PATHNAME) == 0;
                   }});
    all.push_back({"/etc/**", [](const std::string& at) { return at.starts_with("/etc/"); }});
    all.push_back(
        {"/a/**/fstab", [](const std::string& at) { return at.starts_with("/a/") && is_name(at, "fstab"); }});
    all.push_back({"etc/fstab", [](const std::string& at) { return at.ends_with("/etc/fstab"); }});
    all.push_back(
        {"READ.*", [](const std::string& at) { return is_name(at, "READ.*", FNM_CASEFOLD); }, Case::ignored});
    return all;
}

TEST_CASE("a search finds what a walk finds, for every pattern and restriction")
{
    for (uint64_t seed = 1; seed <= 12; ++seed) {
        const Shelf shelf;
        const auto catalog = shelf.make("catalog");
        std::vector<MadeSnapshot> history = RandomHistory(seed).make();
        for (MadeSnapshot& made : history) put(*catalog, made);
        is_whole(*catalog);
        const std::vector<Client> clients = must(catalog->clients());
        CHECK(clients.size() == 3);
        for (const Question& question : questions()) {
            for (int restriction = 0; restriction < 4; ++restriction) {
                INFO("seed ", seed, " ", question.what, " restriction ", restriction);
                SearchRequest request{.what = question.what,
                                      .letters = question.letters,
                                      .all_versions = true,
                                      .limit = 100'000};
                if (restriction == 1) request.clients = {clients.at(1).number};
                if (restriction == 2) request.repositories = {id_of_text("second")};
                if (restriction == 3) request.oldest = 1300, request.newest = 1700;
                const auto is_wanted = [&](const SnapshotEntry& entry) {
                    return (restriction != 1 || entry.host == clients.at(1).host) &&
                           (restriction != 2 || entry.repository == id_of_text("second")) &&
                           (restriction != 3 || (entry.seconds >= 1300 && entry.seconds <= 1700));
                };
                const Expected expected = walk(history, question.means, is_wanted, Wanted::all_versions);
                const Found found = must(search(*catalog, request));
                CHECK(files_in(found, clients) == expected);
                CHECK_FALSE(found.more);
                request.all_versions = false;
                CHECK(files_in(must(search(*catalog, request)), clients) ==
                      walk(history, question.means, is_wanted, Wanted::newest));
                request.limit = 1;
                const Found one = must(search(*catalog, request));
                CHECK(one.files.size() <= 1);
                if (expected.size() > 1) CHECK(one.more);
            }
        }
    }
}

TEST_CASE("a version says the newest snapshot that has it, and where else it is")
{
    const Shelf shelf;
    const auto catalog = shelf.make("catalog");
    const auto snapshot = [&](const std::string& id, const std::string& repository, int64_t seconds,
                              uint64_t content) {
        MadeSnapshot made;
        made.files["etc"] = {};
        made.files["etc/fstab"].content = content;
        made.entry.id = id_of_text(id);
        made.entry.repository = id_of_text(repository);
        made.entry.seconds = seconds;
        made.entry.host = "web";
        made.entry.tags = {std::string(identity_tag) + std::string(32, 'a')};
        put(*catalog, made);
    };
    snapshot("1", "here", 100, 7);
    snapshot("1 copied", "there", 100, 7);
    snapshot("2", "here", 200, 7);
    snapshot("3", "here", 300, 8);
    const Found found = must(search(*catalog, {.what = "/etc/fstab", .all_versions = true}));
    REQUIRE(found.files.size() == 1);
    const std::vector<Version>& versions = found.files.front().versions;
    REQUIRE(versions.size() == 2);
    CHECK(versions[0].newest.id == id_of_text("3"));
    CHECK(versions[0].snapshots == 1);
    CHECK(versions[1].newest.id == id_of_text("2"));
    CHECK(versions[1].first == 100);
    CHECK(versions[1].snapshots == 3);
    CHECK(versions[1].repositories.size() == 2);
    CHECK(versions[1].size == 70);
}

TEST_CASE("a pattern that is none is refused with one sentence")
{
    const Shelf shelf;
    const auto catalog = shelf.make("catalog");
    for (const std::string& what : std::vector<std::string>{"[a", "", "a/[b-"}) {
        const Result<Found> found = search(*catalog, {.what = what});
        REQUIRE_FALSE(found);
        CHECK(found.error().kind == ErrorKind::usage);
    }
}

TEST_CASE("folders that hold each other again and again end the search early, and it says so")
{
    const Shelf shelf;
    const auto catalog = shelf.make("catalog");
    must(catalog->put_repository({.id = id_of_text("r")}));
    Id below = id_of_text("leaf");
    const TreeEntry leaf{.name = "leaf", .content = 1};
    static_cast<void>(must(catalog->put_tree(below, {&leaf, 1})));
    for (int i = 0; i < 60; ++i) {
        const std::vector<TreeEntry> twice = {{.name = "a", .type = NodeType::dir, .subtree = below},
                                              {.name = "b", .type = NodeType::dir, .subtree = below}};
        below = id_of_text(fmt::format("level {}", i));
        static_cast<void>(must(catalog->put_tree(below, twice)));
    }
    SnapshotEntry entry{.repository = id_of_text("r"), .id = id_of_text("s"), .tree = below};
    REQUIRE(must(catalog->put_snapshot(entry)));
    must(catalog->commit());
    for (const std::string& what : std::vector<std::string>{"leaf", "*ea*", "/**/leaf"}) {
        const Found found = must(search(*catalog, {.what = what, .limit = 50}));
        CHECK(found.more);
        CHECK(found.files.size() <= 50);
    }
    std::string deep;
    for (int i = 0; i < 60; ++i) deep += "/*";
    const Found found = must(search(*catalog, {.what = deep + "/leaf", .limit = 50}));
    CHECK(found.more);
    CHECK(found.files.size() == 50);
}

TEST_CASE("a chain of folders that is deeper than any path is passed by")
{
    const Shelf shelf;
    const auto catalog = shelf.make("catalog");
    must(catalog->put_repository({.id = id_of_text("r")}));
    Id below = id_of_text("leaf");
    const TreeEntry leaf{.name = "leaf", .content = 1};
    static_cast<void>(must(catalog->put_tree(below, {&leaf, 1})));
    for (int i = 0; i < 50'000; ++i) {
        const TreeEntry only{.name = "d", .type = NodeType::dir, .subtree = below};
        below = id_of_text(fmt::format("level {}", i));
        static_cast<void>(must(catalog->put_tree(below, {&only, 1})));
    }
    REQUIRE(
        must(catalog->put_snapshot({.repository = id_of_text("r"), .id = id_of_text("s"), .tree = below})));
    must(catalog->commit());
    CHECK(must(search(*catalog, {.what = "leaf"})).files.empty());
    is_whole(*catalog);
}

}  // namespace
}  // namespace belay::backup::catalog
