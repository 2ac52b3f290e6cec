// What a host of the lab does with its volumes: saves, restores, lists and removes leftovers. One line of
// JSON says what came of it.
//
//     belay-block-guest save REPOSITORY DEVICE [always] [die] [room=BYTES] [fill=FILE]
//     belay-block-guest restore REPOSITORY SNAPSHOT TARGET [compare]
//     belay-block-guest leftovers [remove]
//     belay-block-guest write FOLDER
//
// `die` ends it by SIGKILL when the volume's snapshot is made; `fill` writes 24 MiB into a file then.
// `write` makes, changes and removes files until it is killed, and says so when it has begun.

#include "backup/backend/local.h"
#include "backup/block/device_restoring.h"
#include "backup/block/device_saving.h"
#include "host/real.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>
#include <unistd.h>

namespace belay::backup {
namespace {

using Words = std::vector<std::string>;

struct Watcher final : DeviceSavingObserver, DeviceRestoringObserver {
    explicit Watcher(const Words& words)
    {
        for (const std::string& word : words) {
            if (word == "die") dies = true;
            if (word.starts_with("fill=")) fills = word.substr(5);
        }
    }
    void problem(const Error& error) override { problems.push_back(error.what); }
    void note(const std::string& what) override
    {
        notes.push_back(what);
        if (what.find("from its snapshot") == std::string::npos) return;
        if (dies) std::raise(SIGKILL);
        if (fills.empty()) return;
        std::ofstream(fills) << std::string(24 << 20, 'x');
        ::sync();
    }

    bool dies = false;
    std::string fills;
    std::vector<std::string> problems, notes;
};

Result<Repository> open_repository(const std::string& path)
{
    Repository repository = TRY(Repository::open(std::make_unique<LocalBackend>(path), "correct horse"));
    TRY(repository.load_index([](const Id&, const Error&) {}));
    return repository;
}

Result<Json> save(host::Host& host, const Words& words)
{
    Repository repository = TRY(open_repository(words[1]));
    Watcher watcher(words);
    DeviceSavingOptions options;
    options.device = words[2];
    if (std::ranges::count(words, "always") > 0) options.volume_snapshot = VolumeSnapshot::always;
    for (const std::string& word : words) {
        if (word.starts_with("room=")) options.lvm.room = TRY(parse_bytes(word.substr(5)));
    }
    DeviceSavingSummary summary;
    TRY(save_device(host, repository, options, watcher, summary));
    return Json{{"snapshot", summary.snapshot->hex()},
                {"content", summary.content},
                {"whole", summary.why_whole},
                {"used", summary.bytes_used.load()},
                {"total", summary.bytes_total.load()},
                {"stored", summary.written.content},
                {"notes", watcher.notes},
                {"problems", watcher.problems}};
}

Result<Json> restore(const Words& words)
{
    const Repository repository = TRY(open_repository(words[1]));
    const Id id = TRY(Id::from_hex(words[2]));
    const std::string text = TRY(repository.load_text({FileKind::snapshot, id}));
    const Node image = TRY(image_in(repository, TRY(Snapshot::from_text(text)).tree));
    Watcher watcher({});
    DeviceRestoringOptions options;
    options.target = words[3];
    options.verify = true;
    options.compare = std::ranges::count(words, "compare") > 0;
    DeviceRestoringSummary summary;
    TRY(restore_device(repository, image, options, watcher, summary));
    return Json{{"total", summary.bytes_total.load()},
                {"verified", summary.bytes_verified.load()},
                {"written", summary.bytes_written.load()},
                {"there", summary.bytes_there.load()},
                {"problems", watcher.problems}};
}

Result<Json> leftovers(host::Host& host, const Words& words)
{
    Json all = Json::array();
    for (const LogicalVolume& volume : TRY(leftover_snapshots(host))) {
        all.push_back(volume.origin);
        if (std::ranges::count(words, "remove") > 0) TRY(remove_leftover_snapshot(host, volume));
    }
    return all;
}

/// At the pace of a host that does other things besides.
[[noreturn]] void write_for_ever(const std::string& folder)
{
    for (unsigned round = 1;; ++round) {
        std::ofstream(fmt::format("{}/w.{}", folder, round % 6)) << std::string(200'000 + round, 'w');
        std::filesystem::remove(fmt::format("{}/w.{}", folder, (round + 3) % 6));
        std::ofstream(folder + "/count.new") << round;
        std::filesystem::rename(folder + "/count.new", folder + "/count");
        if (round % 4 == 0) ::sync();
        if (round == 8) std::puts("writing"), std::fflush(stdout);
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
}

Result<Json> act(const Words& words)
{
    const std::unique_ptr<host::Host> host = host::real_host();
    if (words.size() >= 3 && words[0] == "save") return save(*host, words);
    if (words.size() >= 4 && words[0] == "restore") return restore(words);
    if (!words.empty() && words[0] == "leftovers") return leftovers(*host, words);
    if (words.size() == 2 && words[0] == "write") write_for_ever(words[1]);
    return fail(ErrorKind::usage, "save, restore, leftovers or write");
}

}  // namespace
}  // namespace belay::backup

int main(int argc, char** argv)
{
    const belay::Result<belay::Json> said = belay::backup::act({argv + 1, argv + argc});
    const belay::Json line = said ? *said
                                  : belay::Json{{"kind", name_of(said.error().kind)},
                                                {"error", said.error().what},
                                                {"output", said.error().output}};
    std::puts(belay::json_text(line).c_str());
    return said ? 0 : 1;
}
