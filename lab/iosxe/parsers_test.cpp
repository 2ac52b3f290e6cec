// What the simulated pair says, Belay's own parsers read, in every state on its way.

#include "iosxe/failures.h"
#include "iosxe/testing/screen.h"
#include "upgrade/iosxe/show/install_outcome.h"
#include "upgrade/iosxe/show/install_summary.h"
#include "upgrade/iosxe/show/issu_state.h"
#include "upgrade/iosxe/show/kinds.h"

namespace belay::lab::iosxe {
namespace {

using namespace std::chrono_literals;
using testing::Screen;
namespace show = upgrade::iosxe::show;

/// The words of a command, without the echo before and the prompt behind.
std::string answer_to(Screen& screen, const std::string& command)
{
    std::string text = screen.type(command + "\r");
    std::erase(text, '\r');
    const std::string prompt = screen.device.state().hostname + "#";
    CAPTURE(text);
    REQUIRE(text.starts_with(command + "\n"));
    REQUIRE(text.ends_with(prompt));
    return text.substr(command.size() + 1, text.size() - command.size() - 1 - prompt.size());
}

Json parsed(const std::string& command, const std::string& text)
{
    const printed::Kind* kind = show::kind_named("iosxe:" + command);
    CAPTURE(command);
    CAPTURE(text);
    REQUIRE(kind != nullptr);
    const Result<Json> read = kind->parse(text);
    const std::string why = read ? "" : read.error().what;
    REQUIRE_MESSAGE(read.has_value(), why);
    return *read;
}

/// Every show command, on a line of its own.
void read_all(const Device& device, Time now)
{
    Screen screen(device, now);
    screen.type("terminal length 0\r");
    std::vector<std::string> commands = {"show version",
                                         "show install summary",
                                         "show install active",
                                         "show install inactive",
                                         "show install committed",
                                         "show install uncommitted",
                                         "show issu state detail",
                                         "show issu rollback-timer",
                                         "show redundancy",
                                         "show redundancy states",
                                         "show boot",
                                         "show bootvar",
                                         "dir flash:"};
    if (device.state().standby()->role == Role::standby) commands.emplace_back("dir stby-flash:");
    if (device.state().kind == Kind::stackwise_virtual)
        for (const char* command :
             {"show boot system", "show switch", "show stackwise-virtual", "show stackwise-virtual link"})
            commands.emplace_back(command);
    else
        commands.emplace_back("show module");
    for (const std::string& command : commands) parsed(command, answer_to(screen, command));

    const std::string version = text::version_of(device.state().active()->running).running;
    CHECK(parsed("show version", answer_to(screen, "show version")).dump().contains(version));
    const auto issu = show::read_issu_state(answer_to(screen, "show issu state detail"));
    REQUIRE(issu.has_value());
    CHECK(issu->in_progress == device.state().active()->issu.has_value());
    const auto summary = show::read_install_summary(answer_to(screen, "show install summary"));
    REQUIRE(summary.has_value());
    const bool runs = device.state().abort_timer && !device.state().abort_timer->stopped;
    CHECK(summary->sets.front().timer->active == runs);
}

/// Until nothing happens any more, with all commands at each moment that there is a line to type them on.
void live(Device& device)
{
    for (int count = 0; count < 500 && device.next(); ++count) {
        const Time now = *device.next();
        device.advance(now);
        if (device.state().active() != nullptr) read_all(device, now);
        if (!device.state().job && device.state().members[0].boot == std::nullopt &&
            device.state().members[1].boot == std::nullopt)
            return;
    }
}

constexpr const char* newer = "16.9.3.0.3127";

}  // namespace

TEST_CASE("every answer on the way of three steps, of an abort and of one step is read")
{
    for (const Kind kind : {Kind::stackwise_virtual, Kind::supervisors})
        for (const std::string version : {"16.9.2.0.2433", "17.9.4a.0.6"}) {
            CAPTURE(version);
            const Time start = testing::at("2019-02-08 09:20:00");
            Device device(first_state({.kind = kind, .version = version, .start = start}));
            REQUIRE(device.put_file("new.bin", testing::image(newer)).has_value());
            read_all(device, start);
            device.begin({.task = Task::add, .file = "flash:new.bin"}, start + 2min);
            live(device);
            device.begin({.task = Task::activate, .timer = 120min}, start + 8min);
            live(device);
            device.begin({.task = Task::abort}, start + 40min);
            live(device);
            device.begin({.task = Task::remove_inactive}, start + 80min);
            live(device);
            REQUIRE(device.put_file("new.bin", testing::image(newer)).has_value());
            device.begin({.task = Task::one_step, .file = "flash:new.bin"}, start + 90min);
            live(device);
            CHECK(device.state().active()->running == newer);
        }
}

TEST_CASE("what a copy says, whole or not, is read")
{
    for (const std::string_view name : {std::string_view(), failure::copy_breaks, failure::server_refuses}) {
        CAPTURE(name);
        Screen screen({.web = [](const std::string&) { return Fetched{.bytes = "anything"}; }});
        if (!name.empty()) REQUIRE(screen.device.injure(name, 0, screen.now).has_value());
        std::string text = screen.type("copy https://images.example.net/new.bin flash:new.bin\r");
        text += screen.type("\r");
        text += screen.wait(1h);
        std::erase(text, '\r');
        const Json read = parsed("copy", text);
        CHECK(read.at("source").get<std::string>() == "https://images.example.net/new.bin");
        CHECK(read.contains("problem") == !name.empty());
        if (name.empty()) CHECK(read.at("bytes").get<uint64_t>() == 8);
    }
}

TEST_CASE("every answer of a pair that something is wrong with is read")
{
    for (const Failure& failure : failures()) {
        CAPTURE(failure.name);
        const Time start = testing::at("2019-02-08 09:20:00");
        Device device(first_state({.start = start}));
        REQUIRE(device.put_file("new.bin", testing::image(newer)).has_value());
        REQUIRE(device.injure(failure.name, 0, start).has_value());
        read_all(device, start);
        for (const Task task : {Task::add, Task::abort, Task::clear, Task::activate, Task::commit}) {
            device.begin({.task = task, .file = "flash:new.bin", .timer = 120min}, start);
            live(device);
            if (device.state().active() != nullptr) read_all(device, start);
        }
    }
}

TEST_CASE("what the install commands say is read, and says what came of them")
{
    const auto outcome = [](const testing::Play& play, size_t from, const std::string& command) {
        const std::string text = play.output().substr(from);
        CAPTURE(text);
        Result<show::InstallOutcome> read = show::read_install_outcome(text, command);
        const std::string why = read ? "" : read.error().what;
        REQUIRE_MESSAGE(read.has_value(), why);
        return *std::move(read);
    };
    const auto type = [&](testing::Play& play, Job job, std::string_view when, const std::string& command) {
        const size_t from = play.output().size();
        play.begin(std::move(job), testing::at(when));
        play.until_prompt();
        return outcome(play, from, command);
    };
    SUBCASE("all goes well")
    {
        testing::Play play;
        play.put("new.bin", newer);
        CHECK(type(play, {.task = Task::add, .file = "flash:new.bin"}, "2019-02-08 09:22:00", "install add")
                  .succeeded());
        const auto activated =
            type(play, {.task = Task::activate, .timer = 120min}, "2019-02-08 09:28:27", "install activate");
        CHECK(activated.succeeded());
        CHECK(activated.stages.size() == 5);
        CHECK(type(play, {.task = Task::commit}, "2019-02-08 09:45:22", "install commit").succeeded());
    }
    SUBCASE("an add fails on the standby, its abort is refused, and the state is cleared")
    {
        testing::Play play;
        play.put("new.bin", newer);
        play.injure(failure::add_fails, testing::at("2019-02-08 09:21:00"));
        const auto added =
            type(play, {.task = Task::add, .file = "flash:new.bin"}, "2019-02-08 09:22:00", "install add");
        CHECK_FALSE(added.succeeded());
        CHECK(added.failed_members() == std::vector<std::string>{"2"});
        CHECK(type(play, {.task = Task::abort}, "2019-02-08 09:30:00", "install abort").verdict ==
              show::Verdict::failed);
        const auto cleared = type(play, {.task = Task::clear}, "2019-02-08 09:40:00", "clear install state");
        CHECK(cleared.tasks.front().passed == std::vector<std::string>{"1", "2"});
        play.injure(failure::clear_one, testing::at("2019-02-08 09:50:00"));
        const auto one = type(play, {.task = Task::clear}, "2019-02-08 09:51:00", "clear install state");
        CHECK(one.tasks.front().passed == std::vector<std::string>{"1"});
    }
    SUBCASE("all goes well with release 17")
    {
        testing::Play play(Beginning{.version = "17.9.4.0.5"});
        play.put("new.bin", "17.9.5.0.1");
        CHECK(type(play, {.task = Task::add, .file = "flash:new.bin"}, "2019-02-08 09:22:00", "install add")
                  .succeeded());
        CHECK(type(play, {.task = Task::activate, .timer = 120min}, "2019-02-08 09:28:27", "install activate")
                  .succeeded());
        CHECK(type(play, {.task = Task::commit}, "2019-02-08 09:45:22", "install commit").succeeded());
    }
    SUBCASE("an abort of what was activated")
    {
        testing::Play play;
        play.put("new.bin", newer);
        type(play, {.task = Task::add, .file = "flash:new.bin"}, "2019-02-08 09:22:00", "install add");
        type(play, {.task = Task::activate, .timer = 120min}, "2019-02-08 09:28:27", "install activate");
        CHECK(type(play, {.task = Task::abort}, "2019-02-08 09:50:00", "install abort issu").succeeded());
    }
    SUBCASE("there is no room")
    {
        testing::Play play;
        play.put("new.bin", newer);
        play.injure(failure::no_space, testing::at("2019-02-08 09:21:00"));
        const auto added =
            type(play, {.task = Task::add, .file = "flash:new.bin"}, "2019-02-08 09:22:00", "install add");
        CHECK(added.verdict == show::Verdict::failed);
    }
    SUBCASE("a standby that is not hot, and one that never is")
    {
        testing::Play play;
        play.put("new.bin", newer);
        type(play, {.task = Task::add, .file = "flash:new.bin"}, "2019-02-08 09:22:00", "install add");
        play.injure(failure::not_hot, testing::at("2019-02-08 09:27:00"));
        CHECK(type(play, {.task = Task::activate, .timer = 120min}, "2019-02-08 09:28:27", "install activate")
                  .verdict == show::Verdict::failed);
        REQUIRE(play.device.mend(failure::not_hot, testing::at("2019-02-08 09:30:00")).has_value());
        play.injure(failure::never_hot, testing::at("2019-02-08 09:31:00"));
        CHECK(type(play, {.task = Task::activate, .timer = 120min}, "2019-02-08 09:32:00", "install activate")
                  .verdict == show::Verdict::failed);
    }
    SUBCASE("the device's timer is stopped")
    {
        testing::Play play;
        play.device.stop_abort_timer(1, testing::at("2019-02-08 09:22:00"));
        play.until(testing::at("2019-02-08 09:22:00"));
        CHECK(outcome(play, 0, "install auto-abort-timer stop").verdict == show::Verdict::failed);
    }
}

TEST_CASE("what install remove inactive says is read, its question among it")
{
    Screen screen;
    REQUIRE(screen.device.put_file("new.bin", testing::image(newer)).has_value());
    std::string text = screen.type("install remove inactive\r");
    text += screen.type("y\r");
    text += screen.wait(60s);
    std::erase(text, '\r');
    const size_t begins = text.find('\n') + 1;
    const auto removed = show::read_install_outcome(text.substr(begins, text.rfind("C9500#") - begins),
                                                    "install remove inactive");
    const std::string why = removed ? "" : removed.error().what;
    CAPTURE(text);
    REQUIRE_MESSAGE(removed.has_value(), why);
    CHECK(removed->succeeded());
    CHECK(std::ranges::any_of(removed->deleted,
                              [](const std::string& file) { return file.ends_with("new.bin"); }));
}

TEST_CASE("release 17 asks in the middle of what it says, and that is read")
{
    Screen screen({}, {.version = "17.9.4.0.5"});
    REQUIRE(screen.device.put_file("new.bin", testing::image("17.9.5.0.1")).has_value());
    screen.type("terminal no monitor\rinstall add file flash:new.bin\r");
    CHECK(screen.wait(10min).contains("SUCCESS: install_add"));
    std::string text = screen.type("install activate issu\r");
    text += screen.wait(5min);
    text += screen.type("y\r");
    text += screen.wait(527s);
    std::erase(text, '\r');
    const size_t begins = text.find('\n') + 1;
    const std::string words = text.substr(begins, text.rfind("C9500#") - begins);
    const auto activated = show::read_install_outcome(words, "install activate issu");
    CAPTURE(words);
    const std::string why = activated ? "" : activated.error().what;
    REQUIRE_MESSAGE(activated.has_value(), why);
    CHECK(activated->succeeded());
}

TEST_CASE("an answer of verify is read")
{
    Screen screen;
    const File image = testing::image(newer);
    REQUIRE(screen.device.put_file("new.bin", image).has_value());
    const auto verify = [&](const std::string& command) {
        screen.type(command + "\r");
        std::string text = screen.wait(60s);
        std::erase(text, '\r');
        return parsed("verify", text.substr(0, text.rfind("C9500#")));
    };
    CHECK(verify("verify /md5 flash:new.bin").dump().contains(image.md5));
    CHECK(verify("verify /sha512 flash:new.bin").dump().contains(image.sha512));
    CHECK(verify("verify /md5 flash:new.bin " + image.md5).at("matches").get<bool>());
    CHECK_FALSE(
        verify("verify /md5 flash:new.bin 0123456789abcdef0123456789abcdef").at("matches").get<bool>());
}

}  // namespace belay::lab::iosxe
