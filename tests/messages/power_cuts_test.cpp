// The power of a host is cut while messages are stored: what was acknowledged is there, once.

#include "base/testing/must.h"
#include "lab/host.h"
#include "lab/own_folder.h"
#include "sampling.h"

#include <charconv>
#include <random>

namespace belay::framework::messages {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr const char* mount_point = "/srv/belay";

/// The number after the last line that begins so; 0: there is none.
uint64_t last_number(const std::string& said, const std::string& word)
{
    const size_t end = said.rfind('\n');
    const size_t begin = end == std::string::npos ? end : said.rfind(word + " ", end);
    uint64_t number = 0;
    if (begin == std::string::npos) return number;
    const char* const digits = said.data() + begin + word.size() + 1;
    std::from_chars(digits, said.data() + said.size(), number);
    return number;
}

class MessageHost {
  public:
    explicit MessageHost(const std::string& filesystem)
    {
        boot();
        said(fmt::format("mkfs.{} -q {}", filesystem, host_->device("data")));
        mount();
    }
    void boot()
    {
        host_ = must(lab::Host::boot(
            folder_,
            {.name = "messages", .memory = {256 << 20}, .disks = {{"data", {1 << 30}}}, .modules = {}}));
    }
    void mount() { said(fmt::format("mkdir -p {0} && mount {1} {0}", mount_point, host_->device("data"))); }

    /// Appends for so long after the first was acknowledged, and cuts the power. The last number that was
    /// said.
    uint64_t append_until_cut(Milliseconds time)
    {
        lab::Process process = must(host_->start({program(), store()}));
        std::string heard;
        const auto listen = [&] {
            if (const Result<std::string> more = process.read(1ms)) heard += *more;
        };
        const auto gives_up = Clock::now() + 90s;
        while (last_number(heard, "stored") == 0 && Clock::now() < gives_up) listen();
        REQUIRE_MESSAGE(last_number(heard, "stored") > 0, heard);
        for (const auto until = Clock::now() + time; Clock::now() < until;) listen();
        host_->power_cut();
        listen();
        return last_number(heard, "stored");
    }
    /// How many there are, where all is whole.
    uint64_t whole()
    {
        const std::string answer = said(fmt::format("{} {} check", program(), store()));
        INFO(answer);
        CHECK(answer.starts_with("whole "));
        return last_number(answer, "whole");
    }
    std::string said(const std::string& script)
    {
        const host::Outcome outcome = must(host_->run({"sh", "-c", script}, {}, 120s));
        REQUIRE_MESSAGE(outcome.exit_code == 0, script, ": ", outcome.err, outcome.out);
        return outcome.out;
    }

  private:
    static std::string program() { return lab::own_folder() + "/belay-message-appender"; }
    static std::string store() { return std::string(mount_point) + "/messages"; }

    const lab::Folder folder_ = must(lab::Folder::make());
    std::unique_ptr<lab::Host> host_;
};

void keeps_what_was_acknowledged(const std::string& filesystem, unsigned cuts)
{
    MessageHost host(filesystem);
    std::mt19937 random(11);
    uint64_t told = 0;
    for (unsigned cut = 0; cut < cuts; ++cut) {
        const Milliseconds time(random() % 1500);
        INFO("cut ", cut, " after ", time.count(), " ms, ", filesystem);
        told = host.append_until_cut(time);
        host.boot();
        host.mount();
        CHECK(host.whole() >= told);
    }
    MESSAGE(filesystem, ": ", told, " messages kept beyond ", cuts, " cuts");
}

TEST_CASE("messages that were acknowledged outlive power cuts on ext4")
{
    keeps_what_was_acknowledged("ext4", is_whole() ? 60 : 8);
}

TEST_CASE("messages that were acknowledged outlive power cuts on XFS")
{
    keeps_what_was_acknowledged("xfs", is_whole() ? 60 : 4);
}

}  // namespace
}  // namespace belay::framework::messages
