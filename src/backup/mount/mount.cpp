#define FUSE_USE_VERSION 32

#include "backup/mount/mount.h"

#include <algorithm>
#include <cerrno>
#include <fuse3/fuse.h>
#include <sys/stat.h>

namespace belay::backup {
namespace {

int error_number(const Error& error)
{
    return error.kind == ErrorKind::not_found ? -ENOENT : error.kind == ErrorKind::usage ? -ENOTDIR : -EIO;
}

class FuseMount final : public Mount {
  public:
    FuseMount(Repository& repository, std::vector<Snapshot> snapshots, ReadSnapshots read_again,
              const MountOptions& options)
        : view_(repository, std::move(snapshots), std::move(read_again)), options_(options)
    {
    }
    ~FuseMount() override
    {
        if (fuse_ == nullptr) return;
        ::fuse_unmount(fuse_);
        ::fuse_destroy(fuse_);
    }

    Result<void> begin()
    {
        std::vector<std::string> words = {"belay", "-o", "ro,nosuid,nodev,fsname=belay,subtype=belay"};
        if (options_.allow_other) words.insert(words.end(), {"-o", "allow_other"});
        if (!options_.ignores_permissions) words.insert(words.end(), {"-o", "default_permissions"});
        std::vector<char*> argv;
        for (std::string& word : words) argv.push_back(word.data());
        fuse_args arguments = FUSE_ARGS_INIT(static_cast<int>(argv.size()), argv.data());
        fuse_operations operations{};
        operations.init = init;
        operations.getattr = get_attributes;
        operations.readdir = list;
        operations.readlink = read_link;
        operations.open = open;
        operations.release = release;
        operations.read = read;
        operations.listxattr = list_extended;
        operations.getxattr = get_extended;
        operations.statfs = get_size;
        fuse_ = ::fuse_new(&arguments, &operations, sizeof operations, this);
        ::fuse_opt_free_args(&arguments);
        if (fuse_ == nullptr) return fail(ErrorKind::failed, "FUSE does not take the options of the mount");
        if (::fuse_mount(fuse_, options_.folder.c_str()) == 0) return {};
        ::fuse_destroy(std::exchange(fuse_, nullptr));
        return fail(ErrorKind::failed, fmt::format("cannot mount the repository on {}", options_.folder),
                    "is it an empty folder of yours, and is /dev/fuse there?");
    }

    Result<void> serve() override
    {
        fuse_loop_config config{};
        config.max_idle_threads = 10;
        const int code = ::fuse_loop_mt(fuse_, &config);
        // Whoever still waits for an answer gets an error now.
        ::fuse_unmount(fuse_);
        if (code < 0 && code != -ENODEV)
            return fail(ErrorKind::failed, fmt::format("the mount on {} ended: {}", options_.folder,
                                                       std::generic_category().message(-code)));
        return {};
    }

    void stop() override
    {
        ::fuse_exit(fuse_);
        // It is seen with the next question. To unmount from here would close what the others read from.
        struct statvfs ignored = {};
        static_cast<void>(::statvfs(options_.folder.c_str(), &ignored));
    }

  private:
    static FuseMount& self() { return *static_cast<FuseMount*>(::fuse_get_context()->private_data); }

    static void* init(fuse_conn_info*, fuse_config* config)
    {
        // Nothing in a snapshot ever changes; but there may be one tomorrow that is not there today.
        config->kernel_cache = 1;
        config->entry_timeout = config->attr_timeout = 3600;
        config->negative_timeout = 1;
        return ::fuse_get_context()->private_data;
    }

    void fill(const MountedView::Entry& entry, struct stat& status) const
    {
        const Node& node = entry.node;
        status = {};
        status.st_mode = unix_kind(node.type) | (node.mode & 07777U);
        status.st_nlink = std::max<uint64_t>(node.links, 1);
        status.st_uid = options_.owner_root || entry.is_of_view ? 0 : node.uid;
        status.st_gid = options_.owner_root || entry.is_of_view ? 0 : node.gid;
        status.st_rdev = node.device;
        status.st_size =
            static_cast<off_t>(node.type == NodeType::symlink ? node.link_target.size() : node.size);
        status.st_blksize = 4096;
        status.st_blocks = (status.st_size + 511) / 512;
        const auto time = [](const Timestamp& at) {
            return timespec{at.seconds, static_cast<long>(at.nanoseconds)};
        };
        status.st_mtim = time(node.mtime);
        status.st_atim = time(node.atime);
        status.st_ctim = time(node.ctime);
    }

