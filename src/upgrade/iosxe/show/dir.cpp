#include "upgrade/iosxe/show/dir.h"

#include "upgrade/iosxe/show/fields.h"

#include <algorithm>

namespace belay::upgrade::iosxe::show {
namespace {

using printed::take_word;
using printed::trimmed;
using printed::whole_number;

constexpr Field<DirEntry> entry_fields[] = {
    {"", "name", &DirEntry::name},
    {"", "index", &DirEntry::index},
    {"", "permissions", &DirEntry::permissions},
    {"", "modified", &DirEntry::modified},
};

bool is_permissions(std::string_view text)
{
    return text.size() == 4 && text.find_first_not_of("drwx-") == std::string_view::npos;
}

/// "Nov 25 2016 19:32:53 -07:00" or "<no date>", taken off the front; nothing where it is no such thing.
std::optional<std::string> take_date(std::string_view& rest)
{
    constexpr std::string_view none = "<no date>";
    rest = trimmed(rest);
    if (rest.starts_with(none)) {
        rest.remove_prefix(none.size());
        return std::string();
    }
    const std::string_view month = take_word(rest), day = take_word(rest), year = take_word(rest),
                           time = take_word(rest), zone = take_word(rest);
    const bool is_date = month.size() == 3 && whole_number(day) && year.size() == 4 && whole_number(year) &&
                         time.size() == 8 && zone.size() == 6 && zone.find(':') == 3;
    if (!is_date) return std::nullopt;
    return fmt::format("{} {} {} {} {}", month, day, year, time, zone);
}

/// "   11  -rw-        16384  Nov 25 2016 19:32:53 -07:00  packages.conf".
std::optional<DirEntry> entry_of(std::string_view text)
{
    DirEntry entry;
    entry.index = whole_number(take_word(text));
    entry.permissions = take_word(text);
    const std::optional<uint64_t> size = whole_number(take_word(text));
    if (!entry.index || !is_permissions(entry.permissions) || !size) return std::nullopt;
    entry.size = Bytes{*size};
    const auto date = take_date(text);
    entry.name = trimmed(text);
    if (!date || entry.name.empty()) return std::nullopt;
    entry.modified = *date;
    return entry;
}

struct Room {
    Bytes total, free;
};

/// "11353194496 bytes total (8565174272 bytes free)", "122185728 bytes available (56934400 bytes used)".
std::optional<Room> room_of(std::string_view text)
{
    const std::optional<uint64_t> first = whole_number(take_word(text));
    const std::string_view bytes = take_word(text), what = take_word(text);
    const auto inside = between(text, '(', ')');
    if (!first || bytes != "bytes" || !inside) return std::nullopt;
    std::string_view rest = *inside;
    const std::optional<uint64_t> second = whole_number(take_word(rest));
    rest = trimmed(rest);
    if (!second) return std::nullopt;
    if (what == "total" && rest.starts_with("bytes free") && *second <= *first)
        return Room{.total = Bytes{*first}, .free = Bytes{*second}};
    if (what == "available" && rest == "bytes used" && *second <= UINT64_MAX - *first)
        return Room{.total = Bytes{*first + *second}, .free = Bytes{*first}};
    return std::nullopt;
}

}  // namespace

const DirEntry* Directory::find(std::string_view name) const
{
    const auto found = std::ranges::find(entries, name, &DirEntry::name);
    return found == entries.end() ? nullptr : &*found;
}

Result<Directory> read_dir(std::string_view text)
{
    const Shown all = TRY(shown(text, "dir"));
    Directory directory;
    bool has_room = false;
    for (const Line& line : all.lines) {
        const std::string_view one = trimmed(line.text);
        if (one.starts_with("%Error ") || one.starts_with("% Error "))
            return fail(ErrorKind::not_found, fmt::format("the device lists no such directory: {}", one),
                        "dir, which file systems there are: show file systems");
        if (has_room) return all.foreign(line.number, "there is text behind the room that is free");
        if (const auto path = after(one, "Directory of ")) {
            if (!directory.path.empty()) return all.foreign(line.number, "it is of several directories");
            directory.path = *path;
        } else if (directory.path.empty()) {
            return all.foreign(line.number, "it does not begin with the directory");
        } else if (const auto room = room_of(one)) {
            directory.total = room->total;
            directory.free = room->free;
            has_room = true;
        } else if (auto entry = entry_of(one)) {
            directory.entries.push_back(std::move(*entry));
        } else if (one != "No files in directory") {
            return all.foreign(line.number, fmt::format("\"{}\" is no file", one));
        }
    }
    if (has_twice(directory.entries, &DirEntry::name)) return all.foreign(0, "a file is there twice");
    if (!has_room) return all.cut("its last line, the room that is free, is not there");
    return directory;
}

void to_json(Json& json, const Directory& directory)
{
    json = {{"path", directory.path},
            {"total", directory.total.count},
            {"free", directory.free.count},
            {"entries", Json::array()}};
    for (const DirEntry& entry : directory.entries) {
        Json one = object_of(entry, entry_fields);
        one["size"] = entry.size.count;
        json["entries"].push_back(std::move(one));
    }
}

}  // namespace belay::upgrade::iosxe::show
