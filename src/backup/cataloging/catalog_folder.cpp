#include "backup/cataloging/catalog_folder.h"

#include "base/json.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace belay::backup {
namespace {

using catalog::Catalog;
using catalog::Use;

constexpr size_t longest_registration = 64 << 10;
constexpr std::string_view database_begin = "catalog-", database_end = ".sqlite";
constexpr std::string_view link_name = "catalog.sqlite", new_end = ".new";
/// The first comes last, and goes first: where it is, all are.
constexpr std::string_view registration_files[] = {"registration.json", "password", "location"};

Result<void> make_private_folder(const std::string& path)
{
    if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return {};
    return std::unexpected(system_error(fmt::format("make {}", path), errno));
}

/// Whole or not at all; nobody else may read it at any moment.
Result<void> write_private_file(const std::string& path, std::string_view text)
{
    const std::string beside = fmt::format("{}{}", path, new_end);
    ::unlink(beside.c_str());
    {
        const host::Descriptor file(::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
        if (file.number() < 0) return std::unexpected(system_error(fmt::format("make {}", path), errno));
        const ssize_t written = ::write(file.number(), text.data(), text.size());
        if (written != static_cast<ssize_t>(text.size()) || ::fsync(file.number()) != 0)
            return std::unexpected(system_error(fmt::format("write {}", path), written < 0 ? errno : ENOSPC));
    }
    if (::rename(beside.c_str(), path.c_str()) == 0) return {};
    return std::unexpected(system_error(fmt::format("write {}", path), errno));
}

Result<std::string> read_small_file(const std::string& path)
{
    const host::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.number() < 0) return std::unexpected(system_error(fmt::format("open {}", path), errno));
    std::string text(longest_registration, '\0');
    const ssize_t count = ::read(file.number(), text.data(), text.size());
    if (count < 0) return std::unexpected(system_error(fmt::format("read {}", path), errno));
    text.resize(static_cast<size_t>(count));
    return text;
}

Result<void> sync_above(const std::string& folder)
{
    const host::Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (opened.number() >= 0 && ::fsync(opened.number()) == 0) return {};
    return std::unexpected(system_error(fmt::format("sync {}", folder), errno));
}

Json registration_json(const Registration& registration)
{
    Json said = {{"repository", registration.id.hex()},
                 {"location", registration.shown_location},
                 {"one_client", registration.one_client},
                 {"ca_file", registration.ca_file},
                 {"client_certificate", registration.client_certificate},
                 {"trusts_any_server", registration.trusts_any_server}};
    if (registration.key) said["key"] = registration.key->hex();
    return said;
}

Result<Registration> registration_of(const std::string& path)
{
    const std::string text = TRY(read_small_file(path));
    const Result<Json> read = parse_json(text);
    const auto wrong = [&] {
        return fail(ErrorKind::corrupt, fmt::format("{} is damaged", path),
                    "belay catalog add LOCATION writes it anew");
    };
    if (!read || !read->is_object()) return wrong();
    const auto said = [&](const char* name) {
        const auto found = read->find(name);
        return found != read->end() && found->is_string() ? found->get<std::string>() : std::string();
    };
    const auto is = [&](const char* name) {
        const auto found = read->find(name);
        return found != read->end() && found->is_boolean() && found->get<bool>();
    };
    const Result<Id> id = Id::from_hex(said("repository"));
    if (!id) return wrong();
    Registration registration{.id = *id,
                              .shown_location = said("location"),
                              .one_client = is("one_client"),
                              .ca_file = said("ca_file"),
                              .client_certificate = said("client_certificate"),
                              .trusts_any_server = is("trusts_any_server")};
    if (const Result<Id> key = Id::from_hex(said("key"))) registration.key = *key;
    return registration;
}

uint64_t database_number(std::string_view name)
{
    uint64_t number = 0;
    if (!name.starts_with(database_begin)) return 0;
    name.remove_prefix(database_begin.size());
    std::from_chars(name.data(), name.data() + name.size(), number);
    return number;
}

}  // namespace

std::string CatalogFolder::folder_of_repository(const Id& repository) const
{
    return fmt::format("{}/repositories/{}", path_, repository.hex());
}

std::string CatalogFolder::location_file(const Id& repository) const
{
    return folder_of_repository(repository) + "/location";
}

std::string CatalogFolder::password_file(const Id& repository) const
{
    return folder_of_repository(repository) + "/password";
}

Result<void> CatalogFolder::make() const
{
    const std::filesystem::path above = std::filesystem::path(path_).parent_path();
    std::error_code problem;
    if (!above.empty()) std::filesystem::create_directories(above, problem);
    if (problem)
        return std::unexpected(system_error(fmt::format("make {}", above.string()), problem.value()));
    TRY(make_private_folder(path_));
    return make_private_folder(path_ + "/repositories");
}

Result<host::Descriptor> CatalogFolder::lock() const
{
    TRY(make());
    const std::string path = fmt::format("{}/{}", path_, lock_name);
    host::Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (file.number() < 0) return std::unexpected(system_error(fmt::format("open {}", path), errno));
    if (::flock(file.number(), LOCK_EX | LOCK_NB) == 0) {
        drop_leavings();
        return file;
    }
    if (errno == EWOULDBLOCK)
        return fail(ErrorKind::busy, fmt::format("somebody else changes the catalog in {}", path_),
                    fmt::format("wait for it, as with --retry-lock 10m; fuser -v {}", path));
    return std::unexpected(system_error(fmt::format("lock {}", path), errno));
}

