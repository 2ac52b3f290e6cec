#include "backup/backend/location.h"

#include "backup/backend/rest_listing.h"
#include "base/testing/must.h"

namespace belay::backup {
namespace {

/// Where it is, or what is wrong with it.
std::string opened(std::string_view location)
{
    const Result<std::unique_ptr<Backend>> place = open_place(location, {});
    if (place) return (*place)->location();
    CHECK(place.error().kind == ErrorKind::usage);
    CHECK(place.error().what.find("secret") == std::string::npos);
    CHECK(!place.error().next.empty());
    return "usage: " + place.error().what;
}

TEST_CASE("a location is read as restic reads it")
{
    CHECK(opened("/srv/repository") == "/srv/repository");
    CHECK(opened("local:/srv/repository") == "/srv/repository");
    CHECK(opened("local:relative:1") == "relative:1");
    CHECK(opened("repository") == "repository");
    CHECK(opened("./a:b") == "./a:b");
    CHECK(opened("/a:b") == "/a:b");
    CHECK(opened("rest:http://host:8000/") == "rest:http://host:8000/");
    CHECK(opened("rest:http://host:8000") == "rest:http://host:8000/");
    CHECK(opened("rest:https://user:secret@host/some/path") == "rest:https://host/some/path/");
    CHECK(opened("rest:http://user@[::1]:8000/") == "rest:http://[::1]:8000/");
    CHECK(opened("rest:http://u:sec%2fret@host/") == "rest:http://host/");
}

TEST_CASE("a location that is none is refused in one sentence, and no password is shown")
{
    CHECK(opened("s3:s3.example.org/secret") ==
          "usage: Belay has repositories in folders and on REST servers, not in s3:");
    CHECK(opened("sftp:user@host:/srv") ==
          "usage: Belay has repositories in folders and on REST servers, not in sftp:");
    CHECK(opened("http://u:secret@host/") == "usage: a repository is not at http: but at rest:http:");
    const std::string unknown =
        "usage: the location of the repository begins with a scheme that nobody knows";
    CHECK(opened("host:secret") == unknown);
    const std::string nowhere = "usage: the location of the repository names no folder";
    CHECK(opened("") == nowhere);
    CHECK(opened("local:") == nowhere);
    CHECK(opened(std::string_view("a\0b", 3)) == nowhere);
    CHECK(opened("rest:") == "usage: the location of the REST server is no URL");
    CHECK(opened("rest:http://u:secret@host:port/") == "usage: the location of the REST server is no URL");
    CHECK(opened("rest:http://u:secret@ho st/") == "usage: the location of the REST server is no URL");
    CHECK(opened("rest:ftp://u:secret@host/") ==
          "usage: the location of the REST server begins with neither http:// nor https://");
    CHECK(opened("rest:http://host/?secret=1") == "usage: the location of the REST server ends with a query");
}

TEST_CASE("a location is shown without user and password")
{
    CHECK(shown_location("/srv/repository") == "/srv/repository");
    CHECK(shown_location("rest:http://user:secret@host:8000/path") == "rest:http://host:8000/path/");
    CHECK(shown_location("rest:http://user:secret@host:port/") == "?");
    CHECK(shown_location("http://user:secret@host/") == "?");
}

TEST_CASE("a URL gets the account that it lacks, and is read as it was meant")
{
    const auto with = [](const std::string& url) {
        return RestBackend::url_with_account(url, "so:me/one", "p@ss w%rd");
    };
    CHECK(with("https://host:8000/a/") == "https://so%3ame%2fone:p%40ss%20w%25rd@host:8000/a/");
    CHECK(with("http://anna@host/") == "http://anna:p%40ss%20w%25rd@host/");
    CHECK(with("http://anna:hers@host/") == "http://anna:hers@host/");
    CHECK(with("http://host:port/") == "http://host:port/");
    CHECK(RestBackend::url_with_account("http://host/", "", "nobody's") == "http://host/");
    // All of it comes back.
    RestOptions options;
    const std::unique_ptr<RestBackend> place = must(RestBackend::at(with("http://host/"), options));
    CHECK(place->http().user == "so:me/one");
    CHECK(place->http().password == "p@ss w%rd");
}

TEST_CASE("a list of a server is read in both versions, and what is no list is refused")
{
    const std::string id = Id::of("a").hex();
    const auto files = [&](std::string_view text) -> std::string {
        const Result<RestListing> listing = read_rest_listing(text, true);
        if (!listing) return std::string(name_of(listing.error().kind));
        std::string all;
        for (const ListedFile& file : listing->files)
            all += fmt::format("{}:{} ", file.id.hex() == id, file.size);
        return all;
    };
    CHECK(files("[]").empty());
    CHECK(files(" null\n").empty());
    CHECK(files(fmt::format(R"([{{"name":"{0}","size":5}},{{"size":0,"name":"{0}"}}])", id)) ==
          "true:5 true:0 ");
    CHECK(files(R"([{"name":"readme","size":5}])").empty());
    CHECK(files(fmt::format(R"([{{"name":"{}","size":18446744073709551615}}])", id)) ==
          "true:18446744073709551615 ");
    // Fields that a later server may add.
    CHECK(files(fmt::format(R"([{{"name":"{}","more":{{"a":[1]}},"list":[[]],"size":1}}])", id)) ==
          "true:1 ");
    for (const std::string_view wrong : {"", "{}", "5", "[5]", "[\"name\"]", "[{}]", "[[]",
                                         "[{\"name\":1,\"size\":1}]", "[{\"name\":\"a\",\"size\":-1}]",
                                         "[{\"name\":\"a\",\"size\":1.5}]", "[{\"name\":\"a\"}]", "[] []"}) {
        INFO(wrong);
        CHECK(files(wrong) == "corrupt");
    }
    CHECK(must(read_rest_listing(fmt::format(R"(["{}","readme"])", id), false)).names.size() == 1);
    CHECK(!read_rest_listing(R"([{"name":"a","size":1}])", false));
    CHECK(!read_rest_listing("[1]", false));
}

}  // namespace
}  // namespace belay::backup
