#include "framework/configuration/endpoint.h"

#include <algorithm>
#include <charconv>

namespace belay::framework::configuration {
namespace {

constexpr size_t most_host_bytes = 253;
constexpr size_t most_mail_bytes = 254;
constexpr size_t most_local_bytes = 64;
constexpr size_t most_url_bytes = 2048;
constexpr size_t most_oid_numbers = 128;

bool is_plain(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// A name of letters, digits, "-", "_" and dots between its labels.
bool is_name_of_host(std::string_view text)
{
    const auto belongs = [](char c) { return is_plain(c) || c == '-' || c == '_' || c == '.'; };
    return !text.empty() && text.size() <= most_host_bytes && std::ranges::all_of(text, belongs) &&
           text.front() != '-' && text.front() != '.' && !text.contains("..");
}

/// Between brackets, where a zone may stand as well.
bool is_ipv6(std::string_view text)
{
    const auto belongs = [](char c) { return is_plain(c) || c == ':' || c == '.' || c == '%' || c == '-'; };
    return text.contains(':') && text.size() <= most_host_bytes && std::ranges::all_of(text, belongs);
}

/// In a sentence about it, whatever it is.
std::string shown_address(std::string_view text)
{
    constexpr size_t most = 80;
    std::string shown(text.substr(0, most));
    std::ranges::replace_if(shown, [](char c) { return c < ' ' || c == 0x7f; }, '?');
    return shown;
}

}  // namespace

Result<Endpoint> parse_endpoint(std::string_view text)
{
    const auto wrong = [&] {
        return fail(
            ErrorKind::usage,
            fmt::format("\"{}\" is no address: write HOST:PORT, as \"192.0.2.7:161\"", shown_address(text)));
    };
    const size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return wrong();
    std::string_view host = text.substr(0, colon);
    const std::string_view digits = text.substr(colon + 1);
    const bool in_brackets = host.starts_with('[') && host.ends_with(']');
    if (in_brackets) host = host.substr(1, host.size() - 2);
    if (in_brackets ? !is_ipv6(host) : !is_name_of_host(host)) return wrong();
    Endpoint endpoint{.host = std::string(host), .port = 0};
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), endpoint.port);
    if (read.ec != std::errc() || read.ptr != digits.data() + digits.size() || endpoint.port == 0)
        return wrong();
    return endpoint;
}

bool is_oid(std::string_view text)
{
    size_t numbers = 0;
    bool is_first = true;
    for (const char *at = text.data(), *const end = at + text.size();; ++at) {
        uint32_t number = 0;
        const auto read = std::from_chars(at, end, number);
        if (read.ec != std::errc() || ++numbers > most_oid_numbers) return false;
        if (is_first && number > 2) return false;
        is_first = false;
        at = read.ptr;
        if (at == end) return numbers >= 2;
        if (*at != '.') return false;
    }
}

Result<void> check_mail_address(std::string_view text)
{
    const auto belongs = [](char c) {
        return is_plain(c) || std::string_view("!#$%&'*+-/=?^_`{|}~.").contains(c);
    };
    const size_t at = text.find('@');
    const std::string_view local = text.substr(0, std::min(at, text.size()));
    const bool is_good = text.size() <= most_mail_bytes && at != std::string_view::npos && !local.empty() &&
                         local.size() <= most_local_bytes && std::ranges::all_of(local, belongs) &&
                         local.front() != '.' && local.back() != '.' && !local.contains("..") &&
                         is_name_of_host(text.substr(at + 1));
    if (is_good) return {};
    return fail(ErrorKind::usage,
                fmt::format("\"{}\" is no mail address: write it alone, as \"anna@example.org\"",
                            shown_address(text)));
}

Result<void> check_url(std::string_view text, bool with_token)
{
    const auto wrong = [&](std::string_view why) {
        return fail(ErrorKind::usage, fmt::format("\"{}\" {}", shown_address(text), why));
    };
    const bool is_secure = text.starts_with("https://");
    if (!is_secure && !text.starts_with("http://"))
        return wrong("is no address of a webhook: write https://HOST/PATH");
    if (!is_secure && with_token) return wrong("would send the token in the clear: write https://");
    const std::string_view rest = text.substr(text.find("//") + 2);
    const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
    if (text.size() > most_url_bytes) return wrong("is too long for the address of a webhook");
    const bool is_clean = std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f && c != '\\'; });
    if (!is_clean || authority.empty()) return wrong("is no address of a webhook: write https://HOST/PATH");
    if (authority.contains('@')) return wrong("has a name or a password in it: write the token as \"token\"");
    return {};
}

}  // namespace belay::framework::configuration
