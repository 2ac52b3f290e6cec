// Devices into snapshots and back: what restic makes of the same image, what cannot be read or written, what
// is damaged or in use.

#include "images.h"

namespace belay::backup {
namespace {

/// The content of the image in a snapshot.
Node image_of(const Scratch& scratch, const Id& snapshot)
{
    const Repository repository = opened(scratch);
    const std::string text = must(repository.load_text({FileKind::snapshot, snapshot}));
    return must(image_in(repository, must(Snapshot::from_text(text)).tree));
}

Id newest_snapshot(const Scratch& scratch)
{
    return must(opened(scratch).snapshots(no_problem)).back().id;
}

DeviceSavingSummary& save(const Scratch& scratch, const std::string& name, DeviceSavingSummary& summary)
{
    DeviceNotes notes;
    must(save_image(scratch, name, summary, notes));
    CHECK(notes.problems == std::vector<std::string>());
    return summary;
}

void restore(const Scratch& scratch, const Id& snapshot, const DeviceRestoringOptions& options,
             DeviceRestoringSummary& summary)
{
    DeviceNotes notes;
    must(restore_image(scratch, snapshot, options, summary, notes));
    CHECK(notes.problems == std::vector<std::string>());
    CHECK(summary.bytes_verified == summary.bytes_total);
}

/// An ext4 of 64 MiB with some files, as "image".
void make_image(const Scratch& scratch)
{
    scratch.make_tree();
    make_ext(scratch, "image", "ext4", 64 << 20);
}

/// Changes bytes of a file of the scratch folder.
void overwrite(const Scratch& scratch, const std::string& name, uint64_t offset, std::string_view bytes)
{
    std::fstream file(scratch.path(name), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(offset));
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    REQUIRE(file.flush().good());
}

/// A device of which some bytes cannot be read.
class FailingSource final : public BlockSource {
  public:
    FailingSource(std::string bytes, Extent bad) : bytes_(std::move(bytes)), bad_(bad) {}

    const std::string& name() const override { return name_; }
    uint64_t size() const override { return bytes_.size(); }
    Result<void> read(uint64_t offset, char* buffer, size_t length) const override
    {
        if (offset < bad_.end() && bad_.offset < offset + length)
            return std::unexpected(system_error("cannot read the disk", EIO));
        bytes_.copy(buffer, length, offset);
        return {};
    }

