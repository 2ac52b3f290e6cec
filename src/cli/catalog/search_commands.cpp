#include "cli/backup/node_text.h"
#include "cli/backup/times.h"
#include "cli/catalog/catalog_commands.h"
#include "cli/catalog/catalog_source.h"

#include <algorithm>
#include <map>

namespace belay::cli {
namespace {

using backup::Id;
using backup::catalog::Catalog;
using backup::catalog::Client;
using backup::catalog::FoundFile;
using backup::catalog::RepositoryEntry;
using backup::catalog::SnapshotEntry;
using backup::catalog::Use;
using backup::catalog::Version;

/// Where repositories are, for people.
class Places {
  public:
    explicit Places(const std::vector<RepositoryEntry>& repositories)
    {
        for (const RepositoryEntry& one : repositories) locations_[one.id] = one.location;
    }
    std::string text(const Style& style, const Id& id) const
    {
        const auto found = locations_.find(id);
        return found == locations_.end() ? short_of(id) : clean(style, found->second);
    }

  private:
    std::map<Id, std::string> locations_;
};

class SearchCommand final : public BackupCommand {
  public:
    void declare(OptionTable& options) override
    {
        options.values("--client", clients_, "CLIENT",
                       "of this machine: its name or identity; may be repeated");
        options.values("--in", repositories_, "REPOSITORY", "in this repository; may be repeated");
        options.value("-O,--oldest", oldest_, "TIME", "in snapshots from then on");
        options.value("-N,--newest", newest_, "TIME", "in snapshots until then");
        options.flag("-i,--ignore-case", ignore_case_, "upper and lower case alike");
        options.flag("-a,--all", all_, "every version of what fits a pattern, not the newest alone");
        options.value("--limit", limit_, "NUMBER", "end after so many files: 100, unless said");
        declare_site(site_, options);
        options.word("what", what_, "a path, a name, or a pattern: /etc/fstab, '*.conf', '/home/**/thesis*'");
    }

    Result<int> run(BackupContext& context) override
    {
        if (what_.empty())
            return fail(ErrorKind::usage, "nothing to look for was named", "belay catalog search '*.conf'");
        CatalogQuestion question{.what = what_};
        question.clients = clients_;
        question.repositories = repositories_;
        question.ignore_case = ignore_case_;
        question.all_versions = all_ || is_path(what_);
        if (!limit_.empty()) question.limit = std::max<uint64_t>(1, TRY(read_count("--limit", limit_)));
        if (!oldest_.empty()) question.oldest = TRY(read_time("--oldest", oldest_)).seconds;
        if (!newest_.empty()) question.newest = TRY(read_time("--newest", newest_)).seconds;
        CatalogAnswer answer = TRY(TRY(catalog_source(context, site_))->search(question));
        std::map<int64_t, Client> clients;
        for (Client& client : answer.clients) clients.emplace(client.number, std::move(client));
        const backup::catalog::Found& found = answer.found;
        if (context.options().json) {
            context.json(found_json(found, clients));
            return 0;
        }
        const Places places(answer.repositories);
        for (const FoundFile& file : found.files)
            context.out(file_text(context.style(), file, clients, places));
        if (found.files.empty()) context.note("nothing was found\n" + hint());
        if (found.more)
            context.say_on_error(
                fmt::format("there is more than these {}\n  next: narrow it by --client, "
                            "--oldest or a longer pattern, or --limit {}\n",
                            found.files.size(), found.files.size() * 10));
        return 0;
    }

  private:
    /// Of what was saved by a relative path the snapshots do not have the folders above it.
    std::string hint() const
    {
        const size_t name = what_.rfind('/') + 1;
        if (!what_.starts_with('/') || name == what_.size()) return {};
        return fmt::format("  next: belay catalog search '{}'\n", what_.substr(name));
    }

    static bool is_path(const std::string& what)
    {
        return what.starts_with('/') && what.find_first_of("*?[") == std::string::npos;
    }

