#include "site/media/request_path.h"

#include "base/utf8.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace belay::media {
namespace {

constexpr size_t id_digits = 64;
constexpr size_t longest_name = 200;

std::optional<Kind> kind_named(std::string_view name)
{
    for (const Kind kind : all_kinds)
        if (name == name_of(kind)) return kind;
    return {};
}

/// What stands behind the percent signs; nothing where one stands wrongly, or hides what parts names.
std::optional<std::string> without_percent_signs(std::string_view text)
{
    std::string plain;
    for (size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '%') {
            plain += text[at];
            continue;
        }
        if (at + 2 >= text.size()) return {};
        unsigned char byte = 0;
        const char* const digits = text.data() + at + 1;
        const auto [end, problem] = std::from_chars(digits, digits + 2, byte, 16);
        if (problem != std::errc() || end != digits + 2 || byte == 0 || byte == '/') return {};
        plain += static_cast<char>(byte);
        at += 2;
    }
    return plain;
}

/// A name that leads nowhere but one folder down, and that nobody but its owner makes there.
bool is_name_of_folder(std::string_view name)
{
    return !name.empty() && name.size() <= longest_name && name.front() != '.' && is_utf8(name) &&
           std::ranges::none_of(
               name, [](unsigned char letter) { return letter < ' ' || letter == 0x7f || letter == '/'; });
}

Error no_path()
{
    return {.kind = ErrorKind::usage, .what = "this path is of no repository"};
}

}  // namespace

std::string_view name_of(Kind kind)
{
    switch (kind) {
        case Kind::data:
            return "data";
        case Kind::keys:
            return "keys";
        case Kind::locks:
            return "locks";
        case Kind::snapshots:
            return "snapshots";
        case Kind::index:
            return "index";
    }
    return "";
}

std::string RequestPath::repository() const
{
    std::string all = space;
    for (const std::string& folder : folders) all += "/" + folder;
    return all;
}

bool is_id(std::string_view name)
{
    return name.size() == id_digits && std::ranges::all_of(name, [](char letter) {
               return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'f');
           });
}

bool is_name_of_space(std::string_view name)
{
    return is_name_of_folder(name) && !kind_named(name) && name != "config";
}

Result<RequestPath> parse_request_path(std::string_view path)
{
    if (!path.starts_with('/')) return std::unexpected(no_path());
    path.remove_prefix(1);
    const bool is_folder = path.empty() || path.ends_with('/');
    if (path.ends_with('/')) path.remove_suffix(1);
    std::vector<std::string> names;
    for (size_t from = 0; from <= path.size() && !path.empty();) {
        const size_t slash = std::min(path.find('/', from), path.size());
        std::optional<std::string> name = without_percent_signs(path.substr(from, slash - from));
        if (!name || !is_name_of_folder(*name) || names.size() > RequestPath::most_folders + 2)
            return std::unexpected(no_path());
        names.push_back(std::move(*name));
        from = slash + 1;
    }

    RequestPath request;
    const std::optional<Kind> last = names.empty() ? std::nullopt : kind_named(names.back());
    const std::optional<Kind> before = names.size() < 2 ? std::nullopt : kind_named(names[names.size() - 2]);
    size_t own_names = 0;
    if (before && !is_folder) {
        if (!is_id(names.back()))
            return fail(ErrorKind::usage,
                        fmt::format("a file in {} is named by its SHA-256, 64 digits", name_of(*before)));
        request.what = RequestPath::What::file;
        request.kind = *before;
        request.name = names.back();
        own_names = 2;
    } else if (last) {
        request.what = RequestPath::What::list;
        request.kind = *last;
        own_names = 1;
    } else if (!names.empty() && names.back() == "config" && !is_folder) {
        request.what = RequestPath::What::config;
        own_names = 1;
    }
    names.resize(names.size() - own_names);
    const bool is_of_repository =
        !names.empty() && names.size() <= RequestPath::most_folders + 1 &&
        std::ranges::all_of(names, [](const std::string& name) { return is_name_of_space(name); });
    if (!is_of_repository) return std::unexpected(no_path());
    request.space = std::move(names.front());
    request.folders.assign(std::make_move_iterator(names.begin() + 1), std::make_move_iterator(names.end()));
    return request;
}

}  // namespace belay::media
