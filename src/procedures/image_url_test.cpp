#include "procedures/image_url.h"

#include <doctest/doctest.h>

namespace belay::procedures {
namespace {

std::string file_of(const std::string& url)
{
    const auto file = file_of_image_url(url);
    return file ? *file : "! " + file.error().what;
}

}  // namespace

TEST_CASE("the file of an https:// URL, whatever its host and port")
{
    CHECK(file_of("https://images.example.net/cat9k_iosxe.17.09.05.SPA.bin") ==
          "cat9k_iosxe.17.09.05.SPA.bin");
    CHECK(file_of("https://images.example.net:8443/a/b%20c/x.bin") == "x.bin");
    CHECK(file_of("https://192.0.2.40/x.bin") == "x.bin");
    CHECK(file_of("https://[2001:db8::1]/x.bin") == "x.bin");
    CHECK(file_of("https://[2001:db8::1]:8443/~anna/x+1.bin") == "x+1.bin");
}

TEST_CASE("a URL of an image that a device must not be given")
{
    const std::pair<std::string, const char*> all[] = {
        {"http://images.example.net/x.bin", "is not encrypted"},
        {"ftp://images.example.net/x.bin", "does not begin with https://"},
        {"HTTPS://images.example.net/x.bin", "does not begin with https://"},
        {"https:///x.bin", "no host"},
        {"https://:443/x.bin", "no host"},
        {"https://images.example.net:/x.bin", "no host"},
        {"https://images.example.net:99999/x.bin", "no host"},
        {"https://images example.net/x.bin", "no host"},
        {"https://[2001:db8::1/x.bin", "no host"},
        {"https://[fe80::1%eth0]/x.bin", "no host"},
        {"https://images.example.net\\x.bin", "no host"},
        {"https://images.example.net", "names no file"},
        {"https://images.example.net/", "names no file"},
        {"https://images.example.net/cat9k/", "names no file"},
        {"https://images.example.net/x.bin?y=1", "in its path"},
        {"https://images.example.net/x.bin#y", "in its path"},
        {"https://images.example.net/x y.bin", "in its path"},
        {"https://images.example.net/x|y.bin", "in its path"},
        {"https://images.example.net/x\"y.bin", "in its path"},
        {"https://images.example.net/x'y.bin", "in its path"},
        {"https://images.example.net/x\ny.bin", "in its path"},
        {"https://images.example.net/x\ty.bin", "in its path"},
        {"https://images.example.net/\xc3\xa4.bin", "in its path"},
        {"https://images.example.net/a%20b.bin", "no flash has"},
        {"https://images.example.net/..", "no flash has"},
    };
    for (const auto& [url, why] : all) {
        CAPTURE(url);
        const std::string said = file_of(url);
        CHECK(said.starts_with("! "));
        CHECK_MESSAGE(said.contains(why), said);
    }
}

TEST_CASE("a password in a URL is in no sentence about it")
{
    for (const char* url : {"https://anna:s3cret@images.example.net/x.bin", "http://anna:s3cret@h/x",
                            "https://h/anna:s3cret@x.bin"}) {
        const auto file = file_of_image_url(url);
        REQUIRE_FALSE(file);
        CHECK_FALSE(file.error().what.contains("s3cret"));
        CHECK(file.error().what.contains("a name or a password"));
    }
}

TEST_CASE("a line that is longer than the device takes is not typed")
{
    CHECK(check_fetched_line(std::string(254, 'x')));
    const auto longer = check_fetched_line(std::string(255, 'x'));
    REQUIRE_FALSE(longer);
    CHECK(longer.error().what.contains("255"));
}

}  // namespace belay::procedures
