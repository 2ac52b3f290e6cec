// A thousand disks: a daemon answers for them over its socket, and the command takes the answers in.

#include "large_host/large_host.h"

#include "base/json.h"
#include "base/testing/must.h"
#include "cli/fakes.h"
#include "cli/run.h"
#include "host/recorded.h"
#include "site/wire.h"
#include "storage/disk.h"
#include "storage/probe.h"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

namespace belay::large_host {
namespace {

/// A daemon of the large host; it ends with this object.
class Site {
  public:
    Site()
    {
        std::string name = "/tmp/belay-large-XXXXXX";
        REQUIRE(mkdtemp(name.data()) != nullptr);
        folder_ = name;
        daemon_ = must(must(connect())->call("Hello", {{"version", BELAY_VERSION}})).at("pid");
    }
    ~Site()
    {
        kill(daemon_, SIGTERM);
        waitpid(daemon_, nullptr, 0);
        std::filesystem::remove_all(folder_);
    }
    Site(const Site&) = delete;
    Site& operator=(const Site&) = delete;

    std::string path(std::string_view name) const { return fmt::format("{}/{}", folder_, name); }
    Result<std::unique_ptr<site::Client>> connect() const
    {
        return site::connect(
            {.socket = path("belayd.sock"), .state_folder = path("state"), .daemon = LARGE_BELAYD});
    }
    /// What the command says; it must end well, or have found something (storage health).
    std::string say(const std::vector<std::string>& words) const
    {
        cli::fakes::TextConsole console;
        const int code = cli::run(words, console, [&](const cli::Invocation&) { return connect(); });
        REQUIRE_MESSAGE(code <= 1, console.complained);
        REQUIRE(console.complained.empty());
        return console.said;
    }

  private:
    std::string folder_;
    pid_t daemon_ = -1;
};

std::string content_of(const std::string& path)
{
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

}  // namespace

TEST_CASE("the recording of a thousand disks is longer than a message, comes whole, and shows the same host")
{
    const Site site;
    const std::string file = site.path("host.recording");
    site.say({"storage", "record", file});
    CHECK(std::filesystem::file_size(file) > site::max_message_bytes);
    CHECK(site.say({"storage", "show", "--json", "--from", file}) == site.say({"storage", "show", "--json"}));
    CHECK(site.say({"storage", "health", "--json", "--from", file}) ==
          site.say({"storage", "health", "--json"}));
}

TEST_CASE("its serial numbers are masked all the same")
{
    const Site site;
    const std::string file = site.path("masked.recording");
    site.say({"storage", "record", "--mask", file});
    const std::string text = content_of(file);
    CHECK(text.size() > site::max_message_bytes);
    CHECK(text.find("SER000999") == std::string::npos);
    CHECK(parse_json(site.say({"storage", "show", "--json", "--from", file}))->at("roots").size() ==
          disk_count);
}

TEST_CASE("who does not ask for pieces is told that the recording is too long for a message")
{
    const Site site;
    const auto client = must(site.connect());
    const auto answer = client->call("StorageRecord", Json::object());
    REQUIRE(!answer);
    CHECK(answer.error().what.find("longer than") != std::string::npos);
    CHECK(answer.error().next.find("pieces") != std::string::npos);
    // The connection goes on.
    CHECK(must(client->call("StorageHealth", Json::object())).at("looked_at").at("disks") == disk_count);
}

TEST_CASE("a face that hangs up in the middle of a recording is no harm to the next one")
{
    const Site site;
    const auto first = must(site.connect());
    must(first->stream("StorageRecord", Json::object(), [](const Json&) { return false; }));
    size_t bytes = 0, pieces = 0, size = 0;
    must(first->stream("StorageRecord", Json::object(), [&](const Json& piece) {
        bytes += piece.at("recording").get<std::string>().size();
        size = piece.at("size");
        ++pieces;
        return true;
    }));
    CHECK(pieces > 8);
    CHECK(bytes == size);
}

}  // namespace belay::large_host
