#include "backup/catalog/model.h"

#include <algorithm>

namespace belay::backup::catalog {

bool is_identity(std::string_view text)
{
    constexpr size_t identity_digits = 32;
    return text.size() == identity_digits &&
           std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string identity_of(const std::vector<std::string>& tags)
{
    for (const std::string& tag : tags) {
        if (tag.starts_with(identity_tag) && is_identity(std::string_view(tag).substr(identity_tag.size())))
            return tag.substr(identity_tag.size());
    }
    return {};
}

std::string Client::key() const
{
    constexpr size_t short_digits = 8;
    if (!identity.empty()) return identity;
    const std::string place = repository ? hex_of(*repository).substr(0, short_digits) : std::string();
    return host.empty() ? place : place + ":" + host;
}

}  // namespace belay::backup::catalog
