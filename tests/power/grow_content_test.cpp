// What stands on a mirror grows with it on a real kernel, under load: an XFS, an LVM physical volume; also
// where the power is cut when the array has grown and they have not. What cannot grow is said before anything
// is touched.

#include "base/testing/must.h"
#include "trial.h"

namespace belay::trial {
namespace {

using Words = std::vector<std::string>;

constexpr Bytes small = {48 << 20}, large = {96 << 20};

uint64_t number_from(lab::Mirror& mirror, const Words& argv)
{
    return std::stoull(must(mirror.run(argv)));
}

uint64_t size_of_array(lab::Mirror& mirror)
{
    return number_from(mirror, {"blockdev", "--getsize64", mirror.array()});
}

uint64_t size_of_xfs(lab::Mirror& mirror)
{
    const std::string text = must(mirror.run({"xfs_info", lab::Mirror::data}));
    uint64_t block_size = 0, blocks = 0;
    const size_t data = text.find("\ndata ");
    REQUIRE_MESSAGE(data != std::string::npos, text);
    REQUIRE(std::sscanf(text.c_str() + data, "\ndata = bsize=%lu blocks=%lu", &block_size, &blocks) == 2);
    return block_size * blocks;
}

uint64_t size_of_volume(lab::Mirror& mirror)
{
    return number_from(mirror, {"lvm", "pvs", "--noheadings", "--units", "b", "--nosuffix", "--options",
                                "pv_size", mirror.array()});
}

using Size = uint64_t (*)(lab::Mirror&);

/// After growth the array has the larger disks' room, and what stands on it uses it but for a last extent.
std::string wrong_with(lab::Mirror& mirror, Size size_of)
{
    constexpr uint64_t extent = 4 << 20, in_front = 1 << 20;
    const uint64_t array = size_of_array(mirror), size = size_of(mirror);
    const bool right = array > large.count - (8 << 20) && size <= array && size + extent + in_front > array;
    return right ? "" : fmt::format("{} bytes on an array of {}", size, array);
}

/// Cuts the power once on the way to commit; whether it met the array grown and what stands on it not yet.
bool cut_between(Subject subject, Size size_of, const Cut& cut)
{
    subject.joining = large;
    subject.wrong = [size_of](lab::Mirror& mirror, const std::string&) -> Result<std::string> {
        return wrong_with(mirror, size_of);
    };
    bool between = false;
    subject.after_cut = [&between, size_of](lab::Mirror& mirror) -> Result<void> {
        between = size_of_array(mirror) > small.count && size_of(mirror) <= small.count;
        return {};
    };
    const lab::Folder folder = must(lab::Folder::make());
    Trial trial = must(Trial::begin(folder, std::move(subject)));
    const Ending ending = must(trial.with_power_cut(Course::commit, cut));
    CHECK(ending.was_cut);
    CHECK(ending.state == "committed");
    return between;
}

/// The person's way to it: plan, and what is said where a check or the plan itself refuses.
std::string refusal_of(lab::Mirror& mirror)
{
    const host::Outcome outcome = must(mirror.belay({"plan", "array.grow", "--array", mirror.array()}));
    CHECK_MESSAGE(outcome.exit_code != 0, outcome.out);
    return outcome.out + outcome.err;
}

}  // namespace

TEST_CASE(
    "an XFS in use grows, through a power cut before its growth, and through one as it grows onto new disks")
{
    Subject subject;
    subject.content = "xfs";
    subject.disk = large;
    subject.used = small;
    subject.words = {"array.grow", "--array", Subject::array};
    CHECK(cut_between(subject, size_of_xfs, {.before = false, .commit = 10}));

    Subject replaced;
    replaced.content = "xfs";
    replaced.disk = small;
    replaced.words = {"array.grow",  "--array",   Subject::array, "--leaving",
                      "LAB-a,LAB-b", "--joining", "LAB-c,LAB-d"};
    cut_between(replaced, size_of_xfs, {.before = true, .commit = 16});
}

TEST_CASE("a physical volume grows under its logical volume, through a power cut before its growth and after")
{
    Subject subject;
    subject.content = "lvm";
    subject.disk = large;
    subject.used = small;
    subject.words = {"array.grow", "--array", Subject::array};
    CHECK(cut_between(subject, size_of_volume, {.before = false, .commit = 10}));
    cut_between(subject, size_of_volume, {.before = true, .commit = 11});
}

TEST_CASE("what would not grow is said in the plan; swap keeps its size, and a bitmap its file")
{
    const lab::Folder folder = must(lab::Folder::make());
    lab::MirrorOptions options{.disk = large, .joining = {16 << 20}};
    options.used = small;
    options.content = "lvm";
    lab::Mirror mirror = must(lab::Mirror::build(folder, options));
    const auto run = [&](const Words& argv) { return must(mirror.run(argv)); };
    const auto says = [&](const std::string& sentence, const std::string& next) {
        const std::string said = refusal_of(mirror);
        CHECK_MESSAGE(said.find(sentence) != std::string::npos, said);
        CHECK_MESSAGE(said.find(next) != std::string::npos, said);
    };
    run({"umount", lab::Mirror::data});
    run({"lvm", "vgchange", "--activate", "n", "lab"});
    run({"lvm", "vgexport", "lab"});
    says("the volume group lab is exported", "vgimport lab");
    run({"lvm", "vgimport", "lab"});
    run({"lvm", "vgextend", "lab", mirror.disk(lab::Mirror::spare)});
    run({"wipefs", "--quiet", "--all", "--force", mirror.disk(lab::Mirror::spare)});
    run({"udevadm", "settle"});
    says("the volume group lab lacks 1 of its physical volumes", "vgreduce --removemissing lab");
    run({"lvm", "vgreduce", "--removemissing", "lab"});
    run({"lvm", "vgremove", "--yes", "lab"});
    run({"lvm", "pvremove", mirror.array()});

    run({"mkfs.xfs", "-q", "--unsupported", mirror.array()});
    run({"udevadm", "settle"});
    says("is not mounted, and can only grow where it is", "mount " + mirror.array());
    run({"mount", "-o", "ro", mirror.array(), lab::Mirror::data});
    says(std::string("it is mounted read-only on ") + lab::Mirror::data, "remount,rw");
    run({"umount", lab::Mirror::data});
    CHECK(size_of_array(mirror) == small.count);

    const std::string bitmap = "/var/lib/belay/bitmap";
    run({"mdadm", "--grow", "--bitmap=none", mirror.array()});
    run({"mdadm", "--grow", "--bitmap=" + bitmap, mirror.array()});
    run({"mkswap", "--quiet", mirror.array()});
    run({"udevadm", "settle"});
    run({"swapon", mirror.array()});
    const host::Outcome grown =
        must(mirror.belay({"run", "array.grow", "--array", mirror.array(), "--yes", "--soak", "1s"}));
    CHECK_MESSAGE(grown.exit_code == 0, grown.out, grown.err);
    CHECK(grown.out.find("keeps its size: Belay cannot grow it") != std::string::npos);
    CHECK(size_of_array(mirror) > large.count - (8 << 20));
    CHECK(run({"mdadm", "--detail", mirror.array()}).find("Intent Bitmap : " + bitmap) != std::string::npos);
    CHECK(number_from(mirror, {"swapon", "--show=SIZE", "--bytes", "--noheadings"}) < small.count);
}

}  // namespace belay::trial
