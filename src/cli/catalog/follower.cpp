#include "cli/catalog/follower.h"

#include "site/readiness.h"

#include <algorithm>
#include <csignal>

namespace belay::cli {
namespace {

using backup::CatalogChanges;
using backup::CatalogFolder;
using backup::Id;
using backup::Registration;
using backup::SnapshotWatch;
using backup::catalog::Use;

constexpr std::chrono::seconds patience_with_server{10};
/// Who is in the midst of the index of a large repository when a signal comes does not wait for its end.
constexpr std::chrono::seconds grace_at_end{1};
constexpr std::chrono::seconds first_pause{1};
constexpr std::chrono::minutes longest_pause{5};
/// He tells when he gives it back; if that is not seen, so late.
constexpr std::chrono::seconds longest_wait_for_catalog{30};
/// It stays so until somebody mends it, which makes other snapshots.
constexpr std::chrono::hours pause_after_damage{1};

}  // namespace

Result<void> CatalogFollower::run(const std::function<void()>& ready)
{
    CaughtSignals signals({SIGINT, SIGTERM, SIGHUP});
    ::signal(SIGPIPE, SIG_IGN);  // who listens may leave: console().failed() tells
    TRY(folder_.make());
    CatalogChanges changes = TRY(CatalogChanges::of(folder_));
    look_at_registrations();
    if (context_.options().json)
        context_.json({{"message_type", "following"}, {"repositories", all_.size()}});
    context_.note(fmt::format("following {}\n", counted(all_.size(), "repository", "repositories")));
    is_begun_ = true;
    ready();
    for (;;) {
        const int others[] = {signals.descriptor(), changes.descriptor()};
        const std::vector<SnapshotWatch::Heard> heard = watch_.wait(others, next_try());
        if (signals.take() || context_.console().failed()) return {};
        if (TRY(changes.take())) {
            look_at_registrations();
            for (auto& [id, one] : all_)
                if (std::exchange(one.waits_for_catalog, false)) one.next_try = {};
        }
        look_at_catalog();
        for (const SnapshotWatch::Heard& one : heard) hear(one);
        if (!take_in_all()) return {};
    }
}

CommonOptions CatalogFollower::options_of(const Registration& registration) const
{
    CommonOptions options = options_of_repository(context_, folder_, registration);
    options.patience_with_server = patience_with_server;
    options.quiet = true;
    options.json = false;
    return options;
}

void CatalogFollower::look_at_registrations()
{
    const Result<std::vector<Registration>> read = folder_.registrations();
    if (!read && !std::exchange(registrations_are_bad_, true)) context_.problem(read.error());
    if (!read) return;
    registrations_are_bad_ = false;
    std::erase_if(all_, [&](const auto& one) {
        const bool stays = std::ranges::find(*read, one.first, &Registration::id) != read->end();
        if (stays) return false;
        watch_.remove(one.first);
        say("left", one.second.registration, "is no longer followed");
        return true;
    });
    for (const Registration& registration : *read) {
        const BackupContext own(context_, options_of(registration));
        const Result<std::string> location = own.location();
        const auto known = all_.find(registration.id);
        const bool is_same = known != all_.end() && location && known->second.location == *location &&
                             known->second.registration == registration;
        if (!is_same) watch(registration, location.value_or(std::string()));
    }
}

void CatalogFollower::watch(const Registration& registration, std::string location)
{
    const bool is_new = !all_.contains(registration.id);
    all_.erase(registration.id);
    FollowedRepository& one = all_[registration.id] =
        FollowedRepository{.registration = registration, .location = std::move(location)};
    one.taken_in = listing_in_catalog(registration);
    BackupContext own(context_, options_of(registration));
    Result<backup::PlaceOptions> options = own.place_options();
    Result<void> watched;
    if (options) {
        options->rest.retries.tells = {};  // it would speak on what is gone by then
        watched = watch_.add(registration.id, one.location, *options);
    } else {
        watched = std::unexpected(options.error());
    }
    if (!watched) problem(one, watched.error(), {});
    if (is_begun_ && is_new) say("followed", registration, "is followed as well");
}

/// Nothing where the catalog has it otherwise than it is registered, or cannot be read: then it is taken in.
std::optional<Id> CatalogFollower::listing_in_catalog(const Registration& registration) const
{
    const auto catalog = folder_.open(Use::read);
    if (!catalog) return std::nullopt;
    const auto repositories = (*catalog)->repositories();
    if (!repositories) return std::nullopt;
    const bool is_as_registered = std::ranges::any_of(*repositories, [&](const auto& one) {
        return one.id == registration.id && one.one_client == registration.one_client &&
               one.location == registration.shown_location;
    });
    const auto ids = (*catalog)->snapshot_ids(registration.id);
    if (!is_as_registered || !ids) return std::nullopt;
    return backup::digest_of_listing(*ids);
}

void CatalogFollower::look_at_catalog()
{
    const std::string current = folder_.current();
    if (current == database_) return;
    database_ = current;
    for (auto& [id, one] : all_) {
        one.taken_in = listing_in_catalog(one.registration);
        one.next_try = {};
    }
}

void CatalogFollower::hear(const SnapshotWatch::Heard& heard)
{
    const auto found = all_.find(heard.repository);
    if (found == all_.end()) return;
    FollowedRepository& one = found->second;
    if (!heard.listing) return problem(one, heard.listing.error(), heard.again_in);
    if (one.there != *heard.listing) one.next_try = {};
    one.there = *heard.listing;
    if (!one.is_due()) is_well(one);
}

CatalogFollower::Clock::time_point CatalogFollower::next_try() const
{
    auto next = Clock::now() + std::chrono::hours(1);
    for (const auto& [id, one] : all_)
        if (one.is_due()) next = std::min(next, one.next_try);
    return next;
}

bool CatalogFollower::take_in_all()
{
    for (auto& [id, one] : all_)
        if (one.is_due() && one.next_try <= Clock::now() && !take_in(one)) return false;
    return true;
}

bool CatalogFollower::take_in(FollowedRepository& one)
{
    RepositoryRefresh refresh(context_, folder_, one.registration, options_of(one.registration));
    refresh.own().is_ended_by_signals(BackupExit::done, grace_at_end);
    const Result<Taken> taken = take_in_by(refresh, one);
    // One that came later would be heard by nobody.
    if (refresh.own().leaves_signals()) return false;
    const auto now = Clock::now();
    if (taken && *taken == Taken::not_now) {
        one.waits_for_catalog = true;
        one.next_try = now + longest_wait_for_catalog;
        return true;
    }
    one.is_damaged = !taken && taken.error().kind == ErrorKind::corrupt;
    if (!taken) {
        one.pause = std::clamp<std::chrono::milliseconds>(one.pause * 2, first_pause, longest_pause);
        if (one.is_damaged) one.pause = pause_after_damage;
        one.next_try = now + one.pause;
        problem(one, taken.error(), one.pause);
        return true;
    }
    one.taken_in = one.there;
    one.pause = {};
    one.next_try = {};
    is_well(one);
    return true;
}

Result<CatalogFollower::Taken> CatalogFollower::take_in_by(RepositoryRefresh& refresh,
                                                           const FollowedRepository& one)
{
    const auto lock = [&]() -> Result<host::Descriptor> {
        Result<host::Descriptor> taken = folder_.lock();
        if (!taken && taken.error().kind == ErrorKind::busy) return host::Descriptor();
        return taken;
    };
    // Nobody is kept from the catalog while the repository is opened.
    if (!TRY(lock())) return Taken::not_now;
    TRY(refresh.open());
    const host::Descriptor held = TRY(lock());
    if (!held) return Taken::not_now;
    // It may have been left meanwhile, or be registered otherwise.
    const Result<Registration> now = folder_.registration(one.registration.id);
    if (!now || *now != one.registration) return Taken::not_now;
    const auto catalog = TRY(folder_.open(Use::write));
    TRY(refresh.take_into(*catalog));
    return Taken::whole;
}

void CatalogFollower::problem(FollowedRepository& one, const Error& error, std::chrono::milliseconds again_in)
{
    if (one.told == error.kind) return;
    one.told = error.kind;
    const Registration& registration = one.registration;
    if (context_.options().json)
        context_.json({{"message_type", "problem"},
                       {"repository", registration.id.hex()},
                       {"location", registration.shown_location},
                       {"error", error},
                       {"seconds_until_next", static_cast<double>(again_in.count()) / 1000}});
    Error told = error;
    if (told.what.find(registration.shown_location) == std::string::npos)
        told.what = fmt::format("{}: {}", registration.shown_location, told.what);
    told.what += "; it is tried again";
    context_.problem(told);
}

void CatalogFollower::is_well(FollowedRepository& one)
{
    if (std::exchange(one.told, std::nullopt)) say("well", one.registration, "is well again");
}

void CatalogFollower::say(const char* type, const Registration& registration, std::string_view text)
{
    if (context_.options().json)
        context_.json({{"message_type", type},
                       {"repository", registration.id.hex()},
                       {"location", registration.shown_location}});
    context_.note(fmt::format("{} {}\n", clean(context_.style(), registration.shown_location), text));
}

namespace {

class FollowCommand final : public BackupCommand {
  public:
    void declare(OptionTable& options) override
    {
        options.value(
            "--every", every_, "TIME",
            "look so often at what cannot tell by itself that it has something new: 30s, unless said");
    }

    Result<int> run(BackupContext& context) override
    {
        const Milliseconds every = every_.empty() ? usual_every : TRY(parse_span(every_));
        if (every < shortest_every)
            return fail(ErrorKind::usage, fmt::format("--every {}: no more than once a second", every_),
                        "--every 1s");
        site::Readiness readiness(std::nullopt);
        TRY(CatalogFollower(context, catalog_folder(context), every).run([&] { readiness.ready(); }));
        readiness.stopping();
        return 0;
    }

  private:
    static constexpr std::chrono::seconds usual_every{30}, shortest_every{1};
    std::string every_;
};

}  // namespace

std::unique_ptr<BackupCommand> make_catalog_follow_command()
{
    return std::make_unique<FollowCommand>();
}

}  // namespace belay::cli
