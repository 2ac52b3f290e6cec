// What the catalog of this machine answers, whom belay catalog keeps in the state folder. Names of other
// machines' files are for those who may do something about them.

#include "backup/catalog/answers.h"
#include "daemon/host_name.h"
#include "daemon/parameters.h"
#include "daemon/services.h"

#include <algorithm>

namespace belay::daemon {
namespace {

using backup::catalog::Catalog;
using backup::catalog::Client;
using backup::catalog::SearchRequest;
using backup::catalog::SnapshotEntry;
using site::Call;
using site::Reply;

constexpr uint64_t files_by_default = 100, snapshots_by_default = 1000;
constexpr uint64_t most_files = 1000, most_snapshots = 5000;  // an answer is one message

Result<std::unique_ptr<Catalog>> catalog_of(const Services& services)
{
    const std::string path = services.state_folder + "/catalog/catalog.sqlite";
    Result<std::unique_ptr<Catalog>> opened = Catalog::open(path, backup::catalog::Use::read);
    if (!opened && opened.error().kind == ErrorKind::not_found)
        return fail(ErrorKind::not_found, fmt::format("{} keeps no catalog", host_name()),
                    "belay catalog add LOCATION there; belay catalog follow keeps it fresh");
    return opened;
}

/// Errors: not_found, naming who is none.
Result<std::vector<int64_t>> numbers_of(const Catalog& catalog, const std::vector<std::string>& said)
{
    std::vector<int64_t> numbers;
    for (const std::string& one : said) {
        const std::vector<Client> clients = TRY(catalog.clients_called(one));
        if (clients.empty())
            return fail(ErrorKind::not_found, fmt::format("the catalog has no client {}", one),
                        "belay catalog clients lists them");
        for (const Client& client : clients) numbers.push_back(client.number);
    }
    return numbers;
}

Result<std::optional<int64_t>> seconds_in(Parameters& parameters, std::string_view name)
{
    constexpr uint64_t none = UINT64_MAX;
    const uint64_t seconds = TRY(parameters.count(name, none));
    return seconds == none ? std::optional<int64_t>() : std::optional(static_cast<int64_t>(seconds));
}

Result<Reply> search_catalog(const Services& services, const Call& call)
{
    Parameters parameters(call.parameters);
    SearchRequest request{.what = TRY(parameters.required_text("what"))};
    const std::vector<std::string> clients = TRY(parameters.texts("clients"));
    const std::vector<std::string> repositories = TRY(parameters.texts("repositories"));
    request.oldest = TRY(seconds_in(parameters, "oldest"));
    request.newest = TRY(seconds_in(parameters, "newest"));
    request.all_versions = TRY(parameters.flag("all_versions", false));
    if (TRY(parameters.flag("ignore_case", false))) request.letters = backup::catalog::Case::ignored;
    request.limit = std::clamp<uint64_t>(TRY(parameters.count("limit", files_by_default)), 1, most_files);
    TRY(parameters.no_other());
    const std::unique_ptr<Catalog> catalog = TRY(catalog_of(services));
    request.clients = TRY(numbers_of(*catalog, clients));
    for (const std::string& hex : repositories) {
        const std::optional<backup::Id> id = backup::catalog::id_of_hex(hex);
        if (!id) return fail(ErrorKind::usage, fmt::format("\"repositories\": {} is no id", hex));
        request.repositories.push_back(*id);
    }
    Json answer = TRY(search(*catalog, request));
    answer["clients"] = TRY(catalog->clients());
    answer["repositories"] = TRY(catalog->repositories());
    return Reply{std::move(answer)};
}

Result<Reply> list_clients(const Services& services, const Call& call)
{
    TRY(Parameters(call.parameters).no_other());
    const std::unique_ptr<Catalog> catalog = TRY(catalog_of(services));
    Json answer;
    answer["repositories"] = TRY(catalog->repositories());
    answer["clients"] = TRY(catalog->clients());
    return Reply{std::move(answer)};
}

Result<Reply> list_snapshots(const Services& services, const Call& call)
{
    Parameters parameters(call.parameters);
    const std::vector<std::string> clients = TRY(parameters.texts("clients"));
    const uint64_t limit = std::min(TRY(parameters.count("limit", snapshots_by_default)), most_snapshots);
    TRY(parameters.no_other());
    const std::unique_ptr<Catalog> catalog = TRY(catalog_of(services));
    std::vector<SnapshotEntry> snapshots = TRY(catalog->snapshots(TRY(numbers_of(*catalog, clients))));
    const size_t omitted = snapshots.size() - std::min<size_t>(limit, snapshots.size());
    snapshots.resize(snapshots.size() - omitted);
    Json answer = {{"snapshots", snapshots}, {"omitted", omitted}};
    answer["repositories"] = TRY(catalog->repositories());
    return Reply{std::move(answer)};
}

}  // namespace

std::vector<site::Method> catalog_methods(const Services& services)
{
    using site::Right;
    return {{"CatalogSearch", Right::operate,
             [&services](const Call& call) { return search_catalog(services, call); }},
            {"CatalogClients", Right::operate,
             [&services](const Call& call) { return list_clients(services, call); }},
            {"CatalogSnapshots", Right::operate,
             [&services](const Call& call) { return list_snapshots(services, call); }}};
}

}  // namespace belay::daemon
