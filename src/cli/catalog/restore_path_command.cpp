#include "cli/backup/run_backup.h"
#include "cli/backup/times.h"
#include "cli/catalog/restore_sources.h"
#include "host/host.h"

#include <algorithm>
#include <filesystem>

namespace belay::cli {
namespace {

using backup::CatalogFolder;
using backup::Registration;
using backup::catalog::Catalog;
using backup::catalog::Client;
using backup::catalog::Use;

/// As a pattern that means this path alone.
std::string as_pattern(const std::string& path)
{
    std::string pattern;
    for (const char c : path) {
        if (c == '*' || c == '?' || c == '[' || c == '\\') pattern += '\\';
        pattern += c;
    }
    return pattern;
}

/// As a person types it.
std::string command_line(const std::vector<std::string>& words)
{
    return host::Command{.argv = words}.to_text();
}

constexpr std::chrono::seconds patience_where_there_is_another{10};

class RestorePathCommand final : public BackupCommand {
  public:
    void declare(OptionTable& options) override
    {
        options.value("--client", client_, "CLIENT", "the machine: its name, now or then, or its identity");
        options.value("--at", at_, "TIME", "as it was then: the newest snapshot up to it; now, unless said");
        options.value("-t,--target", target_, "FOLDER",
                      "where it goes: a new folder here, unless said; / brings it back to its place");
        options.flag("--or-older", or_older_,
                     "where that content cannot be had from any repository: the newest other one before it");
        options.flag("-n,--dry-run", dry_run_, "say from where, and by which command, and write nothing");
        options.word("path", path_, "a file, or a folder with all that is in it");
    }

    Result<int> run(BackupContext& context) override
    {
        if (path_.empty() || !path_.starts_with('/'))
            return fail(ErrorKind::usage, "an absolute path is wanted",
                        "belay restore /etc/fstab --client web1");
        if (client_.empty())
            return fail(ErrorKind::usage, "no client is named", "--client NAME; belay catalog clients");
        const CatalogFolder folder = catalog_folder(context);
        std::unique_ptr<Catalog> catalog = TRY(folder.open(Use::read));
        const Client client = TRY(the_client(*catalog));
        const std::vector<RestoreSource> sources =
            TRY(find_sources(*catalog, client, TRY(folder.registrations())));
        catalog.reset();  // nobody is kept from changing it while files are restored
        if (target_.empty()) target_ = "restored-" + sources.front().snapshot.id.short_hex();
        if (dry_run_) return say_what_would_be(context, folder, sources);
        return restore_from_first(context, folder, sources);
    }

  private:
    Result<Client> the_client(const Catalog& catalog) const
    {
        const std::vector<Client> called = TRY(clients_called(catalog, client_));
        if (called.size() == 1) return called.front();
        std::vector<std::string> keys;
        for (const Client& one : called)
            keys.push_back(one.newest ? fmt::format("{} (until {})", one.key(),
                                                    seconds_text(Style{}, one.newest->seconds))
                                      : one.key());
        return fail(
            ErrorKind::usage,
            fmt::format("{} clients were called {}: {}", called.size(), client_, fmt::join(keys, ", ")),
            fmt::format("say which: --client {}", called.front().key()));
    }

    Result<std::vector<RestoreSource>> find_sources(Catalog& catalog, const Client& client,
                                                    const std::vector<Registration>& registrations) const
    {
        backup::catalog::SearchRequest request{.what = as_pattern(path_)};
        request.clients = {client.number};
        if (!at_.empty()) request.newest = TRY(read_time("--at", at_)).seconds;
        Result<std::vector<RestoreSource>> sources =
            restore_sources(catalog, registrations, request, or_older_);
        if (sources) return sources;
        Error error = sources.error();
        error.what = fmt::format("{} of {}{}: {}", path_, client.shown_name(),
                                 at_.empty() ? "" : " up to " + at_, error.what);
        // Saved by a relative path it stands without the folders above it.
        if (error.next.empty())
            error.next =
                "belay catalog search " + command_line({std::filesystem::path(path_).filename().string()});
        return std::unexpected(std::move(error));
    }

    /// The command that restores it, as Belay and as restic have it, without and with where the repository
    /// is.
    struct Commands {
        std::vector<std::string> words, place;
        std::vector<std::string> of(std::vector<std::string> program) const
        {
            program.insert(program.end(), words.begin(), words.end());
            program.insert(program.end(), place.begin(), place.end());
            return program;
        }
        std::vector<std::string> belay() const { return of({"belay", "backup"}); }
        std::vector<std::string> restic() const { return of({"restic"}); }
    };
    Commands commands_of(const CommonOptions& from, const RestoreSource& source) const
    {
        Commands commands;
        commands.words = {"restore", source.snapshot.id.hex(), "--target", target_};
        const std::string clean_path = std::filesystem::path(path_).lexically_normal().string();
        if (clean_path != "/")
            commands.words.insert(commands.words.end(), {"--include", as_pattern(clean_path)});
        commands.place = {"--repository-file", from.repository_file, "--password-file", from.password_file};
        const auto option = [&](const char* name, const std::string& value) {
            if (!value.empty()) commands.place.insert(commands.place.end(), {name, value});
        };
        option("--cacert", from.cacert);
        option("--tls-client-cert", from.tls_client_cert);
        if (from.insecure_tls) commands.place.emplace_back("--insecure-tls");
        return commands;
    }
    std::string text_of(const BackupContext& context, const RestoreSource& source) const
    {
        return clean(context.style(),
                     fmt::format("{} of {}, from snapshot {} in {}", path_,
                                 seconds_text(context.style(), source.snapshot.seconds),
                                 source.snapshot.id.short_hex(), source.registration.shown_location));
    }