  private:
    std::string name_ = "the disk";
    std::string bytes_;
    Extent bad_;
};

TEST_CASE("restic makes the same chunks of a restored image, and stores nothing new; nor does a second run")
{
    const Scratch scratch;
    init(scratch);
    make_image(scratch);
    DeviceSavingSummary first, second;
    save(scratch, "image", first);
    CHECK(first.written.data_blobs > 2);
    const Node image = image_of(scratch, *first.snapshot);
    CHECK(image.name == "image.img");

    save(scratch, "image", second);
    CHECK(second.written.data_blobs == 0);
    CHECK(second.written.tree_blobs <= 1);
    CHECK(image_of(scratch, *second.snapshot).content == image.content);

    DeviceRestoringSummary restored;
    restore(scratch, *first.snapshot, {.target = scratch.path("back.img")}, restored);
    scratch.restic({"backup", scratch.path("back.img")});
    const Id by_restic = newest_snapshot(scratch);
    REQUIRE(by_restic != *first.snapshot);
    CHECK(image_of(scratch, by_restic).content == image.content);
    scratch.restic({"check", "--read-data"});
}

TEST_CASE("an image goes over whatever is there, in place of it or where it differs")
{
    const Scratch scratch;
    init(scratch);
    make_image(scratch);
    DeviceSavingSummary saved;
    save(scratch, "image", saved);
    DeviceRestoringSummary fresh, over, again, damaged;
    restore(scratch, *saved.snapshot, {.target = scratch.path("back")}, fresh);
    const std::string image = scratch.read("back");

    scratch.write("target", std::string(64 << 20, 'x'));
    restore(scratch, *saved.snapshot, {.target = scratch.path("target"), .overwrite_file = true}, over);
    CHECK(scratch.read("target") == image);

    DeviceRestoringOptions options{.target = scratch.path("target"), .compare = true, .overwrite_file = true};
    restore(scratch, *saved.snapshot, options, again);
    const uint64_t first_chunk = again.bytes_written;
    CHECK(first_chunk <= 8 << 20);
    CHECK(again.bytes_there == again.bytes_total - first_chunk);

    overwrite(scratch, "target", 20 << 20, "changed");
    overwrite(scratch, "target", 60 << 20, "changed");
    restore(scratch, *saved.snapshot, options, damaged);
    CHECK(scratch.read("target") == image);
}

TEST_CASE("what an image cannot go onto is said before anything is written")
{
    const Scratch scratch;
    init(scratch);
    make_image(scratch);
    DeviceSavingSummary saved;
    save(scratch, "image", saved);
    const auto refusal = [&](const std::string& target) {
        DeviceRestoringSummary summary;
        DeviceNotes notes;
        const Result<void> done = restore_image(scratch, *saved.snapshot, {.target = target}, summary, notes);
        REQUIRE(!done);
        CHECK(summary.bytes_written == 0);
        return done.error();
    };
    scratch.write("there", "somebody's");
    CHECK(refusal(scratch.path("there")).kind == ErrorKind::refused);
    CHECK(scratch.read("there") == "somebody's");
    CHECK(refusal("/dev/no-such-device").kind == ErrorKind::not_found);
    CHECK(refusal("/dev/null").kind == ErrorKind::refused);
    CHECK(refusal(scratch.path("no/such/folder")).kind == ErrorKind::not_found);
}

TEST_CASE("a damaged blob costs its place and no more")
{
    const Scratch scratch;
    init(scratch);
    scratch.write("image", Scratch::random_text(24 << 20, 77));
    DeviceSavingSummary saved;
    save(scratch, "image", saved);
    {
        // One of the packs, in the middle of a blob.
        const Repository repository = opened(scratch);
        const Id id = image_of(scratch, *saved.snapshot).content.at(3);
        const StoredBlob blob = repository.blobs().find(BlobType::data, id).value();
        const std::string pack = "repository/data/" + blob.pack.hex().substr(0, 2) + "/" + blob.pack.hex();
        REQUIRE(::chmod(scratch.path(pack).c_str(), 0600) == 0);
        overwrite(scratch, pack, blob.blob.offset + 1000, "damage");
    }
    DeviceRestoringSummary summary;
    DeviceNotes notes;
    must(restore_image(scratch, *saved.snapshot, {.target = scratch.path("back")}, summary, notes));
    CHECK(summary.problems == 2);  // not restored, and not verified
    const std::string image = scratch.read("image"), back = scratch.read("back");
    REQUIRE(image.size() == back.size());
    size_t differ = 0;
    for (size_t at = 0; at < image.size(); at += 4096) differ += image.compare(at, 4096, back, at, 4096) != 0;
    CHECK(differ > 0);
    CHECK(differ <= (8 << 20) / 4096);
}

TEST_CASE("a disk with a bad block is saved but for that block, and the image says so")
{
    const Scratch scratch;
    init(scratch);
    const std::string device = Scratch::random_text(6 << 20, 3);
    const FailingSource source(device, {(3 << 20) + 512, 512});
    Repository repository = opened(scratch);
    DeviceSavingOptions options;
    options.device = "/dev/failing";
    DeviceSavingSummary summary;
    DeviceNotes notes;
    must(save_blocks(
        repository, source, all_blocks(source.size(), "a test"), options, [] { return Result<void>(); },
        notes, summary));
    CHECK(summary.problems == 1);
    CHECK(summary.bytes_lost == 4096);
    REQUIRE(notes.problems.size() == 1);
    CHECK(notes.problems[0].find("4096 bytes at byte 3145728 of the disk") != std::string::npos);
    const Node image = image_of(scratch, *summary.snapshot);
    CHECK(image.name == "failing.img");
    CHECK(image.error.find("4096 bytes") != std::string::npos);
    std::string expected = device;
    expected.replace(3 << 20, 4096, 4096, '\0');
    CHECK(scratch.restic({"dump", summary.snapshot->hex(), "/failing.img"}) == expected);
}

TEST_CASE("a snapshot that overflows while it is read leaves no snapshot in the repository")
{
    const Scratch scratch;
    init(scratch);
    const FailingSource source(Scratch::random_text(6 << 20, 3), {3 << 20, 3 << 20});
    Repository repository = opened(scratch);
    DeviceSavingSummary summary;
    DeviceNotes notes;
    const Result<void> done = save_blocks(
        repository, source, all_blocks(source.size(), "a test"), {.device = "/dev/vg/data"},
        [] { return Result<void>(fail(ErrorKind::no_space, "it has overflowed")); }, notes, summary);
    REQUIRE(!done);
    CHECK(done.error().kind == ErrorKind::no_space);
    CHECK(notes.problems.empty());
    CHECK(!summary.snapshot);
    CHECK(must(repository.snapshots(no_problem)).empty());
}

TEST_CASE("a filesystem whose journal is not replayed, or that is not clean, is saved whole")
{
    const Scratch scratch;
    make_image(scratch);
    std::string word;
    SUBCASE("an ext4 that was in use")
    {
        Scratch::run({"debugfs", "-w", "-R", "feature needs_recovery", scratch.path("image")});
        word = "journal";
    }
    SUBCASE("an ext4 with errors")
    {
        Scratch::run({"debugfs", "-w", "-R", "set_super_value state 2", scratch.path("image")});
        word = "errors";
    }
    SUBCASE("an ext4 whose bitmap lacks blocks")
    {
        Scratch::run({"tune2fs", "-O", "^metadata_csum", scratch.path("image")});
        Scratch::run({"debugfs", "-w", "-R", "freeb 20 1", scratch.path("image")});
        word = "group 0";
    }
    SUBCASE("an NTFS that was in use")
    {
        make_ntfs(scratch, "image", 16 << 20);
        Scratch::run({"ntfsfix", scratch.path("image")});  // which has the next Windows check it
        word = "dirty";
    }
    const UsedBlocks used = must(used_blocks(*host::real_host(), scratch.path("image"),
                                             std::filesystem::file_size(scratch.path("image"))));
    CHECK(used.is_whole());
    CHECK_MESSAGE(used.why_whole.find(word) != std::string::npos, used.why_whole);
    CHECK(used.needs_recovery == (word == "journal"));
    CHECK(total(used.extents) == std::filesystem::file_size(scratch.path("image")));
}

}  // namespace
}  // namespace belay::backup
