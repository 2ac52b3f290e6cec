// What a host of the lab does with its volumes: saves, restores, lists and removes leftovers. One line of
// JSON says what came of it.
//
//     belay-block-guest save REPOSITORY DEVICE [always] [die|die=NOTE] [base] [dry] [room=BYTES] [fill=FILE]
//     belay-block-guest restore REPOSITORY SNAPSHOT TARGET [compare] [halt=BYTES]
//     belay-block-guest restore-files REPOSITORY SNAPSHOT FOLDER [halt=BYTES]
//     belay-block-guest leftovers [remove]
//     belay-block-guest write FOLDER
//     belay-block-guest scatter DEVICE SEED
//     belay-block-guest change FOLDER SEED
//     belay-block-guest nameless FOLDER
//
// `die` ends it by SIGKILL when the volume's snapshot is made, or when a note has come; `fill` writes 24 MiB
// into a file then. `halt` stands still for ever, and says so, when so much of packs was read; what had been
// written when it was half of that is on the disk. `scatter` writes at some places of a device, and discards
// one; `change` does as much to the files of a folder. `nameless` writes a file without a name, says so, and
// gives it the name "named" when it reads a line. `write` makes, changes and removes files until it is
// killed, and says so when it has begun.

#include "backup/backend/local.h"
#include "backup/block/device_restoring.h"
#include "backup/block/device_saving.h"
#include "backup/pipeline/restoring.h"
#include "host/real.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <linux/fs.h>
#include <mutex>
#include <random>
#include <sys/ioctl.h>
#include <thread>
#include <unistd.h>

namespace belay::backup {
namespace {

using Words = std::vector<std::string>;

struct Watcher final : DeviceSavingObserver, DeviceRestoringObserver {
    explicit Watcher(const Words& words)
    {
        for (const std::string& word : words) {
            if (word == "die") dies_at = "from its snapshot";
            if (word.starts_with("die=")) dies_at = word.substr(4);
            if (word.starts_with("fill=")) fills = word.substr(5);
        }
    }
    void problem(const Error& error) override { problems.push_back(error.what); }
    void note(const std::string& what) override
    {
        notes.push_back(what);
        if (!dies_at.empty() && what.find(dies_at) != std::string::npos) std::raise(SIGKILL);
        if (fills.empty() || what.find("from its snapshot") == std::string::npos) return;
        std::ofstream(fills) << std::string(24 << 20, 'x');
        ::sync();
    }

    std::string dies_at, fills;
    std::vector<std::string> problems, notes;
};

/// A place that stands still when some bytes of packs were read.
class HaltingBackend final : public Backend {
  public:
    HaltingBackend(const std::string& path, uint64_t halt) : place_(path), halt_(halt) {}

    std::string location() const override { return place_.location(); }
    Result<void> create() override { return place_.create(); }
    Result<void> save(const FileName& name, std::string_view content) override
    {
        return place_.save(name, content);
    }
    Result<std::string> load(const FileName& name, uint64_t offset, uint64_t length) override
    {
        if (name.kind == FileKind::pack && halt_ > 0) {
            const std::lock_guard lock(mutex_);
            if (read_ >= halt_) {
                std::puts("halted"), std::fflush(stdout);
                for (;;) ::pause();
            }
            if (read_ >= halt_ / 2 && !std::exchange(is_synced_, true)) ::sync();
        }
        Result<std::string> content = place_.load(name, offset, length);
        if (name.kind == FileKind::pack && content) read_ += content->size();
        return content;
    }
    Result<uint64_t> size(const FileName& name) override { return place_.size(name); }
    Result<void> remove(const FileName& name) override { return place_.remove(name); }
    Result<std::vector<ListedFile>> list(FileKind kind) override { return place_.list(kind); }

