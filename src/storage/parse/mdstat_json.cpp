#include "storage/parse/fields.h"
#include "storage/parse/mdstat.h"

namespace belay::storage::parse {
namespace {

Json json_of(const MdstatMember& member)
{
    Json json = {{"device", member.device}, {"number", member.number}};
    for (const auto& [name, is] : {std::pair{"faulty", member.faulty},
                                   {"spare", member.spare},
                                   {"write_mostly", member.write_mostly},
                                   {"journal", member.journal},
                                   {"replacement", member.replacement}})
        if (is) json[name] = true;
    put(json, "flags", member.flags);
    return json;
}

Json json_of(const MdstatSync& sync)
{
    Json json = {{"action", sync.action}};
    put(json, "waits", sync.waits);
    put(json, "percent", sync.percent);
    put(json, "done", sync.done);
    put(json, "total", sync.total);
    put(json, "seconds_left", sync.seconds_left);
    put(json, "per_second", sync.per_second);
    return json;
}

Json json_of(const MdstatBitmap& bitmap)
{
    Json json = Json::object();
    put(json, "pages", bitmap.pages);
    put(json, "pages_total", bitmap.pages_total);
    put(json, "memory", bitmap.memory);
    put(json, "chunk", bitmap.chunk);
    put(json, "file", bitmap.file);
    return json;
}

Json json_of(const MdstatArray& array)
{
    Json json = {{"name", array.name}, {"state", array.state}, {"members", Json::array()}};
    put(json, "access", array.access);
    put(json, "level", array.level);
    for (const MdstatMember& member : array.members) json["members"].push_back(json_of(member));
    put(json, "size", array.size);
    put(json, "metadata", array.metadata);
    put(json, "container", array.container);
    put(json, "subarray", array.subarray);
    put(json, "chunk", array.chunk);
    put(json, "rounding", array.rounding);
    put(json, "algorithm", array.algorithm);
    put(json, "layout", array.layout);
    put(json, "legs", array.legs);
    put(json, "in_sync", array.in_sync);
    put(json, "slots", array.slots);
    if (array.sync) json["sync"] = json_of(*array.sync);
    if (array.bitmap) json["bitmap"] = json_of(*array.bitmap);
    return json;
}

}  // namespace

void to_json(Json& json, const Mdstat& mdstat)
{
    json = {{"personalities", mdstat.personalities},
            {"arrays", Json::array()},
            {"unused_devices", mdstat.unused}};
    for (const MdstatArray& array : mdstat.arrays) json["arrays"].push_back(json_of(array));
}

}  // namespace belay::storage::parse
