#include "site/media/request_path.h"

#include "base/testing/must.h"
#include "site/media/byte_range.h"

namespace belay::media {
namespace {

constexpr const char* id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

TEST_CASE("paths of a repository, of its files and lists")
{
    using What = RequestPath::What;
    const RequestPath repository = must(parse_request_path("/anna/"));
    CHECK(repository.what == What::repository);
    CHECK(repository.repository() == "anna");
    CHECK(must(parse_request_path("/anna")).what == What::repository);
    CHECK(must(parse_request_path("/anna/of%20mine/2/")).repository() == "anna/of mine/2");
    CHECK(must(parse_request_path("/anna/r/config")).what == What::config);
    CHECK(must(parse_request_path("/anna/r/data/")).what == What::list);
    CHECK(must(parse_request_path("/anna/r/locks")).kind == Kind::locks);
    const RequestPath file = must(parse_request_path(std::string("/anna/r/keys/") + id));
    CHECK(file.what == What::file);
    CHECK(file.kind == Kind::keys);
    CHECK(file.name == id);
    CHECK(file.folders == std::vector<std::string>{"r"});
}

TEST_CASE("paths that are of no repository")
{
    const std::string with_id = id;
    for (const std::string& path : std::vector<std::string>{"",
                                                            "/",
                                                            "//",
                                                            "anna/",
                                                            "/config",
                                                            "/data/",
                                                            "/data/" + with_id,
                                                            "/anna//r/",
                                                            "/anna/./r/",
                                                            "/anna/../r/",
                                                            "/anna/.hidden/",
                                                            "/anna/%2e%2e/",
                                                            "/anna/a%2fb/",
                                                            "/anna/a%00b/",
                                                            "/anna/a%0ab/",
                                                            "/anna/%zz/",
                                                            "/anna/%4",
                                                            "/anna/\xff/",
                                                            "/anna/data/" + with_id + "/",
                                                            "/anna/data/" + with_id + "0",
                                                            "/anna/data/ABCDEF" + with_id.substr(6),
                                                            "/anna/keys/config",
                                                            "/anna/keys/data/" + with_id,
                                                            "/anna/config/config",
                                                            "/a/b/c/d/e/f/g/h/i/j/",
                                                            "/" + std::string(300, 'a') + "/"}) {
        CHECK_MESSAGE(!parse_request_path(path), path);
    }
}

TEST_CASE("parts of a file")
{
    ByteRange range;
    CHECK(find_range("", 10, range) == RangeFound::whole);
    CHECK(find_range("bytes=2-4", 10, range) == RangeFound::part);
    CHECK(range.offset == 2);
    CHECK(range.length == 3);
    CHECK(find_range("bytes=-4", 10, range) == RangeFound::part);
    CHECK(range.offset == 6);
    CHECK(find_range("bytes=-40", 10, range) == RangeFound::part);
    CHECK(range.length == 10);
    CHECK(find_range("bytes=10-", 10, range) == RangeFound::beyond);
    CHECK(find_range("bytes=-0", 10, range) == RangeFound::beyond);
    CHECK(find_range("bytes=0-", 0, range) == RangeFound::beyond);
    for (const char* whole : {"bytes=", "bytes=-", "bytes=a-b", "bytes=1-2,4-5", "bytes=4-2", "bytes=+1-2",
                              "bytes=18446744073709551616-", "items=1-2"})
        CHECK_MESSAGE(find_range(whole, 10, range) == RangeFound::whole, whole);
    CHECK(find_range("bytes=1-18446744073709551615", 10, range) == RangeFound::part);
    CHECK(range.length == 9);
}

}  // namespace
}  // namespace belay::media
