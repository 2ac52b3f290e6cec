#pragma once
// For tests: filesystems in files, made by their own tools over a file full of garbage, so that what is not
// used can be told from what is.

#include "backup/block/device_restoring.h"
#include "backup/block/device_saving.h"
#include "notes.h"

#include <algorithm>

namespace belay::backup {

constexpr std::string_view garbage = "nobody uses this; ";

/// Fills a file with garbage.
inline void make_garbage(const Scratch& scratch, const std::string& name, uint64_t size)
{
    std::string all;
    all.reserve(size + garbage.size());
    while (all.size() < size) all += garbage;
    all.resize(size);
    scratch.write(name, all);
}

/// An ext filesystem with the files of "tree". Nothing in its tables is left as it was before.
inline void make_ext(const Scratch& scratch, const std::string& name, const std::string& type, uint64_t size,
                     const std::vector<std::string>& more = {})
{
    make_garbage(scratch, name, size);
    std::vector<std::string> argv = {
        "mke2fs", "-q", "-F", "-t", type, "-d", scratch.path("tree"), "-E", "nodiscard,lazy_itable_init=0"};
    argv.insert(argv.end(), more.begin(), more.end());
    argv.push_back(scratch.path(name));
    Scratch::run(argv);
}

/// An XFS, smaller than anybody should rely on.
inline void make_xfs(const Scratch& scratch, const std::string& name)
{
    make_garbage(scratch, name, 64 << 20);
    scratch.write("large", Scratch::random_text(3 << 20, 23));
    scratch.write("proto", "/boot\n0 0\nd--755 0 0\nlarge ---644 0 0 " + scratch.path("large") +
                               "\nfolder d--755 0 0\nagain ---644 0 0 " + scratch.path("large") + "\n$\n$\n");
    Scratch::run(
        {"mkfs.xfs", "--unsupported", "-q", "-f", "-K", "-p", scratch.path("proto"), scratch.path(name)});
}

/// An NTFS with the file "large".
inline void make_ntfs(const Scratch& scratch, const std::string& name, uint64_t size)
{
    make_garbage(scratch, name, size);
    scratch.write("large", Scratch::random_text(3 << 20, 29));
    Scratch::run({"mkntfs", "-q", "-Q", "-F", scratch.path(name)});
    Scratch::run({"ntfscp", "-q", scratch.path(name), scratch.path("large"), "large"});
}

struct DeviceNotes final : DeviceSavingObserver, DeviceRestoringObserver {
    void problem(const Error& error) override
    {
        const std::lock_guard lock(mutex);
        problems.push_back(error.what);
    }
    void note(const std::string& what) override
    {
        const std::lock_guard lock(mutex);
        notes.push_back(what);
    }

    std::mutex mutex;
    std::vector<std::string> problems, notes;
};

/// Saves an image file of the scratch folder.
inline Result<void> save_image(const Scratch& scratch, const std::string& name, DeviceSavingSummary& summary,
                               DeviceNotes& notes)
{
    Repository repository = opened(scratch);
    DeviceSavingOptions options;
    options.device = scratch.path(name);
    options.hostname = "here";
    return save_device(*host::real_host(), repository, options, notes, summary);
}

/// Restores the image of a snapshot.
inline Result<void> restore_image(const Scratch& scratch, const Id& snapshot, DeviceRestoringOptions options,
                                  DeviceRestoringSummary& summary, DeviceNotes& notes)
{
    const Repository repository = opened(scratch);
    const std::string text = must(repository.load_text({FileKind::snapshot, snapshot}));
    const Node image = must(image_in(repository, must(Snapshot::from_text(text)).tree));
    options.verify = true;
    return restore_device(repository, image, options, notes, summary);
}

}  // namespace belay::backup
