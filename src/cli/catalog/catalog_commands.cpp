#include "cli/catalog/catalog_commands.h"

#include "cli/backup/node_text.h"
#include "cli/catalog/catalog_source.h"

#include <algorithm>
#include <filesystem>
#include <thread>

namespace belay::cli {
namespace {

/// Who follows has the catalog for about as long when a repository has something new.
constexpr std::chrono::seconds usual_patience{3};
constexpr const char* usual_catalog = "/var/lib/belay/catalog";

void declare_catalog_options(CommonOptions& common, OptionTable& options)
{
    options.flag("-h,--help", common.help, "show this help");
    options.value("--catalog", common.catalog, "FOLDER", "the catalog: /var/lib/belay/catalog, unless said");
    options.value("--limit-download", common.limit_download, "KIB", "read no more than so many KiB a second");
    options.value("--limit-upload", common.limit_upload, "KIB", "send no more than so many KiB a second");
    options.value("--retry-lock", common.retry_lock, "TIME", "wait so long for those who hold a lock");
    options.flag("--no-lock", common.no_lock, "take no lock in a repository: where nothing may be written");
    options.flag("--json", common.json, "write JSON");
    options.flag("-q,--quiet", common.quiet, "say nothing but what went wrong");
    options.count("-v,--verbose", common.verbose, "say more");
    options.flag("--no-color", common.no_color, "no colours");
}

std::span<const BackupCommandKind> catalog_kinds()
{
    static constexpr BackupCommandKind all[] = {
        {"add", "take a repository into the catalog, with a key of its own",
         "belay catalog add /srv/backup --password-file /root/backup-password\n"
         "  belay catalog add rest:https://media/web1/ --one-client",
         make_catalog_add_command},
        {"remove", "leave a repository out, and remove the catalog's key from it",
         "belay catalog remove /srv/backup", make_catalog_remove_command},
        {"list", "list the repositories", "belay catalog list", make_catalog_list_command},
        {"refresh", "take in what is new in the repositories, and let go what was forgotten",
         "belay catalog refresh", make_catalog_refresh_command},
        {"follow", "take in what is new as soon as it is there, until a signal ends it",
         "belay catalog follow", make_catalog_follow_command},
        {"clients", "list the machines that were saved, their identities and names", "belay catalog clients",
         make_catalog_clients_command},
        {"snapshots", "list snapshots over all repositories", "belay catalog snapshots --client web1",
         make_catalog_snapshots_command},
        {"search", "say where a file is: every version of a path, or the newest of all that fit a pattern",
         "belay catalog search /etc/fstab --client web1\n  belay catalog search '*.pem' --oldest 2026-11-01\n"
         "  belay catalog search '/home/**/thesis*' --all",
         make_catalog_search_command},
        {"rebuild", "make the catalog anew from the repositories alone", "belay catalog rebuild",
         make_catalog_rebuild_command},
        {"export", "write the catalog into one file, which zstd and jq read",
         "belay catalog export catalog.zst\n  zstd -dc catalog.zst | jq -c 'select(.snapshot)'",
         make_catalog_export_command},
        {"import", "read an exported catalog into an empty one", "belay catalog import catalog.zst",
         make_catalog_import_command},
        {"check", "say whether the catalog is sound", "belay catalog check", make_catalog_check_command},
    };
    return all;
}

CommandGroup catalog_group()
{
    return {"catalog", "know which machines were saved where, and find their files",
            "belay catalog add /srv/backup\n  belay catalog search /etc/fstab\n\n"
            "Environment: BELAY_CATALOG, its folder; NO_COLOR.\n"
            "Exit codes: 0 done, 1 failed, 3 some repositories or snapshots could not be read,\n"
            "10 no repository, 11 locked, 12 wrong password, 130 interrupted.",
            catalog_kinds(), declare_catalog_options};
}

CommandGroup restore_group()
{
    static constexpr BackupCommandKind all[] = {
        {"restore", "bring back a path of a machine, from wherever the catalog finds it", "",
         make_restore_path_command}};
    return {"restore", "bring back a path of a machine, from wherever the catalog finds it",
            "belay restore /etc/fstab --client web1\n"
            "  belay restore /home/ann --client web1 --at 2026-11-20 --target /tmp/back --dry-run\n\n"
            "Environment: BELAY_CATALOG, the catalog's folder; NO_COLOR.\n"
            "Exit codes: as those of belay backup restore.",
            all, declare_catalog_options};
}

}  // namespace

int run_catalog(const std::vector<std::string>& words, Console& console, const Network& network)
{
    return run_group(catalog_group(), words, console, &network);
}

int run_restore(const std::vector<std::string>& words, Console& console)
{
    return run_group(restore_group(), words, console);
}

std::vector<CommandWords> catalog_command_words()
{
    std::vector<CommandWords> words = words_of_group(catalog_group());
    std::ranges::move(words_of_group(restore_group()), std::back_inserter(words));
    return words;
}

backup::CatalogFolder catalog_folder(const BackupContext& context)
{
    std::string path = context.options().catalog;
    if (path.empty()) path = environment("BELAY_CATALOG");
    if (path.empty()) path = usual_catalog;
    std::error_code ignored;
    path = std::filesystem::absolute(path, ignored).lexically_normal().string();
    if (path.size() > 1 && path.ends_with('/')) path.pop_back();
    return backup::CatalogFolder(path);
}

Result<host::Descriptor> lock_catalog(BackupContext& context, const backup::CatalogFolder& folder)
{
    const std::string& said = context.options().retry_lock;
    const Milliseconds patience = said.empty() ? usual_patience : TRY(parse_span(said));
    const auto until = std::chrono::steady_clock::now() + patience;
    for (;;) {
        Result<host::Descriptor> lock = folder.lock();
        if (lock || lock.error().kind != ErrorKind::busy) return lock;
        if (std::chrono::steady_clock::now() >= until) {
            context.fails_with(BackupExit::locked);
            return lock;
        }
        std::this_thread::sleep_for(Milliseconds(100));
    }
}

CommonOptions options_of_repository(const BackupContext& context, const backup::CatalogFolder& folder,
                                    const backup::Registration& registration)
{
    const CommonOptions& said = context.options();
    CommonOptions options;
    options.repository_file = folder.location_file(registration.id);
    options.password_file = folder.password_file(registration.id);
    if (registration.key) options.key_hint = registration.key->hex();
    options.cacert = registration.ca_file;
    options.tls_client_cert = registration.client_certificate;
    options.insecure_tls = registration.trusts_any_server;
    options.limit_upload = said.limit_upload;
    options.limit_download = said.limit_download;
    options.retry_lock = said.retry_lock;
    options.no_lock = said.no_lock;
    options.json = said.json;
    options.quiet = said.quiet;
    options.verbose = said.verbose;
    options.no_color = said.no_color;
    return options;
}

Result<backup::Registration> registration_called(const std::vector<backup::Registration>& all,
                                                 const std::string& said)
{
    std::vector<backup::catalog::RepositoryEntry> entries;
    for (const backup::Registration& one : all)
        entries.push_back({.id = one.id, .location = one.shown_location});
    const backup::Id id = TRY(repository_called(entries, said));
    return *std::ranges::find(all, id, &backup::Registration::id);
}

Result<std::vector<backup::catalog::Client>> clients_called(const backup::catalog::Catalog& catalog,
                                                            const std::string& said)
{
    std::vector<backup::catalog::Client> clients = TRY(catalog.clients_called(said));
    if (!clients.empty()) return clients;
    return fail(ErrorKind::not_found, fmt::format("the catalog has no client {}", said),
                "belay catalog clients lists them; belay catalog refresh takes in new ones");
}

std::string client_text(const Style& style, const backup::catalog::Client& client)
{
    const std::string name = client.shown_name(), key = client.key();
    if (name.empty() || name == key) return clean(style, key);
    return clean(style, fmt::format("{} ({})", name, key));
}

std::string seconds_text(const Style& style, int64_t seconds)
{
    return time_text(style, backup::Timestamp::local(seconds, 0));
}

std::string short_of(const backup::Id& id)
{
    return id.short_hex();
}

Json snapshot_json(const backup::catalog::SnapshotEntry& snapshot)
{
    backup::Timestamp time = backup::Timestamp::local(snapshot.seconds, snapshot.nanoseconds);
    time.zone_seconds = snapshot.zone_seconds;
    return {{"id", snapshot.id.hex()},
            {"short_id", snapshot.id.short_hex()},
            {"repository", snapshot.repository.hex()},
            {"time", time.text()},
            {"hostname", snapshot.host},
            {"username", snapshot.user},
            {"tree", snapshot.tree.hex()},
            {"paths", snapshot.paths},
            {"tags", snapshot.tags}};
}

}  // namespace belay::cli
