// A disk that has failed and is there, and one that is gone, replaced on a real kernel under load: committed,
// aborted by a person, by the timer and by a gate, and with the power cut on the way. After a boot md may
// have made a member of the failed disk again.

#include "cut_once.h"
#include "sampling.h"
#include "tests/end_to_end/mirror_bench.h"

namespace belay::trial {
namespace {

using Words = Bench::Words;
using Mirror = lab::Mirror;

struct Host {
    const char* level;
    unsigned members;
};

/// By hand, by the timer and by a gate it goes back; then it is committed. `gone`: nothing of it is there.
void replace_lost_disk(MirrorBench& bench, const Words& words, bool gone)
{
    bench.start_load();
    const auto back = [&] {
        CHECK(!bench.serves(Mirror::joining));
        CHECK(bench.serves(Mirror::staying));
        CHECK(bench.setting("degraded") == "1\n");
        CHECK(
            bench.try_shell("mdadm --examine " + bench.mirror().disk(Mirror::joining) + "-part1").exit_code !=
            0);
    };
    bench.goes_back_each_way(words, back);
    const std::string id = bench.activate(words);
    CHECK(bench.belay({"commit", id}).exit_code == 0);
    bench.is_committed(id);
    CHECK(bench.serves(Mirror::joining));
    CHECK(bench.serves(Mirror::staying));
    CHECK(bench.setting("degraded") == "0\n");
    if (!gone)
        CHECK(
            bench.try_shell("mdadm --examine " + bench.mirror().disk(Mirror::leaving) + "-part1").exit_code !=
            0);
    bench.end_load();
}

}  // namespace

TEST_CASE("a member that has failed is replaced; by hand, by the timer and by a gate it goes back first")
{
    for (const auto& [level, members] : {Host{"1", 2}, Host{"5", 3}}) {
        if (!is_whole() && members == 2) continue;
        INFO("RAID", level);
        MirrorBench bench({.disk = {48 << 20}, .joining = {48 << 20}, .level = level, .members = members});
        bench.shell("mdadm --manage " + bench.mirror().array() + " --fail " +
                    bench.mirror().disk(Mirror::leaving) + "-part1");
        replace_lost_disk(bench, {"disk.replace", "--leaving", Mirror::leaving, "--joining", Mirror::joining},
                          false);
    }
}

TEST_CASE("a disk that is gone is replaced; by hand, by the timer and by a gate it goes back first")
{
    for (const auto& [level, members] : {Host{"1", 2}, Host{"6", 4}}) {
        if (!is_whole() && members != 2) continue;
        INFO("RAID", level);
        MirrorBench bench({.disk = {48 << 20}, .joining = {48 << 20}, .level = level, .members = members});
        bench.boot_without({Mirror::leaving});
        const host::Outcome named =
            bench.belay({"add", "disk.replace", "--leaving", Mirror::leaving, "--joining", Mirror::joining});
        CHECK(named.exit_code == 5);
        CHECK((named.out + named.err).contains("no disk LAB-a on this host"));
        replace_lost_disk(bench, {"disk.replace", "--like", Mirror::staying, "--joining", Mirror::joining},
                          true);
    }
}

TEST_CASE("the failed disk is pulled between add and activate: that keeps the new one from nothing")
{
    MirrorBench bench;
    bench.shell("mdadm --manage " + bench.mirror().array() + " --fail " +
                bench.mirror().disk(Mirror::leaving) + "-part1");
    const std::string id =
        bench.add({"disk.replace", "--leaving", Mirror::leaving, "--joining", Mirror::joining});
    bench.boot_without({Mirror::leaving});
    const host::Outcome activated = bench.belay({"activate", id});
    CHECK_MESSAGE(activated.exit_code == 0, activated.out, activated.err);
    CHECK(bench.belay({"commit", id}).exit_code == 0);
    bench.is_committed(id);
    CHECK(bench.serves(Mirror::joining));
}

TEST_CASE("the power is cut on the way of a failed member's replacement, and on the way back")
{
    const lab::Folder folder = must(lab::Folder::make());
    Trial trial = must(Trial::begin(folder, {.leaving = Subject::Leaving::failed}));
    unsigned cuts = cut_once(trial, Course::commit, {.copied_percent = 50});
    for (unsigned commit = 4; commit <= 11; commit += each(5))
        cuts += cut_once(trial, Course::commit, {.before = commit % 2 == 0, .commit = commit});
    for (unsigned commit = 9; commit <= 12; commit += each(5))
        cuts += cut_once(trial, Course::abort, {.before = commit % 2 == 0, .commit = commit});
    CHECK(cuts >= (is_whole() ? 10 : 3));
}

TEST_CASE("RAID10: the power is cut while the place of a failed member is filled, and on the way back" *
          before_release())
{
    const lab::Folder folder = must(lab::Folder::make());
    Trial trial =
        must(Trial::begin(folder, {.level = "10", .members = 4, .leaving = Subject::Leaving::failed}));
    CHECK(cut_once(trial, Course::commit, {.copied_percent = 40}));
    cut_once(trial, Course::abort, {.before = true, .commit = 10});
}

TEST_CASE("the power is cut on the way of a gone disk's replacement, and on the way back")
{
    const lab::Folder folder = must(lab::Folder::make());
    Trial trial = must(Trial::begin(folder, {.leaving = Subject::Leaving::gone}));
    unsigned cuts = cut_once(trial, Course::commit, {.copied_percent = 50});
    for (unsigned commit = 6; commit <= 9; commit += each(5))
        cuts += cut_once(trial, Course::commit, {.before = commit % 2 == 0, .commit = commit});
    for (unsigned commit = 9; commit <= 11; commit += each(5))
        cuts += cut_once(trial, Course::abort, {.before = commit % 2 == 0, .commit = commit});
    CHECK(cuts >= (is_whole() ? 6 : 2));
}

TEST_CASE("RAID4, 5, 6 and 10: the timer takes a replacement back, which is a copy" * before_release())
{
    for (const auto& [level, members] : {Host{"4", 3}, Host{"5", 3}, Host{"6", 4}, Host{"10", 4}}) {
        INFO("RAID", level);
        MirrorBench bench({.disk = {24 << 20}, .joining = {24 << 20}, .level = level, .members = members});
        bench.start_load();
        const std::string id = bench.add(
            {"disk.replace", "--leaving", Mirror::leaving, "--joining", Mirror::joining}, {"--timer", "8s"});
        static_cast<void>(bench.belay({"activate", id}));
        bench.follow(id);
        bench.went_back(id);
        CHECK(bench.shown(id).at("reason") == "the timer ran out");
        CHECK(bench.serves(Mirror::leaving));
        bench.end_load();
    }
}

}  // namespace belay::trial
