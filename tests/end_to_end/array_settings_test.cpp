// The settings of an array on a real kernel, while a program writes to it: committed, aborted by a person, by
// the timer, by a gate, and with the power cut around every record.

#include "mirror_bench.h"

namespace belay {
namespace {

/// One procedure, and what the kernel says of its setting before and after.
struct Setting {
    Bench::Words words;
    std::string file;  ///< below /sys/block/mdX/md
    std::string before, after;
    bool kept_by_commit = true;
    bool kept_by_boot = false;

    std::string committed() const { return kept_by_commit ? after : before; }
};

const std::vector<Setting> settings = {{.words = {"array.bitmap", "--array", "ARRAY", "--bitmap", "none"},
                                        .file = "bitmap/location",
                                        .before = "+8\n",
                                        .after = "none\n",
                                        .kept_by_boot = true},
                                       {.words = {"array.sync-speed", "--array", "ARRAY", "--max", "300M"},
                                        .file = "sync_speed_max",
                                        .before = "200000 (system)\n",
                                        .after = "307200 (local)\n"},
                                       // What is held is let go by commit; the others keep what was set.
                                       {.words = {"array.sync-pause", "--array", "ARRAY"},
                                        .file = "sync_action",
                                        .before = "idle\n",
                                        .after = "frozen\n",
                                        .kept_by_commit = false}};

}  // namespace

TEST_CASE(
    "each setting is made, and goes back by a person, by the timer and by a gate; nothing written is lost")
{
    MirrorBench bench;
    bench.start_load();
    for (const Setting& setting : settings) {
        INFO(setting.words.front());
        const Bench::Words words = bench.on_array(setting.words);
        bench.goes_back_each_way(words, [&] { CHECK(bench.setting(setting.file) == setting.before); });
        const std::string id = bench.activate(words);
        CHECK(bench.setting(setting.file) == setting.after);
        CHECK(bench.belay({"commit", id}).exit_code == 0);
        bench.is_committed(id);
        CHECK(bench.setting(setting.file) == setting.committed());
    }
    bench.end_load();
}

TEST_CASE("the power is cut around every record of each setting: it is made, or as it was")
{
    MirrorBench bench;
    for (const Setting& setting : settings) {
        INFO(setting.words.front());
        const Bench::Words words = bench.on_array(setting.words);
        const bool often = bench.cut_everywhere(words, [&](const std::string& end) {
            // What the kernel keeps for no longer than a boot may be gone after the last record.
            const std::string now = bench.setting(setting.file);
            const bool as_meant = now == (end == "committed" ? setting.committed() : setting.before);
            const bool gone_with_boot = end == "committed" && !setting.kept_by_boot && now == setting.before;
            CHECK_MESSAGE((as_meant || gone_with_boot), end, ": ", now);
            bench.shell("echo system > /sys/block/$(basename $(readlink -f " + bench.mirror().array() +
                        "))/md/sync_speed_max");
            if (setting.kept_by_boot && now == setting.after)
                bench.shell("mdadm --grow --bitmap=internal " + bench.mirror().array());
        });
        CHECK(often);
    }
}

}  // namespace belay