    Result<int> say_what_would_be(BackupContext& context, const CatalogFolder& folder,
                                  const std::vector<RestoreSource>& sources) const
    {
        Json others = Json::array();
        Json said;
        for (const RestoreSource& source : sources) {
            const Commands commands =
                commands_of(options_of_repository(context, folder, source.registration), source);
            Json one = {{"snapshot", snapshot_json(source.snapshot)},
                        {"location", source.registration.shown_location},
                        {"has_newest_content", source.has_newest_content},
                        {"belay", commands.belay()},
                        {"restic", commands.restic()}};
            const bool is_first = &source == &sources.front();
            const char* const begin = is_first                    ? "would restore"
                                      : source.has_newest_content ? "where that cannot be had, the same:"
                                                                  : "where that cannot be had, older:";
            context.out(fmt::format("{} {}\nby hand:\n  {}\n  {}\n", begin, text_of(context, source),
                                    command_line(commands.belay()), command_line(commands.restic())));
            if (is_first)
                said = std::move(one);
            else
                others.push_back(std::move(one));
        }
        said["message_type"] = "dry_run";
        said["target"] = target_;
        said["alternatives"] = std::move(others);
        if (context.options().json) context.json(said);
        return 0;
    }

    Result<int> restore_from_first(BackupContext& context, const CatalogFolder& folder,
                                   const std::vector<RestoreSource>& sources) const
    {
        for (const RestoreSource& source : sources) {
            const bool is_last = &source == &sources.back();
            const Result<void> is_there = is_last ? Result<void>() : can_be_had(context, folder, source);
            if (is_there) {
                const int code = TRY(restore(context, folder, source));
                if (code != 0 && !is_last)
                    context.say_on_error(
                        "  next: belay restore --dry-run with the same words says what else has it\n");
                return code;
            }
            if (context.options().json)
                context.json({{"message_type", "source_failed"},
                              {"snapshot", snapshot_json(source.snapshot)},
                              {"location", source.registration.shown_location},
                              {"error", is_there.error()}});
            context.say_on_error(clean(context.style(), fmt::format("belay: {}\n", is_there.error().what)));
        }
        return fail(ErrorKind::failed, "there is no source");
    }

    /// Whether its repository can be opened and has the snapshot. Who has another one does not wait for long.
    static Result<void> can_be_had(BackupContext& context, const CatalogFolder& folder,
                                   const RestoreSource& source)
    {
        CommonOptions options = options_of_repository(context, folder, source.registration);
        options.patience_with_server = patience_where_there_is_another;
        BackupContext own(context, options);
        backup::Repository* const repository = TRY(own.open(backup::Access::shared));
        if (repository->config().id != source.registration.id)
            return fail(ErrorKind::refused, fmt::format("{} holds another repository than it did",
                                                        source.registration.shown_location));
        TRY(repository->load_text({backup::FileKind::snapshot, source.snapshot.id}));
        return {};
    }

    Result<int> restore(BackupContext& context, const CatalogFolder& folder,
                        const RestoreSource& source) const
    {
        if (!source.has_newest_content)
            context.say_on_error("belay: what is newest cannot be had; this is an older one\n");
        context.note(text_of(context, source) + "\n");
        const CommonOptions from = options_of_repository(context, folder, source.registration);
        Commands commands = commands_of(from, source);
        std::vector<std::string> words = commands.of({});
        option_words(from, words);
        return run_backup(words, context.console());
    }

    /// How the command was told to speak.
    static void option_words(const CommonOptions& from, std::vector<std::string>& words)
    {
        const auto flag = [&](const char* name, bool is_set) {
            if (is_set) words.emplace_back(name);
        };
        const auto value = [&](const char* name, const std::string& said) {
            if (!said.empty()) words.insert(words.end(), {name, said});
        };
        flag("--json", from.json);
        flag("--quiet", from.quiet);
        flag("--no-color", from.no_color);
        flag("--no-lock", from.no_lock);
        value("--retry-lock", from.retry_lock);
        value("--limit-download", from.limit_download);
        value("--key-hint", from.key_hint);
    }

    std::string path_, client_, at_, target_;
    bool dry_run_ = false, or_older_ = false;
};

}  // namespace

std::unique_ptr<BackupCommand> make_restore_path_command()
{
    return std::make_unique<RestorePathCommand>();
}

}  // namespace belay::cli
