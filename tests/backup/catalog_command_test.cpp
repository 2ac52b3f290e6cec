// belay catalog and belay restore as people use them, with Debian's restic as a client beside Belay.

#include "backup/cataloging/take_in.h"
#include "catalog_shop.h"
#include "in_memory.h"

#include <algorithm>
#include <csignal>
#include <doctest/doctest.h>
#include <sys/wait.h>

namespace belay::backup {
namespace {

using catalog::Catalog;
using catalog::Use;

TEST_CASE("what Belay and restic have saved is found, and what was forgotten is not")
{
    const CatalogShop shop;
    const std::string file = shop.path("tree/small");
    shop.restic({"backup", shop.path("tree"), "--host", "web"});
    shop.add();
    CHECK(shop.versions(file).size() == 1);
    shop.write("tree/small", "other bytes, and more of them\n");
    shop.must_belay({"run", shop.path("tree"), "--host", "web", "-q", "--identity", "none"});
    CHECK(shop.versions(file).size() == 1);
    shop.must_catalog({"refresh"});
    const Json versions = shop.versions(file);
    REQUIRE(versions.size() == 2);
    CHECK(versions.at(0).at("size") == 30);
    CHECK(versions.at(1).at("size") == 12);
    const Json all = shop.belay_json({"snapshots"});
    CHECK(versions.at(0).at("snapshot").at("id") == all.at(1).at("id"));
    // Every file that restic finds is found.
    const Json found = shop.catalog_json({"search", "**/*", "--limit", "1000"});
    std::set<std::string> ours, restics;
    for (const Json& one : found.at("files")) ours.insert(one.at("path").get<std::string>());
    for (const Json& one : Shop::lines(shop.must_belay({"ls", "latest", "--json"})))
        if (one.at("struct_type") == "node") restics.insert(one.at("path").get<std::string>());
    CHECK(ours == restics);

    shop.restic({"forget", all.at(0).at("short_id").get<std::string>()});
    shop.must_catalog({"refresh"});
    CHECK(shop.versions(file).size() == 1);
    shop.must_catalog({"check"});
    CHECK(shop.say(run_catalog, {"search", "no such name"}).out == "nothing was found\n");
}

TEST_CASE("a catalog that was lost is made anew, equal to the one before")
{
    const CatalogShop shop;
    for (int i = 0; i < 4; ++i) {
        shop.write(fmt::format("tree/folder/new{}", i), std::string(static_cast<size_t>(i), 'x'));
        if (i % 2 == 0)
            shop.restic({"backup", shop.path("tree"), "--host", "web"});
        else
            shop.must_belay({"run", shop.path("tree"), "--host", "mail", "-q", "--identity", "none"});
        if (i == 0) shop.add();
        shop.must_catalog({"refresh"});
    }
    const std::string before = shop.digest();
    shop.must_catalog({"export", shop.path("before")});
    shop.must_catalog({"rebuild"});
    CHECK(shop.digest() == before);
    std::filesystem::remove(shop.catalog + "/catalog.sqlite");
    CHECK(shop.say(run_catalog, {"search", "small"}).code != 0);
    shop.must_catalog({"rebuild"});
    CHECK(shop.digest() == before);
    // Damaged, it says so, and what mends it.
    const std::string database = std::filesystem::canonical(shop.catalog + "/catalog.sqlite");
    std::ofstream(database, std::ios::binary) << std::string(100'000, 'x');
    const Said said = shop.say(run_catalog, {"search", "small"});
    CHECK(said.code == 1);
    CHECK(said.err.find("belay catalog rebuild") != std::string::npos);
    shop.must_catalog({"rebuild"});
    CHECK(shop.digest() == before);
    shop.must_catalog({"export", shop.path("after")});
    CHECK(shop.read("after") == shop.read("before"));

    cli::fakes::TextConsole console;
    const std::string other = shop.path("other");
    REQUIRE(run_catalog({"import", shop.path("before"), "--catalog", other}, console) == 0);
    CHECK(must(digest_of(*must(CatalogFolder(other).open(Use::read)))) == before);
    CHECK(run_catalog({"import", shop.path("before"), "--catalog", other}, console) == 1);
    std::string damaged = shop.read("before");
    damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 1);
    shop.write("damaged", damaged);
    const std::string third = shop.path("third");
    CHECK(run_catalog({"import", shop.path("damaged"), "--catalog", third}, console) == 1);
    CHECK_FALSE(std::filesystem::exists(third + "/catalog-1.sqlite"));
}

TEST_CASE("every host is renamed, and nothing breaks")
{
    const CatalogShop shop;
    const std::string key = shop.path("identity.pem"), other_key = shop.path("other.pem");
    const std::string identity =
        shop.belay_json({"identity", "create", "--identity", key}).at("identity").get<std::string>();
    CHECK(shop.belay_json({"identity", "show", "--identity", key}).at("identity") == identity);
    CHECK(shop.belay({"identity", "create", "--identity", key}).code == 1);
    struct stat status = {};
    REQUIRE(::stat(key.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
    shop.must_belay({"identity", "create", "--identity", other_key});
    const auto save = [&](const std::string& host, const std::string& with) {
        return shop.must_belay({"run", shop.path("tree"), "--host", host, "--identity", with});
    };
    save("old-a", key);
    save("old-b", other_key);
    shop.add();
    const std::string renamed = save("new-a", key);
    CHECK(renamed.find("comparing with snapshot") == 0);
    CHECK(renamed.find("8 unchanged") != std::string::npos);
    // Its own snapshot is the parent, not the newest of all.
    const Json all = shop.belay_json({"snapshots"});
    REQUIRE(all.size() == 3);
    CHECK(all.at(2).at("parent") == all.at(0).at("id"));
    const Json again =
        shop.belay_json({"run", shop.path("tree"), "--host", "new-aa", "--identity", key, "-q"});
    CHECK(again.at("data_blobs") == 0);  // metadata alone is added
    CHECK(again.at("files_unmodified") == 8);
    save("new-b", other_key);
    shop.must_catalog({"refresh"});
    const Json clients = shop.catalog_json({"clients"});
    REQUIRE(clients.size() == 2);
    CHECK(clients.at(0).at("identity") == identity);
    CHECK(clients.at(0).at("name") == "new-aa");
    CHECK(clients.at(0).at("names").size() == 3);
    CHECK(clients.at(0).at("snapshots") == 3);
    for (const std::string& name : {std::string("old-a"), std::string("new-a"), identity}) {
        const Json found = shop.catalog_json({"search", shop.path("tree/small"), "--client", name});
        CHECK(found.at("files").size() == 1);
        const std::string back = shop.path("back-" + name);
        const Said said =
            shop.say(cli::run_restore, {shop.path("tree/small"), "--client", name, "--target", back});
        REQUIRE_MESSAGE(said.code == 0, said.out, said.err);
        CHECK(shop.read("back-" + name + shop.path("tree/small")) == shop.read("tree/small"));
    }
    // The policy sees one machine, whatever it was called.
    const Json groups = shop.belay_json({"snapshots", "--group-by", "host"});
    CHECK(groups.size() == 2);
    shop.must_belay({"forget", "--keep-last", "1"});
    CHECK(shop.belay_json({"snapshots"}).size() == 2);
    // restic's own commands keep the tag.
    shop.restic({"tag", "--add", "kept"});
    shop.must_catalog({"refresh"});
    CHECK(shop.catalog_json({"clients"}).at(0).at("identity") == identity);
    const std::string before = shop.digest();
    shop.must_catalog({"rebuild"});
    CHECK(shop.digest() == before);
}

TEST_CASE("an identity that cannot be had is said, and one that was not asked for is none")
{
    const Shop shop;
    const std::string key = shop.path("identity.pem");
    CHECK(shop.belay({"run", shop.path("tree"), "--identity", key}).code == 1);
    shop.must_belay({"run", shop.path("tree"), "--identity", "none"});
    shop.write("identity.pem", "no key");
    REQUIRE(::chmod(key.c_str(), 0600) == 0);
    CHECK(shop.belay({"run", shop.path("tree"), "--identity", key}).err.find("no Ed25519 key") !=
          std::string::npos);
    std::filesystem::remove(key);
    shop.must_belay({"identity", "create", "--identity", key});
    REQUIRE(::chmod(key.c_str(), 0644) == 0);
    CHECK(shop.belay({"run", shop.path("tree"), "--identity", key}).err.find("chmod 600") !=
          std::string::npos);
}

TEST_CASE("a name that two machines had is refused with both of them")
{
    const CatalogShop shop;
    for (const char* key : {"one.pem", "two.pem"}) {
        shop.must_belay({"identity", "create", "--identity", shop.path(key)});
        shop.must_belay({"run", shop.path("tree"), "--host", "web", "-q", "--identity", shop.path(key)});
    }
    shop.add();
    const Said said = shop.say(cli::run_restore, {shop.path("tree/small"), "--client", "web"});
    CHECK(said.code == 1);
    CHECK(said.err.find("2 clients were called web: ") != std::string::npos);
    for (const Json& client : shop.catalog_json({"clients"}))
        CHECK(said.err.find(client.at("identity").get<std::string>()) != std::string::npos);
}

TEST_CASE("a restore needs client, path and time, and says the commands that do it by hand")
{
    const CatalogShop shop;
    const std::string file = shop.path("tree/odd [*]");
    shop.write("tree/odd [*]", "first");
    shop.must_belay({"run", shop.path("tree"), "--host", "web", "-q", "--time", "2026-01-01 10:00:00",
                     "--identity", "none"});
    shop.write("tree/odd [*]", "second");
    shop.must_belay({"run", shop.path("tree"), "--host", "web", "-q", "--time", "2026-02-01 10:00:00",
                     "--identity", "none"});
    std::filesystem::remove(file);
    shop.must_belay({"run", shop.path("tree"), "--host", "web", "-q", "--time", "2026-03-01 10:00:00",
                     "--identity", "none"});
    shop.add();
    const auto restored = [&](const std::string& name, const Words& more) {
        Words words = {file, "--client", "web", "--target", shop.path(name)};
        words.insert(words.end(), more.begin(), more.end());
        const Said said = shop.say(cli::run_restore, words);
        REQUIRE_MESSAGE(said.code == 0, said.out, said.err);
        return shop.read(name + file);
    };
    CHECK(restored("now", {}) == "second");
    CHECK(restored("then", {"--at", "2026-01-15"}) == "first");
    CHECK(shop.say(cli::run_restore, {file, "--client", "web", "--at", "2025-01-01"}).code == 1);
    CHECK(shop.say(cli::run_restore, {file, "--client", "nobody"}).code == 1);
    CHECK(shop.say(cli::run_restore, {file}).code == 1);
    const Said dry = shop.say(
        cli::run_restore, {file, "--client", "web", "--dry-run", "--json", "--target", shop.path("by hand")});
    REQUIRE(dry.code == 0);
    const Json said = must(parse_json(dry.out));
    Words argv = said.at("restic").get<Words>();
    argv.insert(argv.begin() + 1, "--no-cache");
    Scratch::run(argv);
    CHECK(shop.read("by hand" + file) == "second");
    std::string text = dry.out;
    CHECK(text.find(shop.read("catalog/repositories/" +
                              said.at("snapshot").at("repository").get<std::string>() + "/password")) ==
          std::string::npos);
}

TEST_CASE("the catalog's key is its own, is nowhere but in its file, and goes with it")
{
    const CatalogShop shop;
    shop.must_belay({"run", shop.path("tree"), "-q", "--identity", "none"});
    shop.add();
    const auto keys = [&] { return shop.belay_json({"key", "list"}); };
    REQUIRE(keys().size() == 2);
    CHECK(keys().at(1).at("userName") == "catalog");
    const std::string id = shop.catalog_json({"list"}).at(0).at("repository");
    const std::string secret_file = "catalog/repositories/" + id + "/password";
    std::string secret = shop.read(secret_file);
    secret.pop_back();
    CHECK(secret.size() == 64);
    struct stat status = {};
    REQUIRE(::stat(shop.path(secret_file).c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(shop.catalog)) {
        if (!entry.is_regular_file() || entry.path() == shop.path(secret_file)) continue;
        std::ifstream file(entry.path(), std::ios::binary);
        const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
        CHECK_MESSAGE(bytes.find(secret) == std::string::npos, entry.path().string());
    }
    shop.add();  // once more: a new key, and the old one goes
    CHECK(keys().size() == 2);
    shop.must_catalog({"remove", id});
    CHECK(keys().size() == 1);
    CHECK(shop.catalog_json({"list"}).empty());
    CHECK(shop.catalog_json({"clients"}).empty());
    shop.add({"--keep-password", "--one-client"});
    CHECK(keys().size() == 1);
    CHECK(shop.catalog_json({"clients"}).at(0).at("client") == id.substr(0, 8));
    CHECK(
        shop.say(run_catalog, {"add", shop.path("nowhere"), "--password-file", shop.path("password")}).code ==
        10);
    shop.write("wrong", "wrong password\n");
    CHECK(
        shop.say(run_catalog, {"add", shop.path("repository"), "--password-file", shop.path("wrong")}).code ==
        12);
}

TEST_CASE("two who change the catalog do not meet, and searches go on")
{
    const CatalogShop shop;
    shop.must_belay({"run", shop.path("tree"), "-q", "--identity", "none"});
    shop.add();
    const host::Descriptor lock = must(CatalogFolder(shop.catalog).lock());
    CHECK(shop.say(run_catalog, {"refresh", "--retry-lock", "0s"}).code == 11);
    CHECK(shop.say(run_catalog, {"rebuild", "--retry-lock", "300ms"}).code == 11);
    CHECK(shop.versions(shop.path("tree/small")).size() == 1);
}

void take(MemoryBackend& memory, Catalog& catalog, TakenIn& taken, std::vector<std::string>* told = nullptr)
{
    Repository repository = must(Repository::open(std::make_unique<Borrowed>(memory), Scratch::password));
    TakingIn how{.location = "memory"};
    how.problem = [&](const Error& error) {
        if (told != nullptr) told->push_back(error.what);
    };
    must(take_in(repository, catalog, how, taken));
}

/// A repository with some snapshots of a tree that changes.
void fill(MemoryBackend& memory, const Scratch& scratch, int snapshots)
{
    init(memory);
    scratch.make_tree();
    for (int i = 0; i < snapshots; ++i) {
        scratch.write(fmt::format("tree/folder/deeper/new{}", i), fmt::format("{}", i));
        Repository repository = opened(memory);
        SavingNotes notes;
        SavingSummary summary;
        must(save_paths(repository, {.paths = {scratch.path("tree")}, .hostname = "web"}, notes, summary));
    }
}

TEST_CASE("a snapshot with a damaged folder is told and left out, and comes when it is mended")
{
    const Scratch scratch;
    MemoryBackend memory;
    fill(memory, scratch, 3);
    auto made = must(Catalog::open(scratch.path("catalog"), Use::make));
    Repository repository = opened(memory);
    const std::vector<Snapshot> all = must(repository.snapshots(no_problem));
    const StoredBlob root = *repository.blobs().find(BlobType::tree, all.at(1).tree);
    const std::string whole = memory.files()[{FileKind::pack, root.pack}];
    std::string& pack = memory.files()[{FileKind::pack, root.pack}];
    pack[root.blob.offset + 20] = static_cast<char>(pack[root.blob.offset + 20] ^ 1);
    TakenIn taken;
    std::vector<std::string> told;
    take(memory, *made, taken, &told);
    CHECK(taken.snapshots_new == 2);
    CHECK(taken.snapshots_left_out == 1);
    CHECK(told.size() == 2);
    must(made->check([](const std::string& what) { CHECK(what == ""); }));
    memory.files()[{FileKind::pack, root.pack}] = whole;
    TakenIn again;
    take(memory, *made, again);
    CHECK(again.snapshots_new == 1);
    CHECK(again.trees > 0);
    TakenIn nothing;
    take(memory, *made, nothing);
    CHECK(nothing.snapshots_new == 0);
    CHECK(nothing.trees == 0);
}

TEST_CASE("whenever a process that takes in is killed, the next one goes on, and it is equal at the end")
{
    const Scratch scratch;
    MemoryBackend memory;
    fill(memory, scratch, 6);
    const auto whole = must(Catalog::open(scratch.path("whole"), Use::make));
    TakenIn all;
    take(memory, *whole, all);
    const std::string expected = must(digest_of(*whole));
    must(must(Catalog::open(scratch.path("catalog"), Use::make))->finish());
    // Dies at the nth tree, a commit behind each; at last it comes to its end.
    size_t died = 0;
    for (uint64_t dies_at = 1;; ++dies_at) {
        const pid_t child = ::fork();
        if (child == 0) {
            auto catalog = Catalog::open(scratch.path("catalog"), Use::write);
            auto repository = Repository::open(std::make_unique<Borrowed>(memory), Scratch::password);
            if (!catalog || !repository || !repository->load_index(no_problem)) ::_exit(3);
            const std::vector<Snapshot> snapshots = must(repository->snapshots(no_problem));
            for (const Snapshot& snapshot : snapshots)
                static_cast<void>((*catalog)->expect_root(snapshot.tree));
            static_cast<void>((*catalog)->put_repository({.id = repository->config().id}));
            uint64_t done = 0;
            for (bool again = true; again;) {
                again = false;
                const std::vector<Id> missing = must((*catalog)->missing_trees());
                for (const Id& tree : missing) {
                    const auto text = repository->load_blob(BlobType::tree, tree);
                    const auto nodes = read_tree(*text);
                    if (!(*catalog)->put_tree(tree, catalog_entries(*nodes))) ::_exit(4);
                    // Half of the deaths come with something that is not committed.
                    if (++done >= dies_at && dies_at % 2 == 0) ::kill(::getpid(), SIGKILL);
                    if (!(*catalog)->commit()) ::_exit(5);
                    if (done >= dies_at) ::kill(::getpid(), SIGKILL);
                    again = true;
                }
            }
            ::_exit(0);
        }
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        const auto catalog = must(Catalog::open(scratch.path("catalog"), Use::write));
        must(catalog->check([](const std::string& what) { CHECK(what == ""); }));
        CHECK(must(catalog->snapshots()).empty());
        if (WIFEXITED(status)) {
            CHECK(WEXITSTATUS(status) == 0);
            break;
        }
        ++died;
    }
    CHECK(died >= 3);
    const auto catalog = must(Catalog::open(scratch.path("catalog"), Use::write));
    TakenIn rest;
    take(memory, *catalog, rest);
    CHECK(rest.trees == 0);
    CHECK(must(digest_of(*catalog)) == expected);
}

}  // namespace
}  // namespace belay::backup
