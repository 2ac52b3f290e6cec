// The same over SSH: belay-vty, as belayd runs it, and the lab's simulated pair, whose times are scaled.

#include "host/real.h"
#include "host/testing/scratch.h"
#include "image_server.h"
#include "iosxe/running.h"
#include "upgrade/iosxe/vty_terminal.h"
#include "upgraded.h"

#include <thread>

using namespace belay;
using namespace belay::devices;
using belay::lab::iosxe::RunningPair;

namespace {

template <typename T>
T must(Result<T> result)
{
    const std::string why = result ? "" : result.error().what;
    REQUIRE_MESSAGE(result, why);
    return *std::move(result);
}

constexpr const char* secret = "belay-s3cret";

std::string whole(const std::string& path)
{
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// A pair, and what belayd has of it: an engine, a console, and belay-vty.
class Site {
  public:
    explicit Site(std::vector<std::string> more = {})
    {
        more.insert(more.end(), {"--password", secret, "--zone", "jst"});
        pair_.emplace(must(RunningPair::start(scratch_.path(""), std::move(more))));
        image_ = image();
        image_.file = scratch_.file("image.bin", image_bytes);
        start();
    }

    /// A new belayd.
    void start()
    {
        engine_.reset();
        catalogue_.reset();
        console_.reset();
        console_ = std::make_unique<upgrade::iosxe::Console>(upgrade::iosxe::Console::Options{
            .terminal = [this](const std::string&, const std::string& transcript)
                -> Result<std::unique_ptr<upgrade::iosxe::Terminal>> { return terminal(transcript); },
            .fresh = 200ms,
            .pace = 300ms,
            .settles = 2s});
        catalogue_ = std::make_unique<operation::Catalogue>();
        upgrade::iosxe::add_device_actions(*catalogue_, *console_);
        engine_ =
            must(operation::Engine::open(store_, *host_, *catalogue_, {.state_folder = scratch_.path("")}));
    }
    std::unique_ptr<upgrade::iosxe::Terminal> terminal(const std::string& transcript)
    {
        return std::make_unique<upgrade::iosxe::VtyTerminal>(
            upgrade::iosxe::VtyTerminal::Options{.host = *host_,
                                                 .program = TEST_VTY,
                                                 .access = [this]() -> Result<upgrade::iosxe::Access> {
                                                     upgrade::iosxe::Access access;
                                                     access.address = "127.0.0.1";
                                                     access.port = static_cast<uint16_t>(pair_->port());
                                                     access.user = "belay";
                                                     access.password = secret;
                                                     access.host_keys = {pair_->fingerprint()};
                                                     return access;
                                                 },
                                                 .transcript = transcript});
    }
    /// The device fetches the image itself.
    void fetch(const std::string& url)
    {
        image_.url = url;
        image_.file.clear();
        image_.bytes = 0;
    }
    operation::Id keep() { return must(engine_->keep(upgrade_plan(image_, transcript()), anna)).id; }
    /// Asks, and serves it until it waits for a person or is there.
    State ask(const operation::Id& id, Verb verb, State until)
    {
        must(engine_->request(id, verb, anna));
        return serve(id, until);
    }
    State serve(const operation::Id& id, State until)
    {
        return serve(id, [&] { return state(id) == until; });
    }
    State serve(const operation::Id& id, const std::function<bool()>& is_enough)
    {
        const auto end = std::chrono::steady_clock::now() + 300s;
        while (std::chrono::steady_clock::now() < end && !is_enough()) {
            const operation::Next next = must(engine_->step(id));
            if (next.when == operation::Next::When::idle) break;
            if (next.when == operation::Next::When::now) continue;
            const Milliseconds left = next.boot - must(host_->now()).boot;
            std::this_thread::sleep_for(std::clamp(left, Milliseconds{1}, Milliseconds{1000}));
        }
        return state(id);
    }
    State state(const operation::Id& id) { return must(engine_->show(id)).operation.state; }
    std::string reason(const operation::Id& id)
    {
        const auto all = must(engine_->show(id)).operation.transitions;
        return all.empty() ? std::string() : all.back().reason;
    }
    upgrade::iosxe::Console& console() { return *console_; }
    operation::Engine& engine() { return *engine_; }
    const RunningPair& pair() const { return *pair_; }
    std::string transcript() const { return scratch_.path("transcript"); }

  private:
    host::testing::Scratch scratch_;
    std::optional<RunningPair> pair_;
    std::unique_ptr<host::Host> host_ = host::real_host();
    store::MemoryStore store_{{.boot = "1", .now = [] { return 0ms; }}};
    DeviceImage image_;
    std::unique_ptr<upgrade::iosxe::Console> console_;
    std::unique_ptr<operation::Catalogue> catalogue_;
    std::unique_ptr<operation::Engine> engine_;
};

}  // namespace

TEST_CASE(
    "three steps over SSH, over the reload of both members; the transcript has every line and no secret")
{
    Site site({"--factor", "300"});
    const operation::Id id = site.keep();
    REQUIRE_MESSAGE(site.ask(id, Verb::add, State::added) == State::added, site.reason(id));
    REQUIRE_MESSAGE(site.ask(id, Verb::activate, State::activated) == State::activated, site.reason(id));
    // So that a busy machine comes to the commit before the device's own timer runs out.
    must(site.pair().ask({{"do", "factor"}, {"factor", 30}}));
    CHECK(must(site.console().look("core")).both_run(new_release));
    REQUIRE_MESSAGE(site.ask(id, Verb::commit, State::committed) == State::committed, site.reason(id));
    const auto look = must(site.console().look("core"));
    CHECK(look.both_have(new_release, upgrade::iosxe::show::PackageState::committed));

    const std::string transcript = whole(site.transcript());
    for (const char* line : {"install add file flash:", "install activate issu", "install commit",
                             "install remove inactive", "verify /md5 flash:", "SUCCESS: install_commit"})
        CHECK(transcript.find(line) != std::string::npos);
    CHECK(transcript.find(secret) == std::string::npos);
    std::set<std::string> shown = {"terminal length 0", "terminal width 0"};
    for (const auto& line : upgrade::iosxe::look_lines()) shown.insert(line.text);
    for (const operation::Step& step : upgrade_plan().steps) {
        shown.insert(step.commands.begin(), step.commands.end());
        shown.insert(step.undo_commands.begin(), step.undo_commands.end());
    }
    for (const std::string& line : must(site.pair().typed())) {
        CAPTURE(line);
        CHECK(shown.contains(line));
    }
}

TEST_CASE("belayd ends in the middle of the activation, and the next one finds the device on its way")
{
    Site site({"--factor", "300"});
    const operation::Id id = site.keep();
    REQUIRE_MESSAGE(site.ask(id, Verb::add, State::added) == State::added, site.reason(id));
    REQUIRE_MESSAGE(site.ask(id, Verb::activate, State::activating) == State::activating, site.reason(id));
    // Until the standby reloads.
    site.serve(id, [&] {
        const Json answer = must(site.pair().ask({{"do", "state"}}));
        return answer.at("state").at("members").at(1).at("boot").is_object();
    });
    REQUIRE_MESSAGE(site.state(id) == State::activating, site.reason(id));
    site.start();
    REQUIRE_MESSAGE(site.serve(id, State::activated) == State::activated, site.reason(id));
    REQUIRE_MESSAGE(site.ask(id, Verb::abort, State::aborted) == State::aborted, site.reason(id));
    const auto look = must(site.console().look("core"));
    CHECK(look.both_run(old_release));
    CHECK(look.is_redundant());
}

TEST_CASE("another host key after the switch-over: nothing is sent to it, and a person is told")
{
    Site site({"--factor", "300"});
    REQUIRE(site.console().look("core"));
    must(site.pair().ask({{"do", "injure"}, {"failure", "host-key-changed"}}));
    must(site.pair().await([](const Json&) { return true; }));
    const auto end = std::chrono::steady_clock::now() + 60s;
    Result<upgrade::iosxe::DeviceLook> look = site.console().look("core");
    while (look && std::chrono::steady_clock::now() < end) look = site.console().look("core");
    REQUIRE_FALSE(look);
    CHECK(look.error().kind == ErrorKind::refused);
    CHECK(look.error().what.find("host key") != std::string::npos);
}

TEST_CASE(
    "the device fetches the image from a web server; belayd ends in the middle, and the next one looks at "
    "what is there")
{
    const ImageServer server;
    server.serve("cat9k_iosxe.16.09.03.SPA.bin", image_bytes);
    Site site({"--factor", "10", "--trust", server.authority()});
    site.fetch(server.url("cat9k_iosxe.16.09.03.SPA.bin"));
    const operation::Id id = site.keep();
    must(site.engine().request(id, Verb::add, anna));
    // So that marks are seen, of which the line is full when the clock goes faster.
    std::string says;
    site.serve(id, [&] {
        const auto way = site.console().way_of("core");
        if (way) says = way->says;
        return says.ends_with("!");
    });
    CHECK(says.starts_with("Loading https://127.0.0.1:"));
    const Json answer = must(site.pair().ask({{"do", "state"}}));
    REQUIRE(answer.at("state").at("copying").is_object());
    site.start();
    must(site.pair().ask({{"do", "factor"}, {"factor", 300}}));
    REQUIRE_MESSAGE(site.serve(id, State::added) == State::added, site.reason(id));
    const std::vector<std::string> typed = must(site.pair().typed());
    const auto copies = std::ranges::count_if(
        typed, [](const std::string& line) { return line.starts_with("copy https://"); });
    CHECK(copies == 2);
    CHECK(std::ranges::find(typed, "delete /force flash:cat9k_iosxe.16.09.03.SPA.bin") != typed.end());
    const std::string transcript = whole(site.transcript());
    CHECK(transcript.find("Destination filename [cat9k_iosxe.16.09.03.SPA.bin]?") != std::string::npos);
    CHECK(transcript.find("[OK - 812345678 bytes]") != std::string::npos);
}

TEST_CASE("what clear install state has reached is read from the transcript, also by the next belayd")
{
    Site site({"--factor", "300", "--failure", "add-fails-on-standby", "--failure", "clear-reaches-one"});
    const operation::Id id = site.keep();
    REQUIRE_MESSAGE(site.ask(id, Verb::add, State::held) == State::held, site.reason(id));
    CHECK(site.reason(id).find("has not reached switch 2") != std::string::npos);
    site.start();
    std::this_thread::sleep_for(2s);  // Options::settles
    must(site.engine().request(id, Verb::abort, anna));
    CHECK_MESSAGE(site.serve(id, State::held) == State::held, site.reason(id));
    CHECK(site.reason(id).find("has not reached switch 2") != std::string::npos);
    must(site.pair().ask({{"do", "mend"}, {"failure", "clear-reaches-one"}}));
    CHECK_MESSAGE(site.ask(id, Verb::abort, State::aborted) == State::aborted, site.reason(id));
    CHECK(must(site.console().look("core")).both_run(old_release));
}
