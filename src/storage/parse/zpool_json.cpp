#include "storage/parse/fields.h"
#include "storage/parse/zpool_status.h"

namespace belay::storage::parse {
namespace {

/// `key`: the number where it is exact; `key`_text: as it was printed, where it is rounded.
void put_number(Json& json, const std::string& key, const ZpoolNumber& number)
{
    if (number.exact)
        json[key] = *number.exact;
    else
        put(json, (key + "_text").c_str(), number.text);
}

Json json_of(const ZpoolVdev& vdev)
{
    Json json = {{"name", vdev.name}, {"type", vdev.type}, {"state", vdev.state}};
    put_number(json, "read", vdev.read);
    put_number(json, "write", vdev.write);
    put_number(json, "cksum", vdev.cksum);
    put_number(json, "slow", vdev.slow);
    put(json, "note", vdev.note);
    for (const ZpoolVdev& child : vdev.children) json["children"].push_back(json_of(child));
    return json;
}

Json json_of(const ZpoolScan& scan)
{
    Json json = {{"text", scan.text}};
    put(json, "function", scan.function);
    put(json, "state", scan.state);
    put(json, "vdev", scan.vdev);
    put(json, "since", scan.since);
    put(json, "ended", scan.ended);
    put(json, "duration", scan.duration);
    put(json, "duration_s", scan.duration_s);
    put(json, "left", scan.left);
    put(json, "left_s", scan.left_s);
    put_number(json, "processed", scan.processed);
    put_number(json, "scanned", scan.scanned);
    put_number(json, "issued", scan.issued);
    put_number(json, "total", scan.total);
    put(json, "percent", scan.percent);
    put(json, "errors", scan.errors);
    return json;
}

Json json_of(const ZpoolPool& pool)
{
    Json json = {{"name", pool.name}, {"state", pool.state}};
    put(json, "id", pool.id);
    put(json, "status", pool.status);
    put(json, "action", pool.action);
    put(json, "see", pool.see);
    put(json, "comment", pool.comment);
    for (const ZpoolScan& scan : pool.scans) json["scans"].push_back(json_of(scan));
    put(json, "other", pool.other);
    if (pool.config) json["config"] = json_of(*pool.config);
    for (const auto& [group, vdevs] : pool.groups) {
        Json& list = json["groups"][group] = Json::array();
        for (const ZpoolVdev& vdev : vdevs) list.push_back(json_of(vdev));
    }
    put(json, "errors", pool.errors);
    put(json, "data_errors", pool.data_errors);
    put(json, "error_list", pool.error_list);
    return json;
}

}  // namespace

void to_json(Json& json, const ZpoolStatus& status)
{
    json = {{"pools", Json::array()}};
    for (const ZpoolPool& pool : status.pools) json["pools"].push_back(json_of(pool));
    put(json, "message", status.message);
}

}  // namespace belay::storage::parse