  private:
    LocalBackend place_;
    uint64_t halt_;  ///< 0: never
    std::mutex mutex_;
    std::atomic<uint64_t> read_ = 0;
    bool is_synced_ = false;
};

Result<Repository> open_repository(const std::string& path, const Words& words = {})
{
    uint64_t halt = 0;
    for (const std::string& word : words) {
        if (word.starts_with("halt=")) halt = TRY(parse_bytes(word.substr(5))).count;
    }
    Repository repository =
        TRY(Repository::open(std::make_unique<HaltingBackend>(path, halt), "correct horse"));
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
    options.keep_base = std::ranges::count(words, "base") > 0;
    options.writer.dry_run = std::ranges::count(words, "dry") > 0;
    for (const std::string& word : words) {
        if (word.starts_with("room=")) options.lvm.room = TRY(parse_bytes(word.substr(5)));
    }
    DeviceSavingSummary summary;
    TRY(save_device(host, repository, options, watcher, summary));
    return Json{{"snapshot", summary.snapshot ? summary.snapshot->hex() : ""},
                {"parent", summary.parent ? summary.parent->hex() : ""},
                {"read", summary.bytes_read.load()},
                {"done", summary.bytes_done.load()},
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
    const Repository repository = TRY(open_repository(words[1], words));
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

struct FileWatcher final : RestoringObserver {
    void problem(const std::string& path, const Error& error) override
    {
        problems.push_back(path + ": " + error.what);
    }
    std::vector<std::string> problems;
};

Result<Json> restore_files(const Words& words)
{
    const Repository repository = TRY(open_repository(words[1], words));
    const Id id = TRY(Id::from_hex(words[2]));
    const std::string text = TRY(repository.load_text({FileKind::snapshot, id}));
    const Snapshot snapshot = TRY(Snapshot::from_text(text));
    FileWatcher watcher;
    RestoringOptions options;
    options.target = words[3];
    RestoringSummary summary;
    TRY(restore_tree(repository, snapshot.tree, options, watcher, summary));
    return Json{{"bytes", summary.bytes.load()},
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

std::string noise(std::mt19937_64& random, size_t size)
{
    std::string text(size, '\0');
    for (char& c : text) c = static_cast<char>(random());
    return text;
}

Result<void> write_at(int file, uint64_t offset, const std::string& text)
{
    if (::pwrite(file, text.data(), text.size(), static_cast<off_t>(offset)) ==
        static_cast<ssize_t>(text.size()))
        return {};
    return std::unexpected(system_error("cannot write", errno));
}

Result<Json> scatter(const std::string& device, std::mt19937_64 random)
{
    const host::Descriptor file(::open(device.c_str(), O_RDWR | O_CLOEXEC));
    const uint64_t blocks = TRY(size_of_device(file.number(), device)) / 4096;
    for (int i = 0; i < 6; ++i)
        TRY(write_at(file.number(), random() % (blocks - 32) * 4096,
                     noise(random, 4096 * (1 + random() % 32))));
    uint64_t range[2] = {random() % (blocks - 512) * 4096, 2 << 20};
    if (::fsync(file.number()) != 0 || ::ioctl(file.number(), BLKDISCARD, range) != 0)
        return std::unexpected(system_error("cannot discard", errno));
    return Json();
}

Result<Json> change(const std::string& folder, std::mt19937_64 random)
{
    for (int i = 0; i < 3; ++i) {
        const std::string path = fmt::format("{}/kept/{}", folder, 1 + random() % 4);
        const host::Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
        TRY(write_at(file.number(), random() % 600'000, noise(random, 30'000)));
    }
    std::filesystem::remove(folder + "/kept/2");
    std::ofstream(folder + "/kept/new") << noise(random, 100'000 + random() % 500'000);
    ::sync();
    return Json();
}

Result<Json> nameless(const std::string& folder)
{
    const host::Descriptor file(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    std::mt19937_64 random(7);
    TRY(write_at(file.number(), 0, noise(random, 2 << 20)));
    ::sync();
    std::puts("written"), std::fflush(stdout);
    static_cast<void>(std::getchar());
    const std::string path = fmt::format("/proc/self/fd/{}", file.number()), name = folder + "/named";
    if (::linkat(AT_FDCWD, path.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) != 0)
        return std::unexpected(system_error("cannot name it", errno));
    ::sync();
    return Json("named");
}

Result<Json> act(const Words& words)
{
    const std::unique_ptr<host::Host> host = host::real_host();
    if (words.size() >= 3 && words[0] == "save") return save(*host, words);
    if (words.size() >= 4 && words[0] == "restore") return restore(words);
    if (words.size() >= 4 && words[0] == "restore-files") return restore_files(words);
    if (!words.empty() && words[0] == "leftovers") return leftovers(*host, words);
    if (words.size() == 2 && words[0] == "write") write_for_ever(words[1]);
    if (words.size() == 3 && words[0] == "scatter")
        return scatter(words[1], std::mt19937_64(TRY(parse_bytes(words[2])).count));
    if (words.size() == 3 && words[0] == "change")
        return change(words[1], std::mt19937_64(TRY(parse_bytes(words[2])).count));
    if (words.size() == 2 && words[0] == "nameless") return nameless(words[1]);
    return fail(ErrorKind::usage,
                "save, restore, restore-files, leftovers, write, scatter, change or nameless");
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
