#include "upgrade/iosxe/show/software.h"

namespace belay::upgrade::iosxe::show {

std::optional<Software> software_of(std::string_view text)
{
    constexpr std::string_view before_image = " Software (";
    constexpr std::string_view before_version = "Version ";
    const bool is_known = text.starts_with("Cisco IOS Software") || text.starts_with("IOS (tm)");
    const size_t image = text.find(before_image);
    if (!is_known || image == std::string_view::npos) return std::nullopt;
    Software found;
    if (const auto name = after(text, "Cisco IOS Software ["))
        found.code_name = name->substr(0, std::min(name->find(']'), name->size()));
    const std::string_view tail = text.substr(image);
    const auto inside = between(tail, '(', ')');
    const size_t version = tail.find(before_version);
    if (!inside || inside->empty() || version == std::string_view::npos) return std::nullopt;
    std::string_view name = text.substr(0, image);
    if (const size_t comma = name.rfind(", "); comma != std::string_view::npos)
        name.remove_prefix(comma + 2);
    else if (const auto rest = after(name, "IOS (tm)"))
        name = *rest;
    found.name = printed::trimmed(name);
    found.image = *inside;
    std::string_view rest = tail.substr(version + before_version.size());
    std::string_view number = printed::take_word(rest);
    if (number.ends_with(',')) number.remove_suffix(1);
    if (number.empty()) return std::nullopt;
    found.version = number;
    found.label = printed::trimmed(rest);
    return found;
}

std::optional<Compiled> compiled_of(std::string_view text)
{
    const auto rest = after(text, "Compiled ");
    const size_t by = rest ? rest->rfind(" by ") : std::string_view::npos;
    if (by == std::string_view::npos) return std::nullopt;
    return Compiled{.when = std::string(rest->substr(0, by)),
                    .by = std::string(printed::trimmed(rest->substr(by + 4)))};
}

}  // namespace belay::upgrade::iosxe::show
