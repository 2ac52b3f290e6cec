// The promises of backend.h, held by each kind of place.

#include "backup/backend/local.h"
#include "backup/backend/memory.h"
#include "place_promises.h"
#include "rest_server.h"

#include <algorithm>
#include <atomic>
#include <thread>

namespace belay::backup {
namespace {

AddsFile adds_below(const Scratch& scratch, const std::string& folder)
{
    return [&scratch, folder](const std::string& path) { scratch.write(folder + "/" + path, "foreign"); };
}

TEST_CASE("a repository in memory keeps the promises of a place")
{
    MemoryBackend place;
    keeps_its_promises(place, {});
}

TEST_CASE("a repository in a folder keeps the promises of a place")
{
    const Scratch scratch;
    LocalBackend place(scratch.path("deep/deeper/repository"));
    keeps_its_promises(place, adds_below(scratch, "deep/deeper/repository"));
}

TEST_CASE("a repository on a REST server keeps the promises of a place")
{
    const Scratch scratch;
    const RestServer server(scratch);
    keeps_its_promises(*server.place(), adds_below(scratch, "served/repository"), false);
}

TEST_CASE("a repository on a REST server with TLS keeps the promises of a place")
{
    const Scratch scratch;
    const RestServer server(scratch, {.tls = true, .wants_certificate = true});
    keeps_its_promises(*server.place(), adds_below(scratch, "served/repository"), false);
}

TEST_CASE("of many who make a repository in one folder at once, one does")
{
    const Scratch scratch;
    LocalBackend local(scratch.path("repository"));
    Backend& place = local;
    must(place.create());
    std::atomic<int> made = 0, refused = 0;
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 8; ++i)
            threads.emplace_back([&, i] {
                const Result<void> saved_config = place.save({}, fmt::format("config {}", i));
                ++(saved_config ? made : refused);
                if (!saved_config) CHECK(saved_config.error().kind == ErrorKind::refused);
            });
    }
    CHECK(made.load() == 1);
    CHECK(refused.load() == 7);
    CHECK(must(place.load({})).starts_with("config "));
}

}  // namespace
}  // namespace belay::backup
