#include "backup/filter/exclusion.h"

#include "host/descriptor.h"

#include <algorithm>
#include <fcntl.h>
#include <unistd.h>

namespace belay::backup {
namespace {

constexpr size_t most_known = 1 << 12;

bool stands_in(const FolderMark& mark, const std::string& folder)
{
    const std::string path = folder + "/" + mark.name;
    if (mark.begins_with.empty()) return ::faccessat(AT_FDCWD, path.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    // A FIFO of that name must not hold up the walk.
    const host::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file) return false;
    std::string start(mark.begins_with.size(), '\0');
    return ::read(file.number(), start.data(), start.size()) == std::ssize(start) &&
           start == mark.begins_with;
}

}  // namespace

Result<FolderMark> FolderMark::from_text(std::string_view text)
{
    const size_t colon = text.find(':');
    FolderMark mark{std::string(text.substr(0, colon))};
    if (colon != std::string_view::npos) mark.begins_with = text.substr(colon + 1);
    if (mark.name.empty() || mark.name.find('/') != std::string::npos || mark.begins_with.size() > 4096)
        return fail(ErrorKind::usage, fmt::format("\"{}\" names no file that could mark a folder", text),
                    "write --exclude-if-present NAME, or NAME:HEADER");
    return mark;
}

FolderMark FolderMark::of_caches()
{
    return {"CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55"};
}

const FolderMark* Exclusion::mark_of(const std::string& folder) const
{
    const std::lock_guard lock(mutex_);
    if (const auto known = known_.find(folder); known != known_.end()) return known->second;
    const auto found =
        std::ranges::find_if(options_.marks, [&](const FolderMark& mark) { return stands_in(mark, folder); });
    if (known_.size() >= most_known) known_.clear();
    return known_[folder] = found == options_.marks.end() ? nullptr : &*found;
}

bool Exclusion::rejects(const std::string& path, bool is_folder, uint64_t size) const
{
    if (!is_folder && options_.larger_than && size > *options_.larger_than) return true;
    if (!options_.patterns.empty() && options_.patterns.judge(path).matches) return true;
    if (options_.marks.empty()) return false;
    const size_t slash = path.rfind('/');
    if (slash == std::string::npos) return false;
    const FolderMark* mark = mark_of(path.substr(0, slash));
    return mark != nullptr && path.substr(slash + 1) != mark->name;
}

}  // namespace belay::backup
