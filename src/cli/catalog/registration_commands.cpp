#include "backup/backend/location.h"
#include "backup/maintenance/keys.h"
#include "backup/repository/crypto.h"
#include "cli/catalog/catalog_commands.h"
#include "cli/catalog/refreshing.h"

#include <algorithm>
#include <filesystem>

namespace belay::cli {
namespace {

using backup::CatalogFolder;
using backup::Id;
using backup::Registration;

/// The location with all that is needed to go there at any time: absolute, with account and password.
std::string whole_location(std::string location)
{
    constexpr std::string_view local = "local:", rest = backup::rest_scheme;
    if (location.starts_with(rest))
        return std::string(rest) + backup::RestBackend::url_with_account(location.substr(rest.size()),
                                                                         environment("RESTIC_REST_USERNAME"),
                                                                         environment("RESTIC_REST_PASSWORD"));
    if (location.starts_with(local)) location.erase(0, local.size());
    std::error_code ignored;
    const std::string path = std::filesystem::absolute(location, ignored).lexically_normal().string();
    return path.find(':') == std::string::npos ? path : std::string(local) + path;
}

class AddCommand final : public BackupCommand {
  public:
    void declare(OptionTable& options) override
    {
        options.value("-p,--password-file", common_.password_file, "FILE", "a file that holds the password");
        options.value("--password-command", common_.password_command, "COMMAND",
                      "a program that prints the password");
        options.value("--key-hint", common_.key_hint, "ID",
                      "the beginning of the id of the key to try first");
        options.value("--cacert", common_.cacert, "FILE", "certificates that a server's may be signed by");
        options.value("--tls-client-cert", common_.tls_client_cert, "FILE",
                      "our own certificate with its key");
        options.flag("--insecure-tls", common_.insecure_tls, "do not look at a server's certificate");
        options.flag("--keep-password", keep_password_,
                     "keep the password itself: for a repository to which no key may be added");
        options.flag("--one-client", one_client_,
                     "all its snapshots are of one machine, whatever the host is called");
        options.flag("--no-refresh", no_refresh_, "take nothing in yet");
        options.word("location", location_, "the repository: a folder, or rest:https://host/name/");
    }

    Result<int> run(BackupContext& context) override
    {
        CommonOptions options = common_;
        options.repo = location_;
        options.take_from_environment();
        if (options.repo.empty() && options.repository_file.empty())
            return fail(ErrorKind::usage, "no repository is named", "belay catalog add LOCATION");
        options.json = context.options().json;
        options.quiet = context.options().quiet;
        options.retry_lock = context.options().retry_lock;
        options.no_lock = context.options().no_lock;
        const CatalogFolder folder = catalog_folder(context);
        const host::Descriptor lock = TRY(lock_catalog(context, folder));
        const Registration registration = TRY(register_at(context, options, folder));
        if (context.options().json)
            context.json({{"message_type", "added"},
                          {"repository", registration.id.hex()},
                          {"location", registration.shown_location},
                          {"key", registration.key ? Json(registration.key->hex()) : Json()}});
        context.note(fmt::format("added {} ({})\n", clean(context.style(), registration.shown_location),
                                 short_of(registration.id)));
        if (no_refresh_) return 0;
        const auto catalog = TRY(folder.open(backup::catalog::Use::write));
        return refresh_repositories(context, folder, {registration}, *catalog);
    }

  private:
    Result<Registration> register_at(BackupContext& context, const CommonOptions& options,
                                     const CatalogFolder& folder) const
    {
        BackupContext own(context, options);
        own.use_password_variable("RESTIC_PASSWORD");
        const backup::Repository* repository = TRY(own.open(std::nullopt));
        const std::vector<Registration> all = TRY(folder.registrations());
        const auto known = std::ranges::find(all, repository->config().id, &Registration::id);
        Registration registration{.id = repository->config().id,
                                  .shown_location = repository->backend().location(),
                                  .one_client = one_client_,
                                  .ca_file = absolute(options.cacert),
                                  .client_certificate = absolute(options.tls_client_cert),
                                  .trusts_any_server = options.insecure_tls};
        std::string password;
        if (keep_password_) {
            password = TRY(own.password(false));
        } else {
            TRY(own.lock(backup::Access::shared));
            password = Id::from_bytes(TRY(backup::random_bytes(Id::size))).hex();
            registration.key = TRY(add_catalog_key(*repository, password));
        }
        const Result<void> put = folder.put(registration, whole_location(TRY(own.location())), password);
        // A key whose password nobody has is of no use.
        if (!put && registration.key)
            static_cast<void>(repository->backend().remove({backup::FileKind::key, *registration.key}));
        TRY(put);
        if (known != all.end() && known->key && known->key != registration.key) {
            const Result<void> removed = repository->backend().remove({backup::FileKind::key, *known->key});
            if (!removed)
                context.say_on_error(
                    clean(context.style(),
                          fmt::format(
                              "belay: the catalog's key of before stays in the repository: {}\n  next: belay "
                              "backup key remove {}, as somebody who may\n",
                              removed.error().what, known->key->short_hex())));
        }
        return registration;
    }
    static Result<Id> add_catalog_key(const backup::Repository& repository, const std::string& password)
    {
        Result<Id> key = backup::add_key(repository, {.password = password, .username = "catalog"});
        if (!key && key.error().kind == ErrorKind::permission)
            key.error().next = "--keep-password keeps the repository's password itself, and adds no key";
        return key;
    }
    static std::string absolute(const std::string& path)
    {
        std::error_code ignored;
        return path.empty() ? path : std::filesystem::absolute(path, ignored).string();
    }

