// Whatever is damaged in a repository is found, and what is sound is not accused.

#include "backup/backend/local.h"
#include "notes.h"
#include "scratch.h"

namespace belay::backup {
namespace {

/// What a check that reads everything has found; what ended it counts as found.
CheckingNotes& check(const Scratch& scratch, CheckingNotes& findings)
{
    Result<Repository> repository =
        Repository::open(std::make_unique<LocalBackend>(scratch.path("repository")), Scratch::password);
    if (!repository) {
        findings.errors.push_back(repository.error().what);
        return findings;
    }
    CheckingSummary summary;
    const Result<void> done =
        check_repository(*repository, {.reads_data = [](const Id&) { return true; }}, findings, summary);
    if (!done) findings.errors.push_back(done.error().what);
    return findings;
}

/// The files of the repository, and what can be done to them.
std::vector<std::filesystem::path> files_of(const Scratch& scratch)
{
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(scratch.path("repository"))) {
        if (entry.is_regular_file()) files.push_back(entry.path());
    }
    std::ranges::sort(files);
    return files;
}

TEST_CASE("a sound repository of restic is found sound, in both formats")
{
    for (const char* version : {"2", "1"}) {
        const Scratch scratch;
        scratch.make_tree();
        scratch.restic({"init", "--repository-version", version});
        scratch.restic({"backup", scratch.path("tree")});
        scratch.write("tree/small", "changed");
        scratch.restic({"backup", scratch.path("tree")});
        CheckingNotes findings;
        check(scratch, findings);
        CHECK(findings.errors.empty());
        CHECK(findings.hints.empty());
    }
}

TEST_CASE("any file that is removed, cut or changed by one bit is found")
{
    const Scratch scratch;
    scratch.make_tree();
    init(scratch);
    scratch.restic({"backup", scratch.path("tree")});
    std::mt19937 random(4711);
    const std::vector<std::filesystem::path> files = files_of(scratch);
    CHECK(files.size() >= 6);
    for (const std::filesystem::path& file : files) {
        const std::string name = std::filesystem::relative(file, scratch.path(""));
        const std::string whole = scratch.read(name);
        std::filesystem::permissions(file, std::filesystem::perms::owner_write,
                                     std::filesystem::perm_options::add);
        const auto is_found = [&](const std::string& what) {
            CheckingNotes findings;
            check(scratch, findings);
            // Without its only snapshot the repository is one in which nothing was saved yet.
            const bool nothing_left = what == "removed" && name.find("/snapshots/") != std::string::npos;
            CHECK_MESSAGE((!findings.errors.empty() || nothing_left), name, " ", what);
        };
        for (int round = 0; round < 3; ++round) {
            std::string changed = whole;
            const size_t at = random() % changed.size();
            changed[at] = static_cast<char>(changed[at] ^ (1 << (random() % 8)));
            scratch.write(name, changed);
            is_found(fmt::format("with a bit of byte {} changed", at));
            scratch.write(name, whole.substr(0, random() % whole.size()));
            is_found("cut");
        }
        std::filesystem::remove(file);
        is_found("removed");
        scratch.write(name, whole);
    }
    CheckingNotes findings;
    check(scratch, findings);
    CHECK(findings.errors.empty());
}

TEST_CASE("a pack that is too large to be read at once is held against its ids and the index to its end")
{
    const Scratch scratch;
    std::filesystem::create_directories(scratch.path("tree"));
    scratch.write("tree/large", Scratch::random_text(40 << 20, 5));
    init(scratch);
    scratch.restic({"backup", "--pack-size", "32", scratch.path("tree")});
    CheckingNotes sound;
    check(scratch, sound);
    CHECK(sound.errors.empty());
    CHECK(sound.hints.empty());

    std::string name;
    for (const std::filesystem::path& file : files_of(scratch))
        if (std::filesystem::file_size(file) > 24 << 20)
            name = std::filesystem::relative(file, scratch.path(""));
    REQUIRE_FALSE(name.empty());
    const std::string whole = scratch.read(name);
    std::filesystem::permissions(scratch.path(name), std::filesystem::perms::owner_write,
                                 std::filesystem::perm_options::add);
    for (const size_t at :
         {size_t{0}, size_t{9} << 20, size_t{20} << 20, whole.size() - 100, whole.size() - 1}) {
        std::string changed = whole;
        changed[at] = static_cast<char>(changed[at] ^ 1);
        scratch.write(name, changed);
        CheckingNotes findings;
        check(scratch, findings);
        REQUIRE(findings.errors.size() == 1);
        CHECK(findings.errors[0].ends_with("it is damaged: its digest is not its name"));
    }
    scratch.write(name, whole);

    // Indexes that mislead: one blob fewer at the end, and two that lie in the places of each other.
    const Id id = Id::from_hex(std::filesystem::path(name).filename().string()).value();
    const auto misled_by = [&](const std::function<void(std::vector<PackedBlob>&)>& alter) {
        const Repository repository = opened(scratch);
        const Id file = repository.index_files().at(0);
        std::vector<IndexedPack> packs;
        must(read_index(must(repository.load_text({FileKind::index, file})),
                        [&](IndexedPack pack) { packs.push_back(std::move(pack)); }));
        const std::string before = index_text(packs);
        for (IndexedPack& pack : packs)
            if (pack.id == id) alter(pack.blobs);
        must(repository.backend().remove({FileKind::index, file}));
        const Id other = must(repository.save_text(FileKind::index, index_text(packs)));
        CheckingNotes findings;
        check(scratch, findings);
        must(repository.backend().remove({FileKind::index, other}));
        must(repository.save_text(FileKind::index, before));
        return std::ranges::any_of(findings.errors, [&](const std::string& error) {
            return error.starts_with(fmt::format("pack {}: ", id.hex()));
        });
    };
    CHECK_FALSE(misled_by([](std::vector<PackedBlob>&) {}));
    CHECK(misled_by([](std::vector<PackedBlob>& blobs) { blobs.pop_back(); }));
    CHECK(misled_by([](std::vector<PackedBlob>& blobs) { std::swap(blobs.front().id, blobs.back().id); }));
}

}  // namespace
}  // namespace belay::backup
