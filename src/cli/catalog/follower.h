#pragma once
// Keeps a catalog fresh: each repository is taken in as soon as it has something new. One thread waits for
// all of them, and takes them in one after the other.

#include "backup/backend/snapshot_watch.h"
#include "backup/cataloging/catalog_changes.h"
#include "cli/catalog/refreshing.h"

#include <map>

namespace belay::cli {

/// A repository that is followed. What it has is known by digest_of_listing().
struct FollowedRepository {
    backup::Registration registration;
    std::string location;                     ///< with account and password
    std::optional<backup::Id> there = {};     ///< as it said last
    std::optional<backup::Id> taken_in = {};  ///< what the catalog has of it
    backup::SnapshotWatch::Clock::time_point next_try = {};
    std::chrono::milliseconds pause{0};  ///< after the last try; 0: it was good
    bool is_damaged = false;             ///< so the last try has found it
    bool waits_for_catalog = false;      ///< somebody else has it
    std::optional<ErrorKind> told = {};  ///< that something is wrong with it

    bool is_due() const { return there && there != taken_in; }
};

class CatalogFollower {
  public:
    CatalogFollower(BackupContext& context, backup::CatalogFolder folder, std::chrono::milliseconds every)
        : context_(context), folder_(std::move(folder)), watch_({.every = every})
    {
    }

    /// Until a signal comes, or nobody reads what is said. `ready` is called when all are watched. What goes
    /// wrong with a repository is told, and is no error. Errors: those of the catalog's folder.
    Result<void> run(const std::function<void()>& ready);

  private:
    using Clock = backup::SnapshotWatch::Clock;

    void look_at_registrations();
    void watch(const backup::Registration& registration, std::string location);
    void look_at_catalog();
    std::optional<backup::Id> listing_in_catalog(const backup::Registration& registration) const;
    void hear(const backup::SnapshotWatch::Heard& heard);
    Clock::time_point next_try() const;
    /// Takes in what is due. False when a signal came.
    bool take_in_all();
    bool take_in(FollowedRepository& one);
    enum class Taken { whole, not_now };  ///< not_now: somebody else has the catalog, or changed it
    Result<Taken> take_in_by(RepositoryRefresh& refresh, const FollowedRepository& one);
    CommonOptions options_of(const backup::Registration& registration) const;

    void problem(FollowedRepository& one, const Error& error, std::chrono::milliseconds again_in);
    void is_well(FollowedRepository& one);
    void say(const char* type, const backup::Registration& registration, std::string_view text);

    BackupContext& context_;
    backup::CatalogFolder folder_;
    backup::SnapshotWatch watch_;
    std::map<backup::Id, FollowedRepository> all_;
    std::string database_;  ///< name of the one from which `taken_in` is known
    bool is_begun_ = false;
    bool registrations_are_bad_ = false;
};

}  // namespace belay::cli
