// A catalog as a file: what comes and goes, what is damaged, what is written and read as one file.

#include "backup/catalog/testing/shelf.h"

#include <csignal>
#include <doctest/doctest.h>
#include <fstream>
#include <sys/resource.h>
#include <sys/wait.h>

namespace belay::backup::catalog {
namespace {

using namespace testing;

MadeSnapshot some_snapshot(int number, const std::string& host = "web")
{
    MadeSnapshot made;
    for (int folder = 0; folder < 4; ++folder) {
        const std::string name = fmt::format("folder{}", folder);
        made.files[name] = {};
        for (int file = 0; file < 5; ++file)
            made.files[fmt::format("{}/file{}", name, file)].content =
                static_cast<uint64_t>(folder == 0 ? number + 1 : 1);
    }
    made.files[fmt::format("only{}\xff", number)].content = 9;
    made.entry.repository = id_of_text("repository");
    made.entry.id = id_of_text(fmt::format("snapshot {} of {}", number, host));
    made.entry.seconds = 1000 + number;
    made.entry.host = host;
    made.entry.paths = {"/"};
    return made;
}

std::string digest(Catalog& catalog)
{
    return must(digest_of(catalog));
}

void copy_to(Catalog& from, const std::string& path)
{
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    REQUIRE(file >= 0);
    must(export_catalog(from, file, nobody));
    ::close(file);
}

Result<void> read_from(Catalog& into, const std::string& path)
{
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    REQUIRE(file >= 0);
    Result<void> done = import_catalog(into, file, nobody);
    ::close(file);
    return done;
}

TEST_CASE("what two snapshots share is kept once")
{
    const Shelf shelf;
    const auto catalog = shelf.make("catalog");
    MadeSnapshot first = some_snapshot(1), second = some_snapshot(2), third = some_snapshot(2, "mail");
    put(*catalog, first);
    const uint64_t trees = must(catalog->size()).trees;
    CHECK(trees == 3);  // the root, folder0, and one for the other three that are alike
    put(*catalog, second);
    CHECK(must(catalog->size()).trees == trees + 2);
    put(*catalog, third);
    CHECK(must(catalog->size()).trees == trees + 2);
    CHECK(must(catalog->size()).clients == 2);
    is_whole(*catalog);
}

TEST_CASE("what was forgotten goes, and what others need stays")
{
    const Shelf shelf;
    const auto catalog = shelf.make("catalog"), other = shelf.make("other");
    MadeSnapshot first = some_snapshot(1), second = some_snapshot(2);
    put(*catalog, first);
    put(*catalog, second);
    must(catalog->forget(first.entry.repository, first.entry.id));
    CHECK(must(catalog->sweep()) == 2);
    must(catalog->commit());
    is_whole(*catalog);
    MadeSnapshot alone = some_snapshot(2);
    put(*other, alone);
    CHECK(digest(*catalog) == digest(*other));
    CHECK(must(search(*catalog, {.what = "only1*"})).files.empty());
    must(catalog->remove_repository(second.entry.repository));
    static_cast<void>(must(catalog->sweep()));
    must(catalog->commit());
    CHECK(must(catalog->is_empty()));
    CHECK(must(catalog->size()).entries == 0);
    CHECK(must(catalog->clients()).empty());
}

TEST_CASE("a snapshot with a tree that is missing is not there, and comes when the tree does")
{
    const Shelf shelf;
    const auto catalog = shelf.make("catalog");
    MadeSnapshot made = some_snapshot(1);
    must(catalog->put_repository({.id = made.entry.repository}));
    const auto trees = trees_of(made.files);
    made.entry.tree = trees.back().first;
    CHECK_FALSE(must(catalog->put_snapshot(made.entry)));
    const std::vector<Id> missing = must(catalog->put_tree(trees.back().first, trees.back().second));
    CHECK(missing.size() == 2);
    CHECK_FALSE(must(catalog->put_snapshot(made.entry)));
    CHECK(must(search(*catalog, {.what = "folder0"})).files.empty());
    for (const auto& [id, entries] : trees) static_cast<void>(must(catalog->put_tree(id, entries)));
    CHECK(must(catalog->missing_trees()).empty());
    CHECK(must(catalog->put_snapshot(made.entry)));
    must(catalog->commit());
    is_whole(*catalog);
}

TEST_CASE("names that no file can have are refused")
{
    const Shelf shelf;
    const auto catalog = shelf.make("catalog");
    for (const std::string& name : {std::string("a/b"), std::string(".."), std::string("."), std::string(),
                                    std::string("a\0b", 3), std::string(5000, 'x')}) {
        const TreeEntry entry{.name = name};
        const auto put = catalog->put_tree(id_of_text(name), {&entry, 1});
        REQUIRE_FALSE(put);
        CHECK(put.error().kind == ErrorKind::corrupt);
    }
    const std::vector<TreeEntry> twice = {{.name = "a"}, {.name = "a"}};
    CHECK_FALSE(catalog->put_tree(id_of_text("twice"), twice));
}

TEST_CASE("a client is its key, whatever it was called")
{
    const Shelf shelf;
    const auto catalog = shelf.make("catalog");
    const std::string identity(32, 'b');
    const auto saved = [&](int number, const std::string& host, bool has_identity) {
        MadeSnapshot made = some_snapshot(number, host);
        if (has_identity) made.entry.tags = {"nightly", std::string(identity_tag) + identity};
        put(*catalog, made);
    };
    saved(1, "old", true);
    saved(2, "old", true);
    saved(3, "new", true);
    saved(4, "other", false);
    const std::vector<Client> clients = must(catalog->clients());
    REQUIRE(clients.size() == 2);
    CHECK(clients[0].key() == identity);
    CHECK(clients[0].shown_name() == "new");
    REQUIRE(clients[0].names.size() == 2);
    CHECK(clients[0].names[1].host == "old");
    CHECK(clients[0].names[1].from == 1001);
    CHECK(clients[0].names[1].until == 1002);
    CHECK(clients[0].snapshots == 3);
    CHECK(clients[0].newest->id == id_of_text("snapshot 3 of new"));
    CHECK(clients[1].key() == hex_of(id_of_text("repository")).substr(0, 8) + ":other");
    for (const std::string& said :
         {std::string("old"), std::string("new"), identity, identity.substr(0, 8)}) {
        const auto called = must(catalog->clients_called(said));
        REQUIRE(called.size() == 1);
        CHECK(called.front().key() == identity);
    }
    CHECK(must(catalog->clients_called("nobody")).empty());
    saved(5, "old", false);
    CHECK(must(catalog->clients_called("old")).size() == 2);
    // All of a repository that is of one client are of that one, whatever the host is called.
    must(catalog->put_repository({.id = id_of_text("repository"), .one_client = true}));
    CHECK(must(catalog->snapshot_ids(id_of_text("repository"))).empty());
    saved(6, "p", false);
}

TEST_CASE("an export that was read gives an equal catalog, and zstd reads it")
{
    const Shelf shelf;
    const auto catalog = shelf.make("catalog");
    for (int i = 0; i < 5; ++i) {
        MadeSnapshot made = some_snapshot(i, i % 2 == 0 ? "web" : "caf\xe9");
        put(*catalog, made);
    }
    copy_to(*catalog, shelf.path("file"));
    auto other = must(Catalog::open(shelf.path("other"), Use::make));
    must(read_from(*other, shelf.path("file")));
    must(other->finish());
    CHECK(digest(*other) == digest(*catalog));
    is_whole(*other);
    CHECK(must(search(*other, {.what = "only3*"})).files.size() == 1);
    if (std::system("command -v zstd >/dev/null") == 0) {  // NOLINT(concurrency-mt-unsafe)
        const std::string command =
            fmt::format("zstd -qdc < {} | tail -n 1 | grep -q {}", shelf.path("file"), digest(*catalog));
        CHECK(std::system(command.c_str()) == 0);  // NOLINT(concurrency-mt-unsafe)
    }
}

TEST_CASE("whichever byte of an export is another, or missing, it is refused")
{
    const Shelf shelf;
    const auto catalog = shelf.make("catalog");
    MadeSnapshot made = some_snapshot(1);
    put(*catalog, made);
    copy_to(*catalog, shelf.path("file"));
    std::ifstream stream(shelf.path("file"), std::ios::binary);
    const std::string whole{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    const auto refuses = [&](const std::string& bytes, size_t at) {
        std::ofstream(shelf.path("bad"), std::ios::binary) << bytes;
        std::filesystem::remove(shelf.path("new"));
        auto fresh = must(Catalog::open(shelf.path("new"), Use::make));
        const Result<void> read = read_from(*fresh, shelf.path("bad"));
        CHECK_MESSAGE(!read, at);
        if (!read) CHECK(!read.error().what.empty());
    };
    for (size_t at = 0; at < whole.size(); at += 7) {
        std::string bytes = whole;
        bytes[at] = static_cast<char>(bytes[at] ^ 0x20);
        // Of the frame's header some bits say nothing of its content.
        if (at >= 8) refuses(bytes, at);
        refuses(whole.substr(0, at), at);
    }
    refuses(whole + whole, whole.size());
}

/// An export with these lines; `first_of_digest` stands in the place of the digest's first digit.
void write_lines(const std::string& path, const std::vector<std::string>& lines, char first_of_digest = 0)
{
    const std::string plain = path + ".plain";
    {
        std::ofstream file(plain, std::ios::binary);
        std::string all;
        for (const std::string& line : lines) all += line + "\n";
        std::string digits = sha256(all);
        if (first_of_digest != 0) digits.front() = first_of_digest;
        file << all << "{\"lines\":" << lines.size() << ",\"sha256\":\"" << digits << "\"}\n";
    }
    const std::string command = fmt::format("zstd -qf {} -o {}", plain, path);
    REQUIRE(std::system(command.c_str()) == 0);  // NOLINT(concurrency-mt-unsafe)
}

TEST_CASE("an export with the right digest that makes no sense is refused")
{
    if (std::system("command -v zstd >/dev/null") != 0) return;  // NOLINT(concurrency-mt-unsafe)
    const Shelf shelf;
    const std::string head = R"({"catalog":"belay","version":1})";
    const std::string a = hex_of(id_of_text("a")), b = hex_of(id_of_text("b"));
    const auto tree = [](const std::string& id, const std::string& entries) {
        return fmt::format(R"({{"tree":"{}","entries":[{}]}})", id, entries);
    };
    const auto folder = [](const std::string& id) {
        return fmt::format(R"({{"name":"d","type":"dir","mtime":1,"subtree":"{}"}})", id);
    };
    const std::string repository =
        fmt::format(R"({{"repository":"{}","location":"/x","one_client":false}})", a);
    const auto snapshot = [&](const std::string& of) {
        return fmt::format(R"({{"snapshot":"{0}","repository":"{0}","tree":"{1}","time":[1,2,3],"host":"h",)"
                           R"("user":"u","paths":[],"tags":[]}})",
                           a, of);
    };
    const std::vector<std::vector<std::string>> all = {
        {},
        {"[]"},
        {R"({"catalog":"other","version":1})"},
        {R"({"catalog":"belay","version":2})"},
        {head, "{}"},
        {head, "null"},
        {head, tree("12", "")},
        {head, repository, tree(a, folder(b)), tree(b, folder(a)), snapshot(a)},
        {head, repository, tree(a, folder(a)), snapshot(a)},
        {head, repository, tree(a, folder(b)), snapshot(a)},
        {head, tree(a, ""), snapshot(a)},
        {head, repository, snapshot(a)},
        {head, tree(a, R"({"name":"..","type":"file"})")},
        {head, tree(a, R"({"name":"a/b","type":"file"})")},
        {head, tree(a, R"({"name":"a","type":"file"},{"name":"a","type":"file"})")},
        {head, tree(a, R"({"name":"a","type":"none"})")},
        {head, tree(a, R"({"name":"a","type":"file","size":-1})")},
        {head, tree(a, R"({"name":"a","type":"file","mtime":99999999999999999999})")},
        {head, tree(a, ""), tree(a, "")},
    };
    for (const auto& lines : all) {
        INFO(fmt::format("{}", fmt::join(lines, "\n")));
        write_lines(shelf.path("file"), lines);
        std::filesystem::remove(shelf.path("new"));
        auto fresh = must(Catalog::open(shelf.path("new"), Use::make));
        CHECK_FALSE(read_from(*fresh, shelf.path("file")));
    }
    // Compression that is right says nothing of the digest.
    write_lines(shelf.path("file"), {head, repository, tree(a, ""), snapshot(a)}, 'x');
    std::filesystem::remove(shelf.path("new"));
    CHECK_FALSE(read_from(*must(Catalog::open(shelf.path("new"), Use::make)), shelf.path("file")));
    write_lines(shelf.path("file"), {head, repository, tree(a, folder(b)), tree(b, ""), snapshot(a)});
    std::filesystem::remove(shelf.path("new"));
    auto fresh = must(Catalog::open(shelf.path("new"), Use::make));
    must(read_from(*fresh, shelf.path("file")));
}

TEST_CASE("a damaged file is said to be one, with what mends it")
{
    const Shelf shelf;
    {
        const auto catalog = shelf.make("catalog");
        for (int i = 0; i < 30; ++i) {
            MadeSnapshot made = some_snapshot(i);
            put(*catalog, made);
        }
    }
    const std::string path = shelf.path("catalog");
    const auto whole_size = std::filesystem::file_size(path);
    std::ifstream stream(path, std::ios::binary);
    const std::string whole{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    size_t told = 0, pages = 0;
    for (size_t at = 0; at < whole_size; at += 16384) {
        ++pages;
        std::string bytes = whole;
        bytes.replace(at, 4000, std::string(4000, '\x5a'));
        std::ofstream(path, std::ios::binary) << bytes;
        const auto opened = Catalog::open(path, Use::read);
        Result<void> checked =
            opened ? (*opened)->check([&](const std::string&) { ++told; }) : std::unexpected(opened.error());
        if (!checked) {
            ++told;
            CHECK(checked.error().kind == ErrorKind::corrupt);
            CHECK(checked.error().next.find("belay catalog rebuild") != std::string::npos);
            if (opened) static_cast<void>(search(**opened, {.what = "*"}));
        }
    }
    CHECK(told >= pages);
    std::ofstream(path, std::ios::binary) << "no database";
    const auto opened = Catalog::open(path, Use::read);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().next.find("rebuild") != std::string::npos);
    CHECK(Catalog::open(shelf.path("none"), Use::read).error().kind == ErrorKind::not_found);
}

TEST_CASE("where the file may not grow there is no space, and what was committed stays")
{
    const Shelf shelf;
    const pid_t child = ::fork();
    if (child == 0) {
        ::signal(SIGXFSZ, SIG_IGN);
        auto made = Catalog::open(shelf.path("catalog"), Use::make);
        if (!made || !(*made)->finish()) ::_exit(2);
        MadeSnapshot first = some_snapshot(1);
        put(**made, first);
        const rlimit small{300'000, 300'000};
        ::setrlimit(RLIMIT_FSIZE, &small);
        Result<void> done;
        for (int i = 0; i < 20'000 && done; ++i) {
            const TreeEntry entry{.name = fmt::format("a rather long name of a file {}", i)};
            const auto put = (*made)->put_tree(id_of_text(entry.name), {&entry, 1});
            if (!put) done = std::unexpected(put.error());
        }
        if (done) done = (*made)->commit();
        ::_exit(!done && done.error().kind == ErrorKind::no_space ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    const auto catalog = must(Catalog::open(shelf.path("catalog"), Use::write));
    CHECK(must(catalog->size()).snapshots == 1);
    is_whole(*catalog);
}

TEST_CASE("a search goes on while another process writes")
{
    const Shelf shelf;
    const auto writer = shelf.make("catalog");
    MadeSnapshot first = some_snapshot(1), second = some_snapshot(2);
    put(*writer, first);
    const auto reader = must(Catalog::open(shelf.path("catalog"), Use::read));
    for (const auto& [id, entries] : trees_of(second.files)) {
        static_cast<void>(must(writer->put_tree(id, entries)));
        second.entry.tree = id;
    }
    CHECK(must(search(*reader, {.what = "only1*"})).files.size() == 1);
    CHECK(must(writer->put_snapshot(second.entry)));
    CHECK(must(search(*reader, {.what = "only2*"})).files.empty());
    must(writer->commit());
    CHECK(must(search(*reader, {.what = "only2*"})).files.size() == 1);
}

}  // namespace
}  // namespace belay::backup::catalog
