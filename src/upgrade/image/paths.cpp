#include "upgrade/image/paths.h"

#include <algorithm>

namespace belay::upgrade::image {
namespace {

constexpr size_t longest_path = 4096, longest_part = 255;

/// A name of an archive may be any bytes, and as many.
std::string_view shown(std::string_view path)
{
    return path.substr(0, 200);
}

std::unexpected<Error> refused_path(std::string_view path, std::string_view reason)
{
    return fail(ErrorKind::refused, fmt::format("\"{}\" is no name in an image: {}", shown(path), reason));
}

std::unexpected<Error> refused_link(std::string_view path, std::string_view target, std::string_view reason)
{
    return fail(ErrorKind::refused,
                fmt::format("the link \"{}\" to \"{}\" {}", shown(path), shown(target), reason));
}

/// The first part of a path, taken off it.
std::string_view take_part(std::string_view& rest)
{
    const std::string_view part = rest.substr(0, rest.find('/'));
    rest.remove_prefix(std::min(part.size() + 1, rest.size()));
    return part;
}

}  // namespace

Result<void> check_path(std::string_view path)
{
    if (path.empty()) return refused_path(path, "it is empty");
    if (path.size() > longest_path)
        return refused_path(path, fmt::format("it has more than {} bytes", longest_path));
    if (path.front() == '/') return refused_path(path, "it is absolute");
    if (path.back() == '/') return refused_path(path, "it ends with a slash");
    if (path.find('\0') != std::string_view::npos) return refused_path(path, "it has a zero byte");
    for (std::string_view rest = path; !rest.empty();) {
        const std::string_view part = take_part(rest);
        if (part.empty() || part == "." || part == "..")
            return refused_path(path, fmt::format("\"{}\" is a part of it", part));
        if (part.size() > longest_part)
            return refused_path(path, fmt::format("a part of it has more than {} bytes", longest_part));
    }
    if (path == ".image" || path.starts_with(".image/"))
        return refused_path(path, "Belay keeps its own files under .image");
    return {};
}

Result<void> check_link(std::string_view path, std::string_view target)
{
    if (target.empty() || target.size() > longest_path || target.find('\0') != std::string_view::npos)
        return refused_link(path, target, "has no target that a link can have");
    if (target.front() == '/') return refused_link(path, target, "leads out of the image: it is absolute");
    auto depth = std::ranges::count(path, '/');
    bool is_at_beginning = true;
    for (std::string_view rest = target; !rest.empty();) {
        const std::string_view part = take_part(rest);
        if (part != "..") {
            is_at_beginning = is_at_beginning && (part.empty() || part == ".");
            continue;
        }
        if (!is_at_beginning)
            return refused_link(path, target, "has \"..\" behind a name: it stands at the beginning alone");
        if (--depth < 0) return refused_link(path, target, "leads out of the image");
    }
    return {};
}

std::string_view parent_of(std::string_view path)
{
    const size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

}  // namespace belay::upgrade::image