    static std::string file_text(const Style& style, const FoundFile& file,
                                 const std::map<int64_t, Client>& clients, const Places& places)
    {
        const auto client = clients.find(file.client);
        std::string text =
            fmt::format("{}  {}\n", paint(style, Tone::bold, clean(style, file.path)),
                        client == clients.end() ? std::string() : client_text(style, client->second));
        std::vector<std::vector<std::string>> rows;
        for (const Version& version : file.versions) {
            const std::string size = version.type == backup::NodeType::file
                                         ? to_text(Bytes{version.size})
                                         : std::string(backup::catalog::type_text(version.type));
            std::string where = fmt::format("snapshot {} in {}", version.newest.id.short_hex(),
                                            places.text(style, version.newest.repository));
            if (version.snapshots > 1)
                where += fmt::format(", and {} since {}", counted(version.snapshots - 1, "other", "others"),
                                     seconds_text(style, version.first));
            for (const Id& id : version.repositories)
                if (id != version.newest.repository)
                    where += fmt::format(", also in {}", places.text(style, id));
            rows.push_back({seconds_text(style, version.newest.seconds), size, std::move(where)});
        }
        return text + table(style, rows, 2);
    }

    static Json found_json(const backup::catalog::Found& found, const std::map<int64_t, Client>& clients)
    {
        Json files = Json::array();
        for (const FoundFile& file : found.files) {
            Json versions = Json::array();
            for (const Version& version : file.versions) {
                Json one = {{"type", backup::catalog::type_text(version.type)},
                            {"size", version.size},
                            {"mtime", backup::Timestamp::local(version.mtime, 0).text()},
                            {"content", fmt::format("{:016x}", version.content)},
                            {"snapshot", snapshot_json(version.newest)},
                            {"first_time", backup::Timestamp::local(version.first, 0).text()},
                            {"snapshots", version.snapshots},
                            {"repositories", Json::array()}};
                for (const Id& id : version.repositories) one["repositories"].push_back(id.hex());
                versions.push_back(std::move(one));
            }
            Json one = {{"path", file.path}, {"versions", std::move(versions)}};
            if (const auto client = clients.find(file.client); client != clients.end()) {
                one["client"] = client->second.key();
                one["name"] = client->second.shown_name();
            }
            files.push_back(std::move(one));
        }
        return {{"files", std::move(files)}, {"more", found.more}};
    }

    std::string what_, oldest_, newest_, limit_, site_;
    std::vector<std::string> clients_, repositories_;
    bool ignore_case_ = false, all_ = false;
};

class ClientsCommand final : public BackupCommand {
  public:
    void declare(OptionTable& options) override { declare_site(site_, options); }

    Result<int> run(BackupContext& context) override
    {
        const Style& style = context.style();
        std::vector<std::vector<std::string>> rows{{"Client", "Snapshots", "Newest", "Names"}};
        Json json = Json::array();
        for (const Client& client : TRY(TRY(catalog_source(context, site_))->clients())) {
            std::vector<std::string> names;
            Json names_json = Json::array();
            for (const auto& name : client.names) {
                names.push_back(fmt::format("{} from {} until {}", clean(style, name.host),
                                            seconds_text(style, name.from), seconds_text(style, name.until)));
                names_json.push_back({{"name", name.host},
                                      {"from", backup::Timestamp::local(name.from, 0).text()},
                                      {"until", backup::Timestamp::local(name.until, 0).text()}});
            }
            json.push_back({{"client", client.key()},
                            {"identity", client.identity.empty() ? Json() : Json(client.identity)},
                            {"repository", client.repository ? Json(client.repository->hex()) : Json()},
                            {"name", client.shown_name()},
                            {"names", std::move(names_json)},
                            {"snapshots", client.snapshots},
                            {"newest", client.newest ? snapshot_json(*client.newest) : Json()}});
            rows.push_back({client.identity.empty() ? clean(style, client.key()) : client.identity,
                            std::to_string(client.snapshots),
                            client.newest ? seconds_text(style, client.newest->seconds) : std::string(),
                            fmt::format("{}", fmt::join(names, ", "))});
        }
        if (context.options().json) context.json(json);
        context.out(table(style, rows, 0));
        return 0;
    }

