#pragma once
// The folder of a catalog. What cannot be made anew, which repositories there are and their keys, lies in
// plain files that restic reads too; the database beside them can be lost.
//
//     lock                               held by who writes
//     catalog.sqlite                     a link to the database that counts
//     catalog-1.sqlite                   the database; a rebuild makes the next one, and moves the link
//     repositories/ID/location           as --repository-file takes it, with what is secret in it
//     repositories/ID/password           as --password-file takes it
//     repositories/ID/registration.json  all else

#include "backup/catalog/catalog.h"
#include "host/descriptor.h"

namespace belay::backup {

struct Registration {
    Id id;                       ///< of the repository
    std::string shown_location;  ///< for people: without passwords
    bool one_client = false;
    std::optional<Id> key = {};  ///< that was made for the catalog; nothing: it has a person's password
    std::string ca_file = {}, client_certificate = {};
    bool trusts_any_server = false;

    bool operator==(const Registration&) const = default;
};

/// Threads: one at a time.
class CatalogFolder {
  public:
    explicit CatalogFolder(std::string path) : path_(std::move(path)) {}

    static constexpr std::string_view lock_name = "lock";

    const std::string& path() const { return path_; }
    std::string location_file(const Id& repository) const;
    std::string password_file(const Id& repository) const;

    /// Makes the folder, of mode 0700. Errors: those of the system.
    Result<void> make() const;
    /// The right to write; given back when the descriptor goes. What somebody who died has left goes first.
    /// Errors: busy, where somebody has it.
    Result<host::Descriptor> lock() const;

    /// By their locations. None where there is no folder. Errors: corrupt; those of the system.
    Result<std::vector<Registration>> registrations() const;
    /// Of one of them. Errors: not_found; corrupt; those of the system.
    Result<Registration> registration(const Id& repository) const;
    /// Files of mode 0600. One that is there is replaced.
    Result<void> put(const Registration& registration, std::string_view location,
                     std::string_view password) const;
    Result<void> remove(const Id& repository) const;

    /// The name of the database that counts: another one when it was made anew. Empty: there is none.
    std::string current() const;
    /// The database that counts. To write: one is made where there is none. Errors: as Catalog::open.
    Result<std::unique_ptr<catalog::Catalog>> open(catalog::Use use) const;
    /// A new database beside it; what a run that died has left of one goes. The lock is held.
    Result<std::unique_ptr<catalog::Catalog>> make_beside() const;
    /// From now on the new one counts; the old one goes, and who reads it reads on.
    Result<void> put_in_place(std::unique_ptr<catalog::Catalog> made) const;
    /// Removes the new one.
    void drop_beside() const;

  private:
    std::string link() const;
    std::string next() const;  ///< name of the one that comes after it
    void drop_leavings() const;
    void drop_leavings_of_registration(const std::string& folder) const;
    std::string folder_of_repository(const Id& repository) const;

    std::string path_;
};

}  // namespace belay::backup
