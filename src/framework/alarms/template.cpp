#include "framework/alarms/template.h"

namespace belay::framework::alarms {
namespace {

constexpr size_t longest_name = 32;

void cut_filled(std::string& text)
{
    if (text.size() <= most_filled) return;
    size_t end = most_filled;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) --end;
    text.resize(end);
}

}  // namespace

std::string filled(std::string_view text, const std::map<std::string, std::string, std::less<>>& values)
{
    std::string result;
    while (!text.empty() && result.size() <= most_filled) {
        const size_t brace = text.find('{');
        result += text.substr(0, brace);
        if (brace == std::string_view::npos) break;
        text.remove_prefix(brace);
        if (text.starts_with("{{")) {
            result += '{';
            text.remove_prefix(2);
            continue;
        }
        const size_t end = text.substr(0, longest_name + 2).find('}');
        const auto value =
            end == std::string_view::npos ? values.end() : values.find(text.substr(1, end - 1));
        result += value == values.end() ? std::string_view("{") : std::string_view(value->second);
        text.remove_prefix(value == values.end() ? 1 : end + 1);
    }
    cut_filled(result);
    return result;
}

}  // namespace belay::framework::alarms
