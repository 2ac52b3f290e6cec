// A host loses power while it restores files and a device. After the next boot the same restore goes on with
// what is there, and ends with the very bytes; the repository is as it was.

#include "block_site.h"
#include "images.h"

#include <map>

namespace belay::backup {
namespace {

constexpr Bytes device_size = {48 << 20};
/// What packs hold of the tree, and of the image. They are read by no more than 5 MiB at once: after three
/// quarters of it there is more to come.
constexpr uint64_t content_size = 30 << 20;

/// `share` in percent: where the power fails.
struct Cut {
    unsigned share;
    std::string device;  ///< that is restored to: a disk of its own
    std::string folder() const { return fmt::format("/mnt/files/{}", share); }
};

const std::vector<Cut> cuts = {{20, "b"}, {50, "c"}, {75, "d"}};

struct Place {
    Scratch scratch;
    lab::Folder folder = must(lab::Folder::make());
    std::unique_ptr<lab::Host> host;
    std::string files, image;  ///< the snapshots

    Place()
    {
        scratch.make_tree();
        std::filesystem::remove(scratch.path("tree/fifo"));
        scratch.write("tree/folder/larger", Scratch::random_text(25 << 20, 3));
        make_ext(scratch, "image", "ext4", device_size.count);
        init(scratch);
        files = saved({"run", scratch.path("tree")});
        image = saved({"save-device", scratch.path("image")});
        // With zeros where nothing is used; by another program.
        scratch.restic({"restore", image, "--target", scratch.path("by-restic")});
        boot();
        run({"mke2fs", "-q", "-t", "ext4", host->device("a")});
        mount();
    }

    /// Small packs: much is read at once.
    std::string saved(Words words) const
    {
        const Words start = belay({"--pack-size", "4", "--json"});
        words.insert(words.begin(), start.begin(), start.end());
        const std::string lines = Scratch::run(words);
        return must(parse_json(lines.substr(lines.rfind('\n', lines.size() - 2) + 1)))["snapshot_id"];
    }

    Words belay(const Words& more) const
    {
        Words words = {"env",
                       "RESTIC_PASSWORD=" + std::string(Scratch::password),
                       program_folder() + "/belay",
                       "backup",
                       "--repo",
                       scratch.path("repository")};
        words.insert(words.end(), more.begin(), more.end());
        return words;
    }

    void boot()
    {
        host = must(lab::Host::boot(
            folder,
            {.memory = {512 << 20},
             .disks = {{"a", {192 << 20}}, {"b", device_size}, {"c", device_size}, {"d", device_size}},
             .modules = {},
             .shares = {scratch.path("")}}));
    }
    void mount() { run({"sh", "-c", "mkdir -p /mnt/files && mount " + host->device("a") + " /mnt/files"}); }

    std::string run(const Words& argv)
    {
        const host::Outcome outcome = must(host->run(argv, {}, std::chrono::minutes(3)));
        REQUIRE_MESSAGE(outcome.exit_code == 0, host::Command{.argv = argv}.to_text(), "\n", outcome.out,
                        outcome.err);
        return outcome.out;
    }

    lab::Process start(const Words& more)
    {
        Words words = {program_folder() + "/belay-block-guest"};
        words.insert(words.end(), more.begin(), more.end());
        return must(host->start(words));
    }

    /// Every file of the repository but locks.
    std::map<std::string, std::string> repository() const
    {
        std::map<std::string, std::string> all;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(scratch.path("repository"))) {
            const std::string name = entry.path();
            if (!entry.is_regular_file() || name.find("/locks/") != std::string::npos) continue;
            std::ifstream file(name, std::ios::binary);
            all[name] = Id::of(std::string(std::istreambuf_iterator<char>(file), {})).hex();
        }
        return all;
    }
};

const Words listing = {"-printf", "%P %y %m %n %l %T@\\n"};

/// What find says of all that a folder holds.
Words list_of(const std::string& folder)
{
    Words words = {"find", folder, "-mindepth", "1"};
    words.insert(words.end(), listing.begin(), listing.end());
    return words;
}

std::set<std::string> lines_of(const std::string& text)
{
    std::istringstream stream(text);
    std::set<std::string> lines;
    for (std::string line; std::getline(stream, line);) lines.insert(line);
    return lines;
}

TEST_CASE("a restore that lost power goes on after the boot, and ends with the very bytes")
{
    Place place;
    const auto repository = place.repository();
    const std::string tree = place.scratch.path("tree"), image = place.scratch.path("by-restic/image.img");
    for (const Cut& cut : cuts) {
        CAPTURE(cut.share);
        const std::string halt = fmt::format("halt={}", content_size * cut.share / 100);
        const std::string device = place.host->device(cut.device);
        {
            lab::Process files = place.start(
                {"restore-files", place.scratch.path("repository"), place.files, cut.folder(), halt});
            lab::Process blocks =
                place.start({"restore", place.scratch.path("repository"), place.image, device, halt});
            must(files.read_until("halted", std::chrono::seconds(60)));
            must(blocks.read_until("halted", std::chrono::seconds(60)));
            place.host->power_cut();
        }
        place.boot();
        place.mount();
        // Nobody takes half of it for a filesystem.
        CHECK(must(place.host->run({"blkid", "--probe", device})).exit_code == 2);
        CHECK(must(place.host->run({"cmp", "--quiet", image, device})).exit_code == 1);
        CHECK(must(place.host->run(
                       {"diff", "--recursive", "--brief", "--no-dereference", tree, cut.folder() + tree}))
                  .exit_code == 1);

        const auto summary = [&](const Words& more) {
            const std::string lines = place.run(place.belay(more));
            return must(parse_json(lines.substr(lines.rfind('\n', lines.size() - 2) + 1)));
        };
        const Json files = summary({"--json", "restore", place.files, "--target", cut.folder()});
        const Json blocks =
            summary({"--json", "restore-device", place.image, "--target", device, "--compare", "--yes"});
        CAPTURE(files.dump());
        CAPTURE(blocks.dump());
        CHECK(blocks["error_count"] == 0);
        CHECK(blocks["bytes_skipped"].get<uint64_t>() > 0);
        place.run({"sync"});
        place.run({"cmp", image, device});
        place.run({"diff", "--recursive", "--no-dereference", tree, cut.folder() + tree});
        CHECK(lines_of(place.run(list_of(cut.folder() + tree))) == lines_of(Scratch::run(list_of(tree))));
    }
    CHECK(place.repository() == repository);
    place.scratch.restic({"check", "--read-data"});
}

}  // namespace
}  // namespace belay::backup
