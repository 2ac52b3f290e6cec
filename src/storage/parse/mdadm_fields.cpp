#include "storage/parse/mdadm_text.h"

#include <algorithm>

namespace belay::storage::parse {

std::string MdadmFields::text(const std::string& name)
{
    const auto node = values_.extract(name);
    return node.empty() ? std::string() : std::move(node.mapped());
}

std::optional<uint64_t> MdadmFields::number(const std::string& name)
{
    const auto found = values_.find(name);
    const auto number = found == values_.end() ? std::nullopt : whole_number(found->second);
    if (number) values_.erase(found);
    return number;
}

std::optional<uint64_t> MdadmFields::leading_number(const std::string& name)
{
    const auto found = values_.find(name);
    if (found == values_.end()) return std::nullopt;
    std::string_view rest = found->second;
    const auto number = whole_number(take_word(rest));
    if (number) values_.erase(found);
    return number;
}

std::optional<uint64_t> MdadmFields::bytes(const std::string& name, std::initializer_list<uint64_t> units)
{
    const auto found = values_.find(name);
    const auto bytes = found == values_.end() ? std::nullopt : mdadm_bytes(found->second, units);
    if (bytes) values_.erase(found);
    return bytes;
}

std::optional<uint64_t> MdadmFields::chunk(const std::string& name)
{
    const auto found = values_.find(name);
    const auto bytes = found == values_.end() ? std::nullopt : with_unit(found->second);
    if (bytes) values_.erase(found);
    return bytes;
}

std::map<std::string, std::string> MdadmFields::rest() const
{
    std::map<std::string, std::string> rest = values_;
    std::erase_if(rest, [](const auto& field) { return field.second.empty() || field.first.empty(); });
    return rest;
}

std::vector<uint64_t> MdadmFields::numbers_behind(std::string_view name) const
{
    std::vector<uint64_t> numbers;
    for (auto field = values_.lower_bound(std::string(name)); field != values_.end(); ++field) {
        if (!field->first.starts_with(name)) break;
        const auto number = whole_number(std::string_view(field->first).substr(name.size()));
        if (number) numbers.push_back(*number);
    }
    std::ranges::sort(numbers);
    return numbers;
}

MdadmName mdadm_name(const std::string& value)
{
    const size_t local = value.find("(local to host ");
    if (local == std::string::npos) return {value, {}};
    std::string_view host = std::string_view(value).substr(local + 15);
    host = host.substr(0, host.rfind(')'));
    return {std::string(trimmed(std::string_view(value).substr(0, local))), std::string(host)};
}

std::optional<uint64_t> mdadm_bytes(std::string_view value, std::initializer_list<uint64_t> units)
{
    const auto number = whole_number(take_word(value));
    const std::string_view unit = take_word(value);
    std::vector<uint64_t> possible(units);
    if (unit == "sectors") possible = {512};
    if (unit == "KiB") possible = {1024};
    const size_t bracket = unit.starts_with('(') ? 1 : value.find('(') == std::string_view::npos ? 0 : 2;
    if (bracket == 0) return possible.size() == 1 ? times(number, possible.front()) : std::nullopt;

    std::string_view inside = bracket == 2 ? value.substr(value.find('(') + 1) : std::string_view();
    const std::string_view amount = bracket == 1 ? unit.substr(1) : take_word(inside);
    const std::string_view shown_unit = bracket == 1 ? take_word(value) : take_word(inside);
    const auto shown = decimal(amount);
    const auto scale = with_unit(fmt::format("1{}", shown_unit));
    if (!shown || !scale) return std::nullopt;
    for (const uint64_t factor : possible) {
        const auto bytes = times(number, factor);
        if (!bytes) continue;
        // Two digits after the point are printed, and mdadm divides by a rounded number: 101.875 is 101.89.
        const double off = static_cast<double>(*bytes) / static_cast<double>(*scale) - *shown;
        const double allowed = 0.011 + *shown / 1000;
        if (off > -allowed && off < allowed) return bytes;
    }
    return std::nullopt;
}

}  // namespace belay::storage::parse
