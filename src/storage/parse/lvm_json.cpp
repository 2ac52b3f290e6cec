#include "storage/parse/fields.h"
#include "storage/parse/lvm.h"

namespace belay::storage::parse {
namespace {

struct Letter {
    char letter;
    const char* meaning;
};

/// What the letter at a place says; nothing for "-" and for letters that nobody knows.
template <size_t count>
void put_letter(std::map<std::string, std::string>& meaning, const char* name, std::string_view attr,
                size_t place, const Letter (&letters)[count])
{
    if (place >= attr.size()) return;
    for (const Letter& known : letters) {
        if (known.letter == attr[place]) meaning.emplace(name, known.meaning);
    }
}

constexpr Letter lv_types[] = {{'m', "mirrored"},
                               {'M', "mirrored without initial sync"},
                               {'o', "origin"},
                               {'O', "origin with merging snapshot"},
                               {'r', "raid"},
                               {'R', "raid without initial sync"},
                               {'s', "snapshot"},
                               {'S', "merging snapshot"},
                               {'p', "pvmove"},
                               {'v', "virtual"},
                               {'i', "mirror or raid image"},
                               {'I', "mirror or raid image out of sync"},
                               {'l', "mirror log"},
                               {'c', "under conversion"},
                               {'C', "cache"},
                               {'V', "thin volume"},
                               {'t', "thin pool"},
                               {'T', "thin pool data"},
                               {'e', "raid or pool metadata"},
                               {'d', "vdo pool"},
                               {'D', "vdo pool data"},
                               {'g', "integrity"}};
constexpr Letter lvm_permissions[] = {{'w', "writeable"}, {'r', "read-only"}, {'R', "read-only activation"}};
constexpr Letter lv_states[] = {{'a', "active"},
                                {'h', "historical"},
                                {'s', "suspended"},
                                {'I', "invalid snapshot"},
                                {'S', "invalid suspended snapshot"},
                                {'m', "snapshot merge failed"},
                                {'M', "suspended snapshot merge failed"},
                                {'d', "mapped device without tables"},
                                {'i', "mapped device with inactive table"},
                                {'c', "check needed"},
                                {'C', "suspended, check needed"},
                                {'X', "unknown"}};
constexpr Letter lv_health[] = {{'p', "partial"},
                                {'r', "refresh needed"},
                                {'m', "mismatches exist"},
                                {'w', "writemostly"},
                                {'R', "remove after reshape"},
                                {'s', "reshaping"},
                                {'F', "failed"},
                                {'D', "out of data space"},
                                {'M', "metadata read-only"},
                                {'E', "writecache error"},
                                {'X', "unknown"}};
constexpr Letter lv_opened[] = {{'o', "open"}, {'X', "unknown"}};

void put_common(Json& json, const std::string& name, const std::string& uuid, const std::string& attr,
                const std::vector<std::string>& tags)
{
    put(json, "name", name);
    put(json, "uuid", uuid);
    put(json, "attr", attr);
    put(json, "tags", tags);
}

void put_fields(Json& json, const LvmFields& fields)
{
    if (!fields.empty()) json["fields"] = fields;
}

Json json_of(const LvmGroup& group)
{
    Json json = Json::object();
    put_common(json, group.name, group.uuid, group.attr, group.tags);
    put(json, "attributes", vg_attr_meaning(group.attr));
    put(json, "size", group.size);
    put(json, "free", group.free);
    put(json, "extent_size", group.extent_size);
    put(json, "extents", group.extents);
    put(json, "free_extents", group.free_extents);
    put_fields(json, group.fields);
    return json;
}

Json json_of(const LvmPhysical& pv)
{
    Json json = Json::object();
    put_common(json, pv.name, pv.uuid, pv.attr, pv.tags);
    put(json, "attributes", pv_attr_meaning(pv.attr));
    put(json, "vg", pv.group);
    put(json, "size", pv.size);
    put(json, "free", pv.free);
    put(json, "used", pv.used);
    put(json, "device_size", pv.device_size);
    put_fields(json, pv.fields);
    return json;
}

Json json_of(const LvmLogical& lv)
{
    Json json = Json::object();
    put_common(json, lv.name, lv.uuid, lv.attr, lv.tags);
    put(json, "attributes", lv_attr_meaning(lv.attr));
    if (lv.hidden) json["hidden"] = true;
    put(json, "vg", lv.group);
    put(json, "origin", lv.origin);
    put(json, "pool", lv.pool);
    put(json, "data_lv", lv.data_lv);
    put(json, "metadata_lv", lv.metadata_lv);
    put(json, "size", lv.size);
    put(json, "data_percent", lv.data_percent);
    put(json, "metadata_percent", lv.metadata_percent);
    put(json, "sync_percent", lv.sync_percent);
    put(json, "devices", lv.devices);
    put_fields(json, lv.fields);
    return json;
}

Json json_of(const LvmSegment& segment)
{
    Json json = Json::object();
    put(json, "lv_uuid", segment.lv_uuid);
    put(json, "pv_uuid", segment.pv_uuid);
    put(json, "type", segment.type);
    put_fields(json, segment.fields);
    return json;
}

template <typename T>
Json list_of(const std::vector<T>& list)
{
    Json json = Json::array();
    for (const T& one : list) json.push_back(json_of(one));
    return json;
}

}  // namespace

std::map<std::string, std::string> lv_attr_meaning(std::string_view attr)
{
    std::map<std::string, std::string> meaning;
    put_letter(meaning, "type", attr, 0, lv_types);
    put_letter(meaning, "permissions", attr, 1, lvm_permissions);
    put_letter(meaning, "state", attr, 4, lv_states);
    put_letter(meaning, "open", attr, 5, lv_opened);
    put_letter(meaning, "health", attr, 8, lv_health);
    return meaning;
}

std::map<std::string, std::string> vg_attr_meaning(std::string_view attr)
{
    std::map<std::string, std::string> meaning;
    put_letter(meaning, "permissions", attr, 0, lvm_permissions);
    put_letter(meaning, "resizeable", attr, 1, {{'z', "resizeable"}});
    put_letter(meaning, "exported", attr, 2, {{'x', "exported"}});
    put_letter(meaning, "partial", attr, 3, {{'p', "partial"}});
    put_letter(meaning, "allocation", attr, 4,
               {{'c', "contiguous"}, {'l', "cling"}, {'n', "normal"}, {'a', "anywhere"}, {'i', "inherited"}});
    put_letter(meaning, "shared", attr, 5, {{'c', "clustered"}, {'s', "shared"}});
    return meaning;
}

std::map<std::string, std::string> pv_attr_meaning(std::string_view attr)
{
    std::map<std::string, std::string> meaning;
    put_letter(meaning, "use", attr, 0, {{'d', "duplicate"}, {'a', "allocatable"}, {'u', "used"}});
    put_letter(meaning, "exported", attr, 1, {{'x', "exported"}});
    put_letter(meaning, "missing", attr, 2, {{'m', "missing"}});
    return meaning;
}

void to_json(Json& json, const Lvm& lvm)
{
    json = {{"vgs", list_of(lvm.groups)},
            {"pvs", list_of(lvm.physical)},
            {"lvs", list_of(lvm.logical)},
            {"segments", list_of(lvm.segments)},
            {"pv_segments", list_of(lvm.physical_segments)}};
    if (!lvm.log.empty()) json["log"] = lvm.log;
}

}  // namespace belay::storage::parse
