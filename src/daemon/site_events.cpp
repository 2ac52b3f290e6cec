#include "daemon/site_events.h"

#include "daemon/place.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

namespace belay::daemon {
namespace {

constexpr const char* events_asker = "the alarms of the site";
constexpr Milliseconds after_an_error = std::chrono::seconds(10);

}  // namespace

/// Outlives the other where a host answers late.
struct SiteEvents::Box {
    using Question = std::pair<std::string, About>;

    mutable std::mutex mutex;
    std::function<void()> more;  ///< null: nobody takes answers any more
    std::set<Question> under_way;
    std::vector<Answer> came;
    std::map<Question, Milliseconds> not_before;  ///< of those that failed

    void put(const Question& question, const Result<Json>& told)
    {
        const std::lock_guard lock(mutex);
        if (!more) return;
        came.push_back({.host = question.first, .about = question.second, .told = told});
        more();
    }
};

SiteEvents::SiteEvents(std::function<void()> more) : box_(std::make_shared<Box>())
{
    box_->more = std::move(more);
}

SiteEvents::~SiteEvents()
{
    const std::lock_guard lock(box_->mutex);
    box_->more = nullptr;
}

bool SiteEvents::may_ask(const std::string& host, About about) const
{
    const std::lock_guard lock(box_->mutex);
    const Box::Question question{host, about};
    const auto not_before = box_->not_before.find(question);
    const bool is_put_off = not_before != box_->not_before.end() && not_before->second > site::boot_now();
    return !is_put_off && !box_->under_way.contains(question);
}

void SiteEvents::ask(Place& place, const std::string& host, About about, const Json& parameters)
{
    const Box::Question question{host, about};
    {
        const std::lock_guard lock(box_->mutex);
        if (!box_->under_way.insert(question).second) return;
    }
    place.ask_host_later(host, about == About::events ? "HostEvents" : "StorageHealth", parameters,
                         events_asker,
                         [box = box_, question](const Result<Json>& told) { box->put(question, told); });
}

void SiteEvents::put_off(const std::string& host, About about)
{
    const std::lock_guard lock(box_->mutex);
    box_->not_before[{host, about}] = site::boot_now() + after_an_error;
}

std::vector<SiteEvents::Answer> SiteEvents::take()
{
    const std::lock_guard lock(box_->mutex);
    for (const Answer& answer : box_->came) {
        const Box::Question question{answer.host, answer.about};
        box_->under_way.erase(question);
        if (answer.told)
            box_->not_before.erase(question);
        else
            box_->not_before[question] = site::boot_now() + after_an_error;
    }
    return std::exchange(box_->came, {});
}

std::optional<Milliseconds> SiteEvents::next() const
{
    const std::lock_guard lock(box_->mutex);
    std::optional<Milliseconds> earliest;
    const Milliseconds now = site::boot_now();
    for (const auto& [question, at] : box_->not_before) {
        if (at > now) earliest = std::min(earliest.value_or(at), at);
    }
    return earliest;
}

}  // namespace belay::daemon
