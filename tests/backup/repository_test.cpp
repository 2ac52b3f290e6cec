// A repository that Debian's restic has made is one that Belay reads, and the other way round.

#include "backup/backend/local.h"
#include "backup/repository/chunker.h"
#include "backup/repository/node.h"
#include "backup/repository/pack_builder.h"
#include "notes.h"
#include "scratch.h"

namespace belay::backup {
namespace {

/// Every file below a tree, by its path from there.
void collect(const Repository& repository, const Id& tree, const std::string& path,
             std::map<std::string, Node>& files)
{
    const std::string text = must(repository.load_blob(BlobType::tree, tree));
    const std::vector<Node> nodes = must(read_tree(text));
    // Byte for byte, so that the same folder has the same id, whichever tool has seen it.
    CHECK(tree_text(nodes) == text);
    for (const Node& node : nodes) {
        files[path + "/" + node.name] = node;
        if (node.subtree) collect(repository, *node.subtree, path + "/" + node.name, files);
    }
}

std::string content_of(const Repository& repository, const Node& node)
{
    std::string content;
    for (const Id& id : node.content) content += must(repository.load_blob(BlobType::data, id));
    return content;
}

std::vector<Id> chunks_of(const Chunker& chunker, std::string_view content)
{
    std::vector<Id> ids;
    while (!content.empty()) {
        const size_t length = chunker.first_chunk(content);
        ids.push_back(Id::of(content.substr(0, length)));
        content.remove_prefix(length);
    }
    return ids;
}

void reads_what_restic_wrote(const std::string& version)
{
    const Scratch scratch;
    scratch.make_tree();
    scratch.restic({"init", "--repository-version", version});
    scratch.restic({"backup", scratch.path("tree"), "--tag", "one,two", "--host", "somewhere"});

    const Repository repository = opened(scratch);
    CHECK(fmt::format("{}", repository.config().version) == version);
    const std::vector<Snapshot> snapshots = must(repository.snapshots(no_problem));
    REQUIRE(snapshots.size() == 1);
    CHECK(snapshots[0].hostname == "somewhere");
    CHECK(snapshots[0].tags == std::vector<std::string>{"one", "two"});
    CHECK(snapshots[0].paths == std::vector<std::string>{scratch.path("tree")});

    std::map<std::string, Node> files;
    collect(repository, snapshots[0].tree, "", files);
    const Chunker chunker(repository.config().polynomial);
    size_t regular = 0;
    for (const auto& [path, node] : files) {
        if (node.type != NodeType::file) continue;
        const std::string content = content_of(repository, node);
        std::ifstream file(path, std::ios::binary);
        const std::string wanted((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
        INFO(path);
        CHECK(content == wanted);
        CHECK(node.size == wanted.size());
        CHECK(chunks_of(chunker, wanted) == node.content);
        ++regular;
    }
    CHECK(regular == 8);
    const Node& small = files.at(scratch.path("tree/small"));
    CHECK(small.mode == 04751);
    CHECK(small.mtime.seconds == -5);
    CHECK(small.mtime.nanoseconds == 1);
    CHECK(small.links == 2);
    CHECK(files.at(scratch.path("tree/folder/link")).link_target == "../nowhere");
    CHECK(files.at(scratch.path("tree/fifo")).type == NodeType::fifo);
    CHECK(files.at(scratch.path("tree/folder")).mode == 01777);
}

TEST_CASE("what restic wrote in format 2, Belay reads to the byte, and cuts files at the same places")
{
    reads_what_restic_wrote("2");
}

TEST_CASE("what restic wrote in format 1, Belay reads to the byte")
{
    reads_what_restic_wrote("1");
}

TEST_CASE("a repository that Belay has made, restic opens, checks and restores")
{
    for (const unsigned version : {2U, 1U}) {
        const Scratch scratch;
        const Repository repository = must(
            Repository::create(std::make_unique<LocalBackend>(scratch.path("repository")), Scratch::password,
                               {.version = version, .cost = {.n = 1 << 10, .r = 8, .p = 1}}));
        const std::string content = Scratch::random_text(3 << 20, 5);
        PackBuilder data, trees;
        Node file;
        file.name = "file \xff";
        file.mode = 0644;
        file.mtime = file.atime = file.ctime = must(Timestamp::from_text("2024-05-06T07:08:09.123456789Z"));
        file.size = content.size();
        file.content = chunks_of(Chunker(repository.config().polynomial), content);
        std::string_view rest = content;
        for (const Id& id : file.content) {
            const size_t length = Chunker(repository.config().polynomial).first_chunk(rest);
            data.add(must(
                repository.seal_blob(BlobType::data, id, rest.substr(0, length), Compression::automatic)));
            rest.remove_prefix(length);
        }
        const std::string tree = tree_text({&file, 1});
        trees.add(must(repository.seal_blob(BlobType::tree, Id::of(tree), tree, Compression::automatic)));
        std::vector<IndexedPack> packs;
        for (PackBuilder* builder : {&data, &trees}) {
            const FinishedPack pack = must(builder->finish(repository.key()));
            must(repository.backend().save({FileKind::pack, pack.index.id}, pack.bytes));
            packs.push_back(pack.index);
        }
        must(repository.save_text(FileKind::index, index_text(packs)));
        Snapshot snapshot;
        snapshot.time = Timestamp::now();
        snapshot.tree = Id::of(tree);
        snapshot.paths = {"/somewhere"};
        snapshot.hostname = "there";
        const Id id = must(repository.save_text(FileKind::snapshot, snapshot.to_text()));

        scratch.restic({"check", "--read-data"});
        CHECK(scratch.restic({"snapshots", "--json"}).find(id.hex()) != std::string::npos);
        scratch.restic({"restore", id.short_hex(), "--target", scratch.path("restored")});
        CHECK(scratch.read("restored/file \xff") == content);
        scratch.write("new", "another password\n");
        scratch.restic({"key", "add", "--new-password-file", scratch.path("new")});
        CHECK(Repository::open(std::make_unique<LocalBackend>(scratch.path("repository")), "another password")
                  .has_value());
        CHECK(Repository::open(std::make_unique<LocalBackend>(scratch.path("repository")), "wrong")
                  .error()
                  .kind == ErrorKind::refused);
    }
}

}  // namespace
}  // namespace belay::backup