    static int get_attributes(const char* path, struct stat* status, fuse_file_info*)
    {
        const Result<MountedView::Entry> entry = self().view_.find(path);
        if (!entry) return error_number(entry.error());
        self().fill(*entry, *status);
        return 0;
    }

    static int list(const char* path, void* buffer, fuse_fill_dir_t add, off_t, fuse_file_info*,
                    fuse_readdir_flags)
    {
        MountedView& view = self().view_;
        const Result<MountedView::Entry> entry = view.find(path);
        if (!entry) return error_number(entry.error());
        const Result<std::vector<std::string>> names = view.names_in(*entry);
        if (!names) return error_number(names.error());
        for (const char* dots : {".", ".."}) add(buffer, dots, nullptr, 0, fuse_fill_dir_flags{});
        for (const std::string& name : *names) add(buffer, name.c_str(), nullptr, 0, fuse_fill_dir_flags{});
        return 0;
    }

    static int read_link(const char* path, char* buffer, size_t size)
    {
        const Result<MountedView::Entry> entry = self().view_.find(path);
        if (!entry) return error_number(entry.error());
        if (size == 0) return -EINVAL;
        const size_t length = std::min(entry->node.link_target.size(), size - 1);
        std::copy_n(entry->node.link_target.data(), length, buffer);
        buffer[length] = '\0';
        return 0;
    }

    /// The node that open() has left; FUSE keeps it as a number.
    static const Node& opened(const fuse_file_info& file)
    {
        return *reinterpret_cast<const Node*>(file.fh);  // NOLINT(performance-no-int-to-ptr)
    }

    static int open(const char* path, fuse_file_info* file)
    {
        if ((file->flags & O_ACCMODE) != O_RDONLY) return -EROFS;
        Result<MountedView::Entry> entry = self().view_.find(path);
        if (!entry) return error_number(entry.error());
        file->fh = reinterpret_cast<uint64_t>(new Node(std::move(entry->node)));
        file->keep_cache = 1;
        return 0;
    }

    static int release(const char*, fuse_file_info* file)
    {
        delete &opened(*file);
        return 0;
    }

    static int read(const char*, char* buffer, size_t size, off_t offset, fuse_file_info* file)
    {
        const Node& node = opened(*file);
        const Result<size_t> got = self().view_.read(node, static_cast<uint64_t>(offset), {buffer, size});
        return got ? static_cast<int>(*got) : -EIO;
    }

    static int list_extended(const char* path, char* buffer, size_t size)
    {
        const Result<MountedView::Entry> entry = self().view_.find(path);
        if (!entry) return error_number(entry.error());
        std::string names;
        for (const ExtendedAttribute& one : entry->node.attributes) names.append(one.name).push_back('\0');
        return give(names, buffer, size);
    }

    static int get_extended(const char* path, const char* name, char* buffer, size_t size)
    {
        const Result<MountedView::Entry> entry = self().view_.find(path);
        if (!entry) return error_number(entry.error());
        for (const ExtendedAttribute& one : entry->node.attributes)
            if (one.name == name) return give(one.value, buffer, size);
        return -ENODATA;
    }

    /// As the calls for extended attributes want it: with no room the length alone is asked for.
    static int give(const std::string& value, char* buffer, size_t size)
    {
        if (size == 0) return static_cast<int>(value.size());
        if (size < value.size()) return -ERANGE;
        std::ranges::copy(value, buffer);
        return static_cast<int>(value.size());
    }

    static int get_size(const char*, struct statvfs* status)
    {
        constexpr unsigned long block = 4096;
        *status = {};
        status->f_bsize = status->f_frsize = block;
        status->f_blocks = self().view_.total_size() / block + 1;
        status->f_namemax = 255;
        return 0;
    }

    MountedView view_;
    MountOptions options_;
    fuse* fuse_ = nullptr;
};

}  // namespace

Result<std::unique_ptr<Mount>> Mount::make(Repository& repository, std::vector<Snapshot> snapshots,
                                           ReadSnapshots read_again, const MountOptions& options)
{
    struct stat status{};
    if (::stat(options.folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode))
        return fail(ErrorKind::usage, fmt::format("{} is no folder that could be mounted on", options.folder),
                    fmt::format("mkdir {}", options.folder));
    auto mount =
        std::make_unique<FuseMount>(repository, std::move(snapshots), std::move(read_again), options);
    TRY(mount->begin());
    return mount;
}

}  // namespace belay::backup