/// What cannot be removed is in nobody's way, and is tried the next time.
void CatalogFolder::drop_leavings() const
{
    const std::string used = current();
    std::error_code ignored;
    std::vector<std::string> leavings;
    for (std::filesystem::directory_iterator each(path_, ignored), end; each != end;
         each.increment(ignored)) {
        const std::string name = each->path().filename().string();
        // Beside the one that counts lie its log and the log's index.
        const bool is_used = !used.empty() && name.starts_with(used);
        const bool is_database = name.starts_with(database_begin) && database_number(name) > 0;
        if ((is_database && !is_used) || name == fmt::format("{}{}", link_name, new_end))
            leavings.push_back(each->path().string());
    }
    for (const std::string& path : leavings) ::unlink(path.c_str());
    std::vector<std::string> folders;
    const std::string above = path_ + "/repositories";
    for (std::filesystem::directory_iterator each(above, ignored), end; each != end; each.increment(ignored))
        folders.push_back(each->path().string());
    for (const std::string& folder : folders) drop_leavings_of_registration(folder);
}

void CatalogFolder::drop_leavings_of_registration(const std::string& folder) const
{
    const auto drop = [&](std::string_view name) { ::unlink(fmt::format("{}/{}", folder, name).c_str()); };
    for (const std::string_view name : registration_files) drop(fmt::format("{}{}", name, new_end));
    const std::string last = fmt::format("{}/{}", folder, registration_files[0]);
    if (::access(last.c_str(), F_OK) == 0 || errno != ENOENT) return;
    for (const std::string_view name : registration_files) drop(name);
    ::rmdir(folder.c_str());
}

Result<std::vector<Registration>> CatalogFolder::registrations() const
{
    std::vector<Registration> all;
    std::error_code problem;
    std::filesystem::directory_iterator folder(path_ + "/repositories", problem);
    if (problem == std::errc::no_such_file_or_directory) return all;
    if (problem) return std::unexpected(system_error(fmt::format("list {}", path_), problem.value()));
    for (const auto& entry : folder) {
        const std::string path = entry.path().string() + "/registration.json";
        // What is written last is there when all is.
        if (::access(path.c_str(), F_OK) != 0 && errno == ENOENT) continue;
        Registration registration = TRY(registration_of(path));
        all.push_back(std::move(registration));
    }
    std::ranges::sort(all, [](const Registration& a, const Registration& b) {
        return std::tie(a.shown_location, a.id) < std::tie(b.shown_location, b.id);
    });
    return all;
}

Result<Registration> CatalogFolder::registration(const Id& repository) const
{
    return registration_of(folder_of_repository(repository) + "/registration.json");
}

Result<void> CatalogFolder::put(const Registration& registration, std::string_view location,
                                std::string_view password) const
{
    TRY(make());
    const std::string folder = folder_of_repository(registration.id);
    TRY(make_private_folder(folder));
    TRY(write_private_file(location_file(registration.id), std::string(location) + "\n"));
    TRY(write_private_file(password_file(registration.id), std::string(password) + "\n"));
    TRY(write_private_file(folder + "/registration.json", json_text(registration_json(registration)) + "\n"));
    TRY(sync_above(folder));
    return sync_above(path_ + "/repositories");
}

Result<void> CatalogFolder::remove(const Id& repository) const
{
    const std::string folder = folder_of_repository(repository);
    for (const std::string_view name : registration_files) {
        const std::string path = fmt::format("{}/{}", folder, name);
        if (::unlink(path.c_str()) != 0 && errno != ENOENT)
            return std::unexpected(system_error(fmt::format("remove {}", path), errno));
    }
    if (::rmdir(folder.c_str()) != 0 && errno != ENOENT)
        return std::unexpected(system_error(fmt::format("remove {}", folder), errno));
    return sync_above(path_ + "/repositories");
}

std::string CatalogFolder::link() const
{
    return fmt::format("{}/{}", path_, link_name);
}

std::string CatalogFolder::current() const
{
    std::error_code problem;
    const std::filesystem::path target = std::filesystem::read_symlink(link(), problem);
    return problem ? std::string() : target.string();
}

std::string CatalogFolder::next() const
{
    return fmt::format("{}{}{}", database_begin, database_number(current()) + 1, database_end);
}

Result<std::unique_ptr<Catalog>> CatalogFolder::open(Use use) const
{
    if (use != Use::read && current().empty()) TRY(put_in_place(TRY(make_beside())));
    Result<std::unique_ptr<Catalog>> opened = Catalog::open(link(), use);
    // Another one may have come in its place between the look at the link and the opening.
    if (!opened && opened.error().kind == ErrorKind::not_found && !current().empty())
        opened = Catalog::open(link(), use);
    return opened;
}

void CatalogFolder::drop_beside() const
{
    for (const char* suffix : {"", "-wal", "-shm", "-journal"})
        ::unlink((path_ + "/" + next() + suffix).c_str());
}

Result<std::unique_ptr<Catalog>> CatalogFolder::make_beside() const
{
    TRY(make());
    drop_beside();
    return Catalog::open(path_ + "/" + next(), Use::make);
}

Result<void> CatalogFolder::put_in_place(std::unique_ptr<Catalog> made) const
{
    TRY(made->finish());
    made.reset();
    const std::string before = current(), name = next();
    const std::string beside = fmt::format("{}{}", link(), new_end);
    ::unlink(beside.c_str());
    if (::symlink(name.c_str(), beside.c_str()) != 0 || ::rename(beside.c_str(), link().c_str()) != 0)
        return std::unexpected(system_error(fmt::format("write {}", link()), errno));
    TRY(sync_above(path_));
    if (before.empty()) return {};
    for (const char* suffix : {"", "-wal", "-shm"}) ::unlink((path_ + "/" + before + suffix).c_str());
    return {};
}

}  // namespace belay::backup
