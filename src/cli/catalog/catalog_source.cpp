#include "cli/catalog/catalog_source.h"

#include "backup/backend/location.h"
#include "backup/catalog/answers.h"
#include "cli/catalog/catalog_commands.h"
#include "cli/login.h"

namespace belay::cli {
namespace {

using backup::catalog::Catalog;
using backup::catalog::Client;
using backup::catalog::Found;
using backup::catalog::RepositoryEntry;
using backup::catalog::SnapshotEntry;

class CatalogHere final : public CatalogSource {
  public:
    explicit CatalogHere(std::unique_ptr<Catalog> catalog) : catalog_(std::move(catalog)) {}

    Result<std::vector<RepositoryEntry>> repositories() override { return catalog_->repositories(); }
    Result<std::vector<Client>> clients() override { return catalog_->clients(); }

    Result<Snapshots> snapshots(const std::vector<std::string>& of_clients) override
    {
        Snapshots snapshots;
        snapshots.newest = TRY(catalog_->snapshots(TRY(numbers_of(of_clients))));
        return snapshots;
    }

    Result<CatalogAnswer> search(const CatalogQuestion& question) override
    {
        backup::catalog::SearchRequest request{.what = question.what};
        request.letters =
            question.ignore_case ? backup::catalog::Case::ignored : backup::catalog::Case::counts;
        request.all_versions = question.all_versions;
        request.limit = question.limit;
        request.clients = TRY(numbers_of(question.clients));
        CatalogAnswer answer;
        answer.repositories = TRY(catalog_->repositories());
        for (const std::string& said : question.repositories)
            request.repositories.push_back(TRY(repository_called(answer.repositories, said)));
        request.oldest = question.oldest;
        request.newest = question.newest;
        answer.found = TRY(backup::catalog::search(*catalog_, request));
        answer.clients = TRY(catalog_->clients());
        return answer;
    }

  private:
    Result<std::vector<int64_t>> numbers_of(const std::vector<std::string>& said) const
    {
        std::vector<int64_t> numbers;
        for (const std::string& one : said)
            for (const Client& client : TRY(clients_called(*catalog_, one))) numbers.push_back(client.number);
        return numbers;
    }

    std::unique_ptr<Catalog> catalog_;
};

class CatalogOfSite final : public CatalogSource {
  public:
    explicit CatalogOfSite(std::unique_ptr<site::Client> client) : client_(std::move(client)) {}

    Result<std::vector<RepositoryEntry>> repositories() override
    {
        const Json answer = TRY(client_->call("CatalogClients", Json::object()));
        return part_of<std::vector<RepositoryEntry>>(answer, "repositories");
    }
    Result<std::vector<Client>> clients() override
    {
        const Json answer = TRY(client_->call("CatalogClients", Json::object()));
        return part_of<std::vector<Client>>(answer, "clients");
    }

    Result<Snapshots> snapshots(const std::vector<std::string>& of_clients) override
    {
        const Json answer = TRY(client_->call("CatalogSnapshots", {{"clients", of_clients}}));
        Snapshots snapshots;
        snapshots.newest = TRY(part_of<std::vector<SnapshotEntry>>(answer, "snapshots"));
        snapshots.omitted = TRY(part_of<uint64_t>(answer, "omitted"));
        return snapshots;
    }

    Result<CatalogAnswer> search(const CatalogQuestion& question) override
    {
        Json asked = {{"what", question.what},
                      {"clients", question.clients},
                      {"ignore_case", question.ignore_case},
                      {"all_versions", question.all_versions},
                      {"limit", question.limit}};
        if (question.oldest) asked["oldest"] = *question.oldest;
        if (question.newest) asked["newest"] = *question.newest;
        if (!question.repositories.empty()) {
            const std::vector<RepositoryEntry> all = TRY(repositories());
            for (const std::string& said : question.repositories)
                asked["repositories"].push_back(TRY(repository_called(all, said)).hex());
        }
        const Json said = TRY(client_->call("CatalogSearch", asked));
        CatalogAnswer answer;
        answer.found = TRY(from_json_value<Found>(said));
        answer.clients = TRY(part_of<std::vector<Client>>(said, "clients"));
        answer.repositories = TRY(part_of<std::vector<RepositoryEntry>>(said, "repositories"));
        return answer;
    }

  private:
    template <typename T>
    static Result<T> part_of(const Json& answer, const char* name)
    {
        const auto found = answer.find(name);
        return from_json_value<T>(found == answer.end() ? Json() : *found);
    }

    std::unique_ptr<site::Client> client_;
};

}  // namespace

Result<std::unique_ptr<CatalogSource>> catalog_source(const BackupContext& context, const std::string& site)
{
    if (site.empty())
        return std::make_unique<CatalogHere>(TRY(catalog_folder(context).open(backup::catalog::Use::read)));
    // Comes back only where it could not.
    if (context.network()->become) return std::unexpected(context.network()->become());
    return std::make_unique<CatalogOfSite>(TRY(connect_to_site(site, *context.network())));
}

void declare_site(std::string& site, OptionTable& options)
{
    options.value("--site", site, "NAME",
                  "ask the catalog of the controllers of a site that you have logged in to");
}

Result<backup::Id> repository_called(const std::vector<RepositoryEntry>& all, const std::string& said)
{
    const std::string shown = backup::shown_location(said);
    std::vector<backup::Id> found;
    for (const RepositoryEntry& one : all) {
        if (one.location == said || one.location == shown ||
            (!said.empty() && one.id.hex().starts_with(said)))
            found.push_back(one.id);
    }
    if (found.empty())
        return fail(ErrorKind::not_found,
                    fmt::format("no repository of the catalog is called {}", shown == "?" ? said : shown),
                    "belay catalog list");
    if (found.size() > 1)
        return fail(ErrorKind::usage, fmt::format("several repositories may be meant by {}", said),
                    "write more of its id: belay catalog list");
    return found.front();
}

}  // namespace belay::cli
