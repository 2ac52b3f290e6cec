#include "backup/catalog/answers.h"

namespace belay::backup::catalog {
namespace {

Id id_in(const Json& json)
{
    const std::optional<Id> id = id_of_hex(json.get_ref<const std::string&>());
    if (!id) throw Json::other_error::create(501, json.dump() + " is no id", &json);
    return *id;
}

Json hex_list(const std::vector<Id>& ids)
{
    Json list = Json::array();
    for (const Id& id : ids) list.push_back(hex_of(id));
    return list;
}

}  // namespace

void to_json(Json& json, const RepositoryEntry& repository)
{
    json = {{"id", hex_of(repository.id)},
            {"location", repository.location},
            {"one_client", repository.one_client}};
}

void from_json(const Json& json, RepositoryEntry& repository)
{
    repository.id = id_in(json.at("id"));
    json.at("location").get_to(repository.location);
    json.at("one_client").get_to(repository.one_client);
}

void to_json(Json& json, const SnapshotEntry& snapshot)
{
    json = {{"repository", hex_of(snapshot.repository)},
            {"id", hex_of(snapshot.id)},
            {"tree", hex_of(snapshot.tree)},
            {"seconds", snapshot.seconds},
            {"nanoseconds", snapshot.nanoseconds},
            {"zone_seconds", snapshot.zone_seconds},
            {"host", snapshot.host},
            {"user", snapshot.user},
            {"paths", snapshot.paths},
            {"tags", snapshot.tags}};
}

void from_json(const Json& json, SnapshotEntry& snapshot)
{
    snapshot.repository = id_in(json.at("repository"));
    snapshot.id = id_in(json.at("id"));
    snapshot.tree = id_in(json.at("tree"));
    json.at("seconds").get_to(snapshot.seconds);
    json.at("nanoseconds").get_to(snapshot.nanoseconds);
    json.at("zone_seconds").get_to(snapshot.zone_seconds);
    json.at("host").get_to(snapshot.host);
    json.at("user").get_to(snapshot.user);
    json.at("paths").get_to(snapshot.paths);
    json.at("tags").get_to(snapshot.tags);
}

void to_json(Json& json, const ClientName& name)
{
    json = {{"host", name.host}, {"from", name.from}, {"until", name.until}};
}

void from_json(const Json& json, ClientName& name)
{
    json.at("host").get_to(name.host);
    json.at("from").get_to(name.from);
    json.at("until").get_to(name.until);
}

void to_json(Json& json, const Client& client)
{
    json = {{"number", client.number},
            {"identity", client.identity},
            {"repository", client.repository ? Json(hex_of(*client.repository)) : Json()},
            {"host", client.host},
            {"names", client.names},
            {"snapshots", client.snapshots},
            {"newest", client.newest ? Json(*client.newest) : Json()}};
}

void from_json(const Json& json, Client& client)
{
    json.at("number").get_to(client.number);
    json.at("identity").get_to(client.identity);
    const Json &repository = json.at("repository"), &newest = json.at("newest");
    if (!repository.is_null()) client.repository = id_in(repository);
    json.at("host").get_to(client.host);
    json.at("names").get_to(client.names);
    json.at("snapshots").get_to(client.snapshots);
    if (!newest.is_null()) client.newest = newest.get<SnapshotEntry>();
}

void to_json(Json& json, const Version& version)
{
    json = {{"type", type_text(version.type)}, {"size", version.size},
            {"mtime", version.mtime},          {"content", version.content},
            {"newest", version.newest},        {"first", version.first},
            {"snapshots", version.snapshots},  {"repositories", hex_list(version.repositories)}};
}

void from_json(const Json& json, Version& version)
{
    const std::optional<NodeType> type = type_from_text(json.at("type").get_ref<const std::string&>());
    if (!type) throw Json::other_error::create(501, json.at("type").dump() + " is no type of a file", &json);
    version.type = *type;
    json.at("size").get_to(version.size);
    json.at("mtime").get_to(version.mtime);
    json.at("content").get_to(version.content);
    json.at("newest").get_to(version.newest);
    json.at("first").get_to(version.first);
    json.at("snapshots").get_to(version.snapshots);
    for (const Json& one : json.at("repositories")) version.repositories.push_back(id_in(one));
}

void to_json(Json& json, const FoundFile& file)
{
    json = {{"client", file.client}, {"path", file.path}, {"versions", file.versions}};
}

void from_json(const Json& json, FoundFile& file)
{
    json.at("client").get_to(file.client);
    json.at("path").get_to(file.path);
    json.at("versions").get_to(file.versions);
}

void to_json(Json& json, const Found& found)
{
    json = {{"files", found.files}, {"more", found.more}};
}

void from_json(const Json& json, Found& found)
{
    json.at("files").get_to(found.files);
    json.at("more").get_to(found.more);
}

}  // namespace belay::backup::catalog