  private:
    std::string site_;
};

class SnapshotsOfAllCommand final : public BackupCommand {
  public:
    void declare(OptionTable& options) override
    {
        options.values("--client", clients_, "CLIENT",
                       "of this machine: its name or identity; may be repeated");
        declare_site(site_, options);
    }

    Result<int> run(BackupContext& context) override
    {
        const std::unique_ptr<CatalogSource> source = TRY(catalog_source(context, site_));
        const CatalogSource::Snapshots snapshots = TRY(source->snapshots(clients_));
        const Places places(TRY(source->repositories()));
        const Style& style = context.style();
        std::vector<std::vector<std::string>> rows{{"ID", "Time", "Host", "Paths", "Repository"}};
        Json json = Json::array();
        for (const SnapshotEntry& one : snapshots.newest) {
            json.push_back(snapshot_json(one));
            rows.push_back({one.id.short_hex(), seconds_text(style, one.seconds), clean(style, one.host),
                            clean(style, fmt::format("{}", fmt::join(one.paths, ", "))),
                            places.text(style, one.repository)});
        }
        if (context.options().json) context.json(json);
        context.out(table(style, rows, 0));
        if (snapshots.omitted > 0)
            context.say_on_error(fmt::format("{} are not shown\n  next: narrow it by --client\n",
                                             counted(snapshots.omitted, "older one", "older ones")));
        return 0;
    }

  private:
    std::string site_;
    std::vector<std::string> clients_;
};

class CheckCatalogCommand final : public BackupCommand {
  public:
    void declare(OptionTable&) override {}

    Result<int> run(BackupContext& context) override
    {
        const std::unique_ptr<Catalog> catalog = TRY(catalog_folder(context).open(Use::read));
        uint64_t wrong = 0;
        TRY(catalog->check([&](const std::string& what) {
            ++wrong;
            context.problem({ErrorKind::corrupt, "the catalog is damaged: " + what, "belay catalog rebuild"});
        }));
        const Catalog::Size size = TRY(catalog->size());
        if (context.options().json)
            context.json({{"message_type", "summary"},
                          {"problems", wrong},
                          {"repositories", size.repositories},
                          {"clients", size.clients},
                          {"snapshots", size.snapshots},
                          {"trees", size.trees},
                          {"entries", size.entries},
                          {"names", size.names},
                          {"bytes", size.bytes}});
        context.note(fmt::format("{}: {}, {}, {}, {} entries in {} folders, {}\n",
                                 wrong == 0 ? "the catalog is sound" : "the catalog is damaged",
                                 counted(size.repositories, "repository", "repositories"),
                                 counted(size.clients, "client", "clients"),
                                 counted(size.snapshots, "snapshot", "snapshots"), size.entries, size.trees,
                                 to_text(Bytes{size.bytes})));
        return static_cast<int>(wrong == 0 ? BackupExit::done : BackupExit::failed);
    }
};

}  // namespace

std::unique_ptr<BackupCommand> make_catalog_search_command()
{
    return std::make_unique<SearchCommand>();
}

std::unique_ptr<BackupCommand> make_catalog_clients_command()
{
    return std::make_unique<ClientsCommand>();
}

std::unique_ptr<BackupCommand> make_catalog_snapshots_command()
{
    return std::make_unique<SnapshotsOfAllCommand>();
}

std::unique_ptr<BackupCommand> make_catalog_check_command()
{
    return std::make_unique<CheckCatalogCommand>();
}

}  // namespace belay::cli
