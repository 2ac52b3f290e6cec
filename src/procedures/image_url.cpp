#include "procedures/image_url.h"

#include "framework/configuration/endpoint.h"

#include <algorithm>

namespace belay::procedures {
namespace {

constexpr std::string_view secure = "https://";
constexpr size_t longest_fetched_line = 254;

bool is_letter_or_digit(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool consists_of(std::string_view text, std::string_view others)
{
    return std::ranges::all_of(text, [&](char c) { return is_letter_or_digit(c) || others.contains(c); });
}

std::unexpected<Error> wrong_url(std::string_view why)
{
    return fail(ErrorKind::usage, fmt::format("the URL of the image {}", why),
                "--image https://HOST/PATH/cat9k_iosxe.17.09.05.SPA.bin");
}

}  // namespace

Result<std::string> file_of_image_url(const std::string& url)
{
    // First of all, so that no other sentence shows it.
    if (url.contains('@'))
        return wrong_url(
            "has a name or a password in it, which would stand in the plan, on the device's line and in the "
            "transcript: let the server give the image to that network without one");
    if (url.starts_with("http://"))
        return wrong_url(
            "is one of http, which is not encrypted: whoever is on the way reads what a switch in service "
            "will run, and can hand it something else, as much as its flash holds, before the digest shows "
            "it");
    if (!url.starts_with(secure)) return wrong_url("does not begin with https://");
    const std::string_view rest = std::string_view(url).substr(secure.size());
    const size_t slash = std::min(rest.find('/'), rest.size());
    const std::string_view authority = rest.substr(0, slash), path = rest.substr(slash);
    const bool has_port = authority.ends_with(']') ? false : authority.rfind(':') != std::string_view::npos;
    const bool is_host = framework::configuration::parse_endpoint(has_port ? std::string(authority)
                                                                           : fmt::format("{}:443", authority))
                             .has_value();
    if (!is_host || authority.contains('%')) return wrong_url("has no host, or a port that is none");
    if (!consists_of(path, "/._~-+=,%"))
        return wrong_url(
            "has something in its path that a command line of the device may take for something else: it is "
            "of letters, digits and ._~-+=,% with a / between");
    std::string file(path.substr(path.rfind('/') + 1));
    if (path.empty() || file.empty()) return wrong_url("names no file behind its last /");
    if (!consists_of(file, "._-+") || file.front() == '.' || file.front() == '-')
        return wrong_url("names a file that no flash has: it is of letters, digits and ._-+");
    return file;
}

Result<void> check_fetched_line(const std::string& line)
{
    if (line.size() <= longest_fetched_line) return {};
    return wrong_url(
        fmt::format("is too long: the line \"copy URL flash:FILE\" has {} characters, and the "
                    "device takes {}",
                    line.size(), longest_fetched_line));
}

}  // namespace belay::procedures
