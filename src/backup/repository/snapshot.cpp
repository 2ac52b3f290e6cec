#include "backup/repository/snapshot.h"

namespace belay::backup {
namespace {

Result<std::optional<Id>> id_of(const Json& json, const char* name)
{
    const auto found = json.find(name);
    if (found == json.end() || !found->is_string()) return std::optional<Id>();
    return std::optional<Id>(TRY(Id::from_hex(found->get_ref<const std::string&>())));
}

std::string text_of(const Json& json, const char* name)
{
    const auto found = json.find(name);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

uint32_t uid_in(const Json& json, const char* name)
{
    const auto found = json.find(name);
    return found != json.end() && found->is_number_unsigned() ? found->get<uint32_t>() : 0;
}

std::vector<std::string> list_of(const Json& json, const char* name)
{
    std::vector<std::string> all;
    const auto found = json.find(name);
    if (found == json.end() || !found->is_array()) return all;
    for (const Json& one : *found) {
        if (one.is_string()) all.push_back(one.get<std::string>());
    }
    return all;
}

}  // namespace

Result<Snapshot> Snapshot::from_text(std::string_view text)
{
    const Json json = TRY(parse_json(text));
    if (!json.is_object()) return fail(ErrorKind::corrupt, "a snapshot is no JSON object");
    Snapshot snapshot;
    snapshot.time = TRY(Timestamp::from_text(text_of(json, "time")));
    const std::optional<Id> tree = TRY(id_of(json, "tree"));
    if (!tree) return fail(ErrorKind::corrupt, "a snapshot has no tree");
    snapshot.tree = *tree;
    snapshot.parent = TRY(id_of(json, "parent"));
    snapshot.original = TRY(id_of(json, "original"));
    snapshot.paths = list_of(json, "paths");
    snapshot.hostname = text_of(json, "hostname");
    snapshot.username = text_of(json, "username");
    snapshot.uid = uid_in(json, "uid");
    snapshot.gid = uid_in(json, "gid");
    snapshot.excludes = list_of(json, "excludes");
    snapshot.tags = list_of(json, "tags");
    snapshot.program_version = text_of(json, "program_version");
    if (const auto found = json.find("summary"); found != json.end()) snapshot.summary = *found;
    return snapshot;
}

Json Snapshot::to_json() const
{
    Json json = {{"time", time.text()}, {"tree", tree.hex()}, {"paths", paths}};
    const auto put = [&](const char* name, const auto& value) {
        if (!value.empty()) json[name] = value;
    };
    put("hostname", hostname);
    put("username", username);
    put("excludes", excludes);
    put("tags", tags);
    put("program_version", program_version);
    if (parent) json["parent"] = parent->hex();
    if (original) json["original"] = original->hex();
    if (uid != 0) json["uid"] = uid;
    if (gid != 0) json["gid"] = gid;
    if (!summary.is_null()) json["summary"] = summary;
    if (!id.is_null()) {
        json["id"] = id.hex();
        json["short_id"] = id.short_hex();
    }
    return json;
}

std::string Snapshot::to_text() const
{
    Json json = to_json();
    json.erase("id");
    json.erase("short_id");
    return json_text(json);
}

}  // namespace belay::backup
