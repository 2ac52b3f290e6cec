#include "daemon/network/host_loads.h"

#include <condition_variable>
#include <map>
#include <mutex>

namespace belay::daemon {
namespace {

constexpr const char* load_asker = "the controller of the site";
constexpr Milliseconds load_is_new_for = std::chrono::milliseconds(1500);
constexpr Milliseconds load_patience = std::chrono::seconds(2);

}  // namespace

/// Outlives this where a host answers late.
struct HostLoads::Heard {
    struct Host {
        Json load;
        Milliseconds at{0};
        bool is_asked = false;
    };

    mutable std::mutex mutex;
    mutable std::condition_variable came;
    std::map<std::string, Host> hosts;  ///< those that are attached
    std::function<void()> changed;

    void take(const std::string& member, const Result<Json>& answer)
    {
        {
            const std::lock_guard lock(mutex);
            const auto found = hosts.find(member);
            if (found == hosts.end()) return;
            found->second.is_asked = false;
            found->second.at = site::boot_now();
            // A host of an older version does not know the question.
            found->second.load = answer ? answer->value("load", Json()) : Json();
        }
        came.notify_all();
        changed();
    }
};

HostLoads::HostLoads(std::function<void()> changed) : heard_(std::make_shared<Heard>())
{
    heard_->changed = std::move(changed);
}

void HostLoads::ask(site::Hub& hub)
{
    const std::vector<std::string> attached = hub.attached();
    std::vector<std::string> to_ask;
    {
        const std::lock_guard lock(heard_->mutex);
        std::erase_if(heard_->hosts, [&](const auto& host) {
            return std::ranges::find(attached, host.first) == attached.end();
        });
        for (const std::string& member : attached) {
            Heard::Host& host = heard_->hosts[member];
            const bool is_new = host.at > Milliseconds{0} && site::boot_now() - host.at < load_is_new_for;
            if (host.is_asked || is_new) continue;
            host.is_asked = true;
            to_ask.push_back(member);
        }
    }
    for (const std::string& member : to_ask)
        hub.ask(member, "HostShow", R"({"summary":true})", load_asker,
                [heard = heard_, member](const Result<Json>& answer) { heard->take(member, answer); });
}

void HostLoads::await() const
{
    std::unique_lock lock(heard_->mutex);
    heard_->came.wait_for(lock, load_patience, [&] {
        return std::ranges::none_of(heard_->hosts, [](const auto& host) { return host.second.is_asked; });
    });
}

Json HostLoads::of(const std::string& member) const
{
    const std::lock_guard lock(heard_->mutex);
    const auto found = heard_->hosts.find(member);
    return found == heard_->hosts.end() ? Json() : found->second.load;
}

}  // namespace belay::daemon
