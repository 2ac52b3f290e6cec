#include "backup/backend/memory.h"

namespace belay::backup {
namespace {

std::unexpected<Error> not_there(const FileName& name)
{
    return fail(ErrorKind::not_found, fmt::format("there is no {} in memory", name.text()));
}

std::unexpected<Error> gone()
{
    return fail(ErrorKind::dead, "the repository in memory is gone");
}

}  // namespace

void MemoryBackend::plan(std::optional<Accident> accident)
{
    const std::lock_guard lock(mutex_);
    accident_ = accident;
    changes_ = 0;
    is_dead_ = false;
}

size_t MemoryBackend::changes() const
{
    const std::lock_guard lock(mutex_);
    return changes_;
}

Result<void> MemoryBackend::change(const std::function<void()>& act)
{
    if (is_dead_) return gone();
    ++changes_;
    if (!accident_ || accident_->at != changes_) {
        act();
        return {};
    }
    using Kind = Accident::Kind;
    if (accident_->kind == Kind::lost || accident_->kind == Kind::dead_late) act();
    is_dead_ = accident_->kind == Kind::dead || accident_->kind == Kind::dead_late;
    if (is_dead_) return gone();
    return fail(accident_->error, "the repository in memory refuses");
}

Result<void> MemoryBackend::create()
{
    const std::lock_guard lock(mutex_);
    if (!files_.empty()) return fail(ErrorKind::refused, "there is a repository in memory already");
    return {};
}

Result<void> MemoryBackend::save(const FileName& name, std::string_view content)
{
    const std::lock_guard lock(mutex_);
    if (name.kind == FileKind::config && files_.contains(name))
        return fail(ErrorKind::refused, "there is a config in memory already");
    return change([&] { files_.try_emplace(name, content); });
}

Result<std::string> MemoryBackend::load(const FileName& name, uint64_t offset, uint64_t length)
{
    const std::lock_guard lock(mutex_);
    if (is_dead_) return gone();
    const auto found = files_.find(name);
    if (found == files_.end()) return not_there(name);
    const std::string& content = found->second;
    if (offset > content.size() || length > content.size() - offset)
        return fail(ErrorKind::corrupt, fmt::format("{} ends at byte {}", name.text(), content.size()));
    return content.substr(offset, length == 0 ? std::string::npos : length);
}

Result<uint64_t> MemoryBackend::size(const FileName& name)
{
    const std::lock_guard lock(mutex_);
    if (is_dead_) return gone();
    const auto found = files_.find(name);
    if (found == files_.end()) return not_there(name);
    return found->second.size();
}

Result<void> MemoryBackend::remove(const FileName& name)
{
    const std::lock_guard lock(mutex_);
    return change([&] { files_.erase(name); });
}

Result<std::vector<ListedFile>> MemoryBackend::list(FileKind kind)
{
    const std::lock_guard lock(mutex_);
    if (is_dead_) return gone();
    std::vector<ListedFile> all;
    for (const auto& [name, content] : files_) {
        if (name.kind == kind && kind != FileKind::config) all.push_back({name.id, content.size()});
    }
    return all;
}

}  // namespace belay::backup