    CommonOptions common_;
    std::string location_;
    bool keep_password_ = false, one_client_ = false, no_refresh_ = false;
};

class RemoveCommand final : public BackupCommand {
  public:
    void declare(OptionTable& options) override
    {
        options.flag("--keep-key", keep_key_,
                     "do not touch the repository: where it is gone, or nothing may be removed from it");
        options.word("repository", said_, "its location, or the beginning of its id");
    }

    Result<int> run(BackupContext& context) override
    {
        if (said_.empty()) return fail(ErrorKind::usage, "no repository is named", "belay catalog list");
        const CatalogFolder folder = catalog_folder(context);
        const host::Descriptor lock = TRY(lock_catalog(context, folder));
        const Registration registration = TRY(registration_called(TRY(folder.registrations()), said_));
        if (registration.key && !keep_key_) TRY(remove_catalog_key(context, folder, registration));
        // The database first: what is no longer registered would stay in it.
        Result<std::unique_ptr<backup::catalog::Catalog>> catalog = folder.open(backup::catalog::Use::write);
        if (catalog) {
            TRY((*catalog)->remove_repository(registration.id));
            TRY((*catalog)->sweep());
            TRY((*catalog)->commit());
        } else {
            context.problem(catalog.error());
        }
        TRY(folder.remove(registration.id));
        if (context.options().json)
            context.json({{"message_type", "removed"}, {"repository", registration.id.hex()}});
        context.note(fmt::format("removed {} from the catalog; the repository stays\n",
                                 clean(context.style(), registration.shown_location)));
        return context.problems() == 0 ? 0 : static_cast<int>(BackupExit::failed);
    }

  private:
    static Result<void> remove_catalog_key(BackupContext& context, const CatalogFolder& folder,
                                           const Registration& registration)
    {
        BackupContext own(context, options_of_repository(context, folder, registration));
        const auto or_keep = [](Error error) {
            error.next = "--keep-key leaves the catalog's key in the repository";
            return std::unexpected(std::move(error));
        };
        const Result<backup::Repository*> opened = own.open(backup::Access::exclusive);
        if (!opened) return or_keep(opened.error());
        const auto keys =
            TRY(backup::list_keys(**opened, [&](const Id&, const Error& error) { own.problem(error); }));
        if (std::ranges::none_of(keys, [&](const auto& key) { return key.id != *registration.key; }))
            return fail(
                ErrorKind::refused,
                fmt::format("the catalog's key is the last of {}", registration.shown_location),
                "belay backup key add, with --password-file " + folder.password_file(registration.id));
        Result<void> removed = (*opened)->backend().remove({backup::FileKind::key, *registration.key});
        if (!removed) return or_keep(removed.error());
        return {};
    }

    std::string said_;
    bool keep_key_ = false;
};

class ListCommand final : public BackupCommand {
  public:
    void declare(OptionTable&) override {}

    Result<int> run(BackupContext& context) override
    {
        const CatalogFolder folder = catalog_folder(context);
        const std::vector<Registration> all = TRY(folder.registrations());
        const auto catalog = folder.open(backup::catalog::Use::read);
        Json json = Json::array();
        std::vector<std::vector<std::string>> rows{{"Repository", "Snapshots", "Clients", "Key", "Location"}};
        for (const Registration& one : all) {
            uint64_t snapshots = 0;
            if (catalog) snapshots = TRY((*catalog)->snapshot_ids(one.id)).size();
            json.push_back({{"repository", one.id.hex()},
                            {"location", one.shown_location},
                            {"one_client", one.one_client},
                            {"key", one.key ? Json(one.key->hex()) : Json()},
                            {"snapshots", snapshots}});
            rows.push_back({short_of(one.id), std::to_string(snapshots), one.one_client ? "one" : "many",
                            one.key ? one.key->short_hex() : "a person's",
                            clean(context.style(), one.shown_location)});
        }
        if (context.options().json) context.json(json);
        if (all.empty())
            context.out("the catalog has no repository\n  next: belay catalog add LOCATION\n");
        else
            context.out(table(context.style(), rows, 0));
        return 0;
    }
};

}  // namespace

std::unique_ptr<BackupCommand> make_catalog_add_command()
{
    return std::make_unique<AddCommand>();
}

std::unique_ptr<BackupCommand> make_catalog_remove_command()
{
    return std::make_unique<RemoveCommand>();
}

std::unique_ptr<BackupCommand> make_catalog_list_command()
{
    return std::make_unique<ListCommand>();
}

}  // namespace belay::cli
