#include "cli/catalog/restore_sources.h"

#include <algorithm>
#include <set>

namespace belay::cli {
namespace {

using backup::Id;
using backup::Registration;
using backup::catalog::Catalog;
using backup::catalog::Found;
using backup::catalog::SearchRequest;
using backup::catalog::Version;

bool have_same_content(const Version& one, const Version& other)
{
    return one.type == other.type && one.size == other.size && one.content == other.content;
}

/// Contents of the path that was asked for, the newest first.
Result<std::vector<Version>> versions_of(Catalog& catalog, const SearchRequest& request)
{
    Found found = TRY(search(catalog, request));
    if (found.files.empty()) return std::vector<Version>();
    return std::move(found.files.front().versions);
}

}  // namespace

Result<std::vector<RestoreSource>> restore_sources(Catalog& catalog,
                                                   const std::vector<Registration>& registrations,
                                                   SearchRequest request, bool older)
{
    std::vector<RestoreSource> sources;
    request.all_versions = true;
    const std::vector<Version> versions = TRY(versions_of(catalog, request));
    if (versions.empty()) return fail(ErrorKind::not_found, "no snapshot has it");
    const Version& newest = versions.front();
    std::set<Id> repositories;
    for (const Version& version : versions)
        if (older || &version == &newest)
            repositories.insert(version.repositories.begin(), version.repositories.end());
    for (const Id& id : repositories) {
        const auto registration = std::ranges::find(registrations, id, &Registration::id);
        if (registration == registrations.end()) continue;
        request.repositories = {id};
        for (const Version& version : TRY(versions_of(catalog, request))) {
            const bool is_same = have_same_content(version, newest);
            if (is_same || older) sources.push_back({version.newest, *registration, is_same});
        }
    }
    if (sources.empty())
        return fail(
            ErrorKind::not_found,
            fmt::format("it is in snapshot {} of repository {}, whose place the catalog does not know",
                        newest.newest.id.short_hex(), newest.newest.repository.short_hex()),
            "belay catalog add LOCATION");
    std::ranges::stable_sort(sources, [](const RestoreSource& a, const RestoreSource& b) {
        if (a.has_newest_content != b.has_newest_content) return a.has_newest_content;
        return std::tie(a.snapshot.seconds, a.snapshot.nanoseconds) >
               std::tie(b.snapshot.seconds, b.snapshot.nanoseconds);
    });
    return sources;
}

}  // namespace belay::cli
