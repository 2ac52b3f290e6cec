#include "backup/backend/snapshot_watch.h"

#include <algorithm>
#include <random>

namespace belay::backup {
namespace {

/// Many catalogs that lost the same server do not come back at the same instant.
std::chrono::milliseconds about(std::chrono::milliseconds pause)
{
    thread_local std::minstd_rand random(std::random_device{}());
    const double factor = std::uniform_real_distribution(0.75, 1.25)(random);
    return std::chrono::milliseconds(static_cast<int64_t>(static_cast<double>(pause.count()) * factor));
}

Result<SnapshotsSeen> list_folder_of(Backend& place)
{
    const std::vector<ListedFile> files = TRY(place.list(FileKind::snapshot));
    return SnapshotsSeen{.listing = digest_of_listing(ids_of(files))};
}

}  // namespace

Id digest_of_listing(std::vector<Id> ids)
{
    std::ranges::sort(ids);
    Digest digest;
    for (const Id& id : ids) digest.add(id.raw());
    return digest.id();
}

Result<void> SnapshotWatch::add(const Id& repository, std::string_view location, const PlaceOptions& options)
{
    Place place{.repository = repository, .server = {}, .folder = {}};
    if (location.starts_with(rest_scheme))
        place.server = TRY(RestBackend::at(location.substr(rest_scheme.size()), options.rest));
    else
        place.folder = TRY(open_place(location, options));
    remove(repository);
    places_.emplace(next_key_++, std::move(place));
    return {};
}

void SnapshotWatch::remove(const Id& repository)
{
    const auto found =
        std::ranges::find_if(places_, [&](const auto& one) { return one.second.repository == repository; });
    if (found == places_.end()) return;
    questions_.drop(found->first);
    places_.erase(found);
}

/// libcurl takes an answer that came while nobody listened for one that came too late.
void SnapshotWatch::ask_anew_after_absence()
{
    if (Clock::now() - left_at_ < pace_.longest_absence) return;
    for (auto& [key, place] : places_) {
        if (!std::exchange(place.is_asked, false)) continue;
        questions_.drop(key);
        place.next_at = {};
    }
}

void SnapshotWatch::ask(uint64_t key, Place& place, std::vector<Heard>& heard)
{
    place.asked_at = Clock::now();
    if (place.server == nullptr) {
        heard.push_back(take(place, list_folder_of(*place.folder)));
        return;
    }
    place.is_asked = true;
    questions_.ask(key, place.server->http(), place.server->snapshots_question(place.seen, pace_.waits));
}

SnapshotWatch::Heard SnapshotWatch::take(Place& place, Result<SnapshotsSeen> answer)
{
    const auto now = Clock::now();
    if (!answer) {
        place.pause = std::clamp(place.pause * 2, pace_.first_pause, pace_.longest_pause);
        const auto pause = about(place.pause);
        place.next_at = now + pause;
        return {place.repository, std::unexpected(std::move(answer).error()), pause};
    }
    place.pause = {};
    const bool is_new = answer->listing != place.seen.listing || answer->mark != place.seen.mark;
    place.seen = *std::move(answer);
    // A server that knows how to wait shows it where there is nothing new.
    const bool is_asked_soon = place.seen.is_awaited || (is_new && !place.seen.mark.empty());
    place.next_at = place.asked_at + (is_asked_soon ? pace_.least : pace_.every);
    return {place.repository, place.seen.listing, {}};
}

std::vector<SnapshotWatch::Heard> SnapshotWatch::wait(std::span<const int> descriptors,
                                                      Clock::time_point until)
{
    ask_anew_after_absence();
    std::vector<Heard> heard;
    auto next = until;
    for (auto& [key, place] : places_) {
        if (!place.is_asked && place.next_at <= Clock::now()) ask(key, place, heard);
        if (!place.is_asked) next = std::min(next, place.next_at);
    }
    if (!heard.empty()) next = Clock::now();  // the folders were the quickest
    for (HttpQuestions::Answered& one : questions_.wait(descriptors, next)) {
        Place& place = places_.at(one.key);
        place.is_asked = false;
        heard.push_back(take(place, place.server->snapshots_answer(one.answer, place.seen)));
    }
    left_at_ = Clock::now();
    return heard;
}

}  // namespace belay::backup
