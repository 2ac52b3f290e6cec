#include "backup/pipeline/file_node.h"

#include <algorithm>
#include <cerrno>
#include <grp.h>
#include <pwd.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace belay::backup {
namespace {

/// Longer names and values no filesystem of Linux has. Source: xattr(7).
constexpr size_t longest_attribute = 64 << 10;

Timestamp time_of(const timespec& time)
{
    return Timestamp::local(time.tv_sec, static_cast<uint32_t>(time.tv_nsec));
}

Result<std::string> link_target_of(const Place& place)
{
    std::string target(PATH_MAX, '\0');
    const ssize_t length = ::readlinkat(place.folder(), place.name().c_str(), target.data(), target.size());
    if (length < 0) return std::unexpected(system_error(fmt::format("read the link {}", place.path), errno));
    target.resize(static_cast<size_t>(length));
    return target;
}

/// `list` and `get` are as listxattr(2) and getxattr(2), but for the file.
template <typename List, typename Get>
Result<std::vector<ExtendedAttribute>> read_attributes(const List& list, const Get& get,
                                                       const std::string& path)
{
    std::vector<ExtendedAttribute> all;
    thread_local std::string names(longest_attribute, '\0'), value(longest_attribute, '\0');
    const ssize_t length = list(names.data(), names.size());
    if (length < 0) {
        if (errno == ENOTSUP || errno == ENODATA) return all;
        return std::unexpected(system_error(fmt::format("list the attributes of {}", path), errno));
    }
    for (size_t at = 0; at < static_cast<size_t>(length);) {
        const std::string name = names.data() + at;
        at += name.size() + 1;
        const ssize_t size = get(name.c_str(), value.data(), value.size());
        if (size < 0 && errno == ENODATA) continue;
        if (size < 0)
            return std::unexpected(
                system_error(fmt::format("read the attribute {} of {}", name, path), errno));
        all.push_back({name, value.substr(0, static_cast<size_t>(size))});
    }
    std::ranges::sort(all, {}, &ExtendedAttribute::name);
    return all;
}

/// There is no call for them that starts at a folder's descriptor; /proc leads there without walking a path
/// that somebody may rename.
Result<std::vector<ExtendedAttribute>> attributes_at(const Place& place)
{
    const std::string path =
        place.above ? fmt::format("/proc/self/fd/{}/{}", place.folder(), place.name()) : place.path;
    return read_attributes([&](char* names, size_t room) { return ::llistxattr(path.c_str(), names, room); },
                           [&](const char* name, char* value, size_t room) {
                               return ::lgetxattr(path.c_str(), name, value, room);
                           },
                           place.path);
}

/// What stat(2) says, as restic keeps it: sizes of files and devices of devices alone, links where there may
/// be several.
void take_status(Node& node, const struct stat& status, AccountNames& accounts)
{
    node.type = type_of_mode(status.st_mode);
    node.mode = status.st_mode & 07777;
    node.mtime = time_of(status.st_mtim);
    node.atime = time_of(status.st_atim);
    node.ctime = time_of(status.st_ctim);
    node.uid = status.st_uid;
    node.gid = status.st_gid;
    node.user = accounts.user(status.st_uid);
    node.group = accounts.group(status.st_gid);
    node.inode = status.st_ino;
    node.device_id = status.st_dev;
    if (node.type == NodeType::file) node.size = static_cast<uint64_t>(status.st_size);
    if (node.type == NodeType::dev || node.type == NodeType::chardev) node.device = status.st_rdev;
    const bool counts_links = node.type == NodeType::file || node.type == NodeType::symlink ||
                              node.type == NodeType::dev || node.type == NodeType::chardev;
    if (counts_links) node.links = status.st_nlink;
}

/// Whatever changes link target or attributes changes the time of the last change.
bool is_untouched(const Node& now, const Node& before)
{
    return now.type == before.type && now.ctime == before.ctime && now.mtime == before.mtime &&
           now.inode == before.inode && now.device_id == before.device_id && now.size == before.size;
}

}  // namespace

std::string AccountNames::user(uint32_t uid)
{
    const std::lock_guard lock(mutex_);
    const auto [place, is_new] = users_.try_emplace(uid);
    if (is_new) {
        passwd entry = {};
        passwd* found = nullptr;
        std::string buffer(16384, '\0');
        if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr)
            place->second = entry.pw_name;
    }
    return place->second;
}

std::string AccountNames::group(uint32_t gid)
{
    const std::lock_guard lock(mutex_);
    const auto [place, is_new] = groups_.try_emplace(gid);
    if (is_new) {
        ::group entry = {};
        ::group* found = nullptr;
        std::string buffer(65536, '\0');
        if (::getgrgid_r(gid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr)
            place->second = entry.gr_name;
    }
    return place->second;
}

Node node_of(std::string name, const struct stat& status, AccountNames& accounts)
{
    Node node;
    node.name = std::move(name);
    take_status(node, status, accounts);
    return node;
}

Result<void> add_details(Node& node, const Place& place, const Node* before,
                         const std::function<void(const Error&)>& problem)
{
    // Of a link restic keeps no attributes, nor, up to 0.16, a target that is not UTF-8: what it has saved is
    // not taken over.
    if (before != nullptr && node.type != NodeType::symlink && is_untouched(node, *before)) {
        node.attributes = before->attributes;
        return {};
    }
    if (node.type == NodeType::symlink) node.link_target = TRY(link_target_of(place));
    Result<std::vector<ExtendedAttribute>> attributes = attributes_at(place);
    if (attributes)
        node.attributes = *std::move(attributes);
    else
        problem(attributes.error());
    return {};
}

Result<std::vector<ExtendedAttribute>> attributes_of(int file, const std::string& path)
{
    return read_attributes(
        [&](char* names, size_t room) { return ::flistxattr(file, names, room); },
        [&](const char* name, char* value, size_t room) { return ::fgetxattr(file, name, value, room); },
        path);
}

}  // namespace belay::backup
