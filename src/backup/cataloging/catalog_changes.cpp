#include "backup/cataloging/catalog_changes.h"

#include <array>
#include <cerrno>
#include <sys/inotify.h>
#include <unistd.h>

namespace belay::backup {

Result<CatalogChanges> CatalogChanges::of(const CatalogFolder& folder)
{
    host::Descriptor descriptor(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!descriptor) return std::unexpected(system_error("watch the catalog", errno));
    CatalogChanges changes(folder, std::move(descriptor));
    TRY(changes.watch());
    return changes;
}

Result<void> CatalogChanges::watch()
{
    if (::inotify_add_watch(descriptor_.number(), folder_.path().c_str(), IN_CLOSE_WRITE | IN_ONLYDIR) >= 0)
        return {};
    return std::unexpected(system_error(fmt::format("watch {}", folder_.path()), errno));
}

Result<bool> CatalogChanges::take()
{
    bool is_changed = false;
    alignas(inotify_event) std::array<char, 16384> buffer;
    for (;;) {
        const ssize_t count = ::read(descriptor_.number(), buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return is_changed;
        for (ssize_t at = 0; at < count;) {
            const auto* const event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
            at += static_cast<ssize_t>(sizeof *event + event->len);
            const bool is_lock = event->len > 0 && std::string_view(event->name) == CatalogFolder::lock_name;
            if (is_lock || (event->mask & (IN_Q_OVERFLOW | IN_IGNORED)) != 0) is_changed = true;
            if ((event->mask & IN_IGNORED) == 0) continue;
            TRY(folder_.make());
            TRY(watch());
        }
    }
}

}  // namespace belay::backup
