#include "iosxe/shell.h"

#include "iosxe/failures.h"
#include "iosxe/scp_sink.h"
#include "iosxe/testing/play.h"
#include "iosxe/testing/screen.h"

namespace belay::lab::iosxe {
namespace {

using namespace std::chrono_literals;
using testing::at;
using testing::Screen;

constexpr std::string_view new_version = "16.9.3.0.3127";

}  // namespace

TEST_CASE("a prompt, an echo, an answer")
{
    Screen screen;
    CHECK(screen.screen.ends_with("\r\nC9500#"));
    CHECK(screen.type("terminal length 0\r").ends_with("terminal length 0\r\nC9500#"));
    CHECK(screen.type("sh vee\br | in Cisco IOS XE\r") ==
          "sh vee\b \br | in Cisco IOS XE\r\nCisco IOS XE Software, Version 16.09.02\r\nC9500#");
    CHECK(screen.type("\r") == "\r\nC9500#");
    CHECK(screen.type("show clock\r\n").contains("*09:21:00.000 UTC Fri Feb 8 2019\r\nC9500#"));
    CHECK(screen.heard ==
          std::vector<std::string>{"terminal length 0", "show version | include Cisco IOS XE", "show clock"});
    CHECK(screen.type("exit\r") == "exit\r\n");
    CHECK(screen.shell.closed());
}

TEST_CASE("the marker of what is invalid stands under it")
{
    Screen screen;
    CHECK(screen.type("show foo\r") ==
          "show foo\r\n           ^\r\n% Invalid input detected at '^' marker.\r\n\r\nC9500#");
    CHECK(screen.type("show\r").contains("% Incomplete command."));
    CHECK(screen.type("show i\r").contains("% Ambiguous command"));
    CHECK(screen.type("clear install state\r").contains("% Invalid input"));
    CHECK(screen.type("conf t\r").ends_with("C9500(config)#"));
    screen.type("service internal\rend\r");
    CHECK(screen.type("clear install state\r").contains("clear_install_state: START"));
}

TEST_CASE("long answers come by pages, until somebody has had enough")
{
    Screen screen({}, {}, 10);
    CHECK(screen.type("show version\r").ends_with(" --More-- "));
    const std::string line = screen.type("\r");
    CHECK(std::ranges::count(line, '\n') == 1);
    CHECK(line.ends_with(" --More-- "));
    CHECK(std::ranges::count(screen.type(" "), '\n') == 9);
    CHECK(screen.type("q").ends_with("C9500#"));
    screen.type("terminal length 0\r");
    CHECK_FALSE(screen.type("show version\r").contains("--More--"));
}

TEST_CASE("the enable password is not shown, and three wrong ones are enough")
{
    Screen screen({.enable_password = "s3cr3t"});
    CHECK(screen.screen.ends_with("C9500>"));
    CHECK(screen.type("install commit\r").contains("% Invalid input"));
    CHECK(screen.type("enable\r") == "enable\r\nPassword: ");
    CHECK(screen.type("wrong\rwrong\rwrong\r").ends_with("% Bad secrets\r\n\r\nC9500>"));
    screen.type("enable\r");
    CHECK(screen.type("s3cr3t\r") == "\r\nC9500#");
    CHECK_FALSE(screen.screen.contains("s3cr3t"));
    CHECK(std::ranges::find(screen.heard, std::string("s3cr3t")) == screen.heard.end());
}

TEST_CASE("a message stands in the middle of what else is said")
{
    Screen screen({}, {.zone = "jst"});
    screen.type("show clo");
    screen.device.log("%SYS-5-CONFIG_I: Configured from console by console", screen.now);
    CHECK(screen.wait(0s) ==
          "\r\n*Feb  8 09:21:00.000 jst: %SYS-5-CONFIG_I: Configured from console by console\r\n");
    screen.type("\rterminal no monitor\r");
    screen.device.log("%SYS-5-CONFIG_I: again", screen.now);
    CHECK(screen.wait(0s).empty());
}

TEST_CASE("a message from below IOS has a stamp of its own")
{
    Screen screen({}, {.zone = "jst"});
    Event event = {
        .saying = Saying::log, .at = screen.now, .text = "%INSTALL-5-X: R0/0: y", .form = Event::Form::bare};
    screen.shell.hear(event);
    CHECK(screen.wait(0s) == "\r\nFeb  8 09:21:00.000: %INSTALL-5-X: R0/0: y\r\n");
    event.form = Event::Form::glued;
    screen.shell.hear(event);
    CHECK(screen.wait(0s) == "\r\n*Feb  8 09:21:00.000 jst: %INSTALL-5-X: R0/0: y");
}

TEST_CASE("while a command runs nothing is echoed; what was typed meanwhile comes after it")
{
    Screen screen;
    REQUIRE(screen.device.put_file("new.bin", testing::image(new_version)).has_value());
    CHECK(screen.type("install add file flash:new.bin\r").contains("install_add: START"));
    CHECK(screen.wait(60s).contains("[1]: Copying flash:new.bin"));
    CHECK(screen.type("show clock\r").empty());
    const std::string rest = screen.wait(300s);
    CHECK(rest.contains("SUCCESS: install_add"));
    CHECK(rest.contains("C9500#show clock\r\n*09:2"));
}

TEST_CASE("install remove inactive asks, by line or by key")
{
    for (const Answers answers : {Answers::line, Answers::key}) {
        Screen screen({.enable_password = {}, .answers = answers});
        REQUIRE(screen.device.put_file("new.bin", testing::image(new_version)).has_value());
        CHECK(screen.type("install remove inactive\r")
                  .ends_with("Do you want to remove the above files? [y/n]"));
        CHECK(screen.type("n\r").contains("C9500#"));
        screen.type("install remove inactive\r");
        const std::string after = screen.type("y");
        CHECK(after.starts_with(answers == Answers::key ? "y\r\n" : "y"));
        REQUIRE(screen.device.state().job.has_value());
        CHECK(screen.device.state().job->asking == (answers == Answers::line));
        screen.type("\r");
        CHECK(screen.wait(60s).contains("SUCCESS: install_remove"));
        CHECK(screen.device.state().active()->files.empty());
        CHECK(screen.type("install remove inactive prompt-level none\r").contains("install_remove: START"));
    }
}

TEST_CASE("release 17 asks before it activates, unless told not to")
{
    Screen screen({}, {.version = "17.9.4.0.5"});
    const std::string asked = screen.type("install activate issu\r");
    CHECK(asked.contains("Started install activate ISSUinstall_activate: START"));
    CHECK(asked.ends_with(
        "install_activate: Activating ISSU\r\nThis operation may require a reload of the system. Do "
        "you want to proceed? [y/n]"));
    CHECK(screen.wait(60s).empty());
    CHECK(screen.type("n\r").ends_with("C9500#"));
    screen.type("install activate issu\r");
    screen.wait(60s);
    CHECK_FALSE(screen.type("y\r").contains("No inactive package"));
    CHECK(screen.wait(10s).contains("No inactive package to activate"));
    CHECK(screen.type("install activate issu prompt-level none\r").contains("install_activate: START"));
    CHECK(screen.wait(10s).contains("No inactive package to activate"));
    CHECK(screen.type("install activate issu auto-abort-timer 5\r").contains("% Invalid input"));
}

TEST_CASE(
    "release 17 says its first words behind a system message, on the same line, and its last before one")
{
    Screen screen({}, {.version = "17.9.4.0.5"});
    REQUIRE(screen.device.put_file("new.bin", testing::image("17.9.5.0.1")).has_value());
    CHECK(screen.type("install add file flash:new.bin\r") ==
          "install add file flash:new.bin\r\n\r\n*Feb  8 09:21:00.000: %INSTALL-5-INSTALL_START_INFO: Switch "
          "1 R0/0: "
          "install_mgr: Started install add flash:new.bininstall_add: START Fri Feb 8 09:21:00 UTC "
          "2019\r\ninstall_add: Adding IMG\r\n");
    const std::string rest = screen.wait(300s);
    CHECK(rest.contains(
        "SUCCESS: install_add /flash/new.bin Fri Feb 8 09:25:26 UTC 2019\r\n\r\nC9500#\r\n*Feb"));
    CHECK(rest.ends_with("Completed install add flash:new.bin\r\n"));
}

TEST_CASE("a configuration that was changed and not written is asked about before a reload")
{
    Screen screen;
    CHECK_FALSE(screen.type("install activate issu\r").contains("[y/n"));
    screen.wait(60s);
    screen.type("configure terminal\rservice internal\rend\r");
    CHECK(screen.type("install activate issu\r").ends_with("re-enter the command. [y/n/q]"));
    CHECK(screen.type("q\r").ends_with("C9500#"));
    CHECK(screen.type("install activate issu prompt-level none\r").contains("START"));
    screen.wait(60s);
    screen.type("install activate issu\r");
    CHECK(screen.type("y\r").contains("[OK]Modified configuration has been saved"));
    screen.wait(60s);
    CHECK_FALSE(screen.type("install activate issu\r").contains("[y/n"));
}

TEST_CASE("who reloads the device loses the line, and what else was typed on it")
{
    Screen screen;
    CHECK(screen.type("reload slot 2\r").ends_with("Proceed with reload? [confirm]"));
    CHECK(screen.type("\r").ends_with("C9500#"));
    CHECK(screen.type("redundancy force-switchover\r\r").ends_with("the standby is not hot\r\nC9500#"));
    screen.wait(1h);
    CHECK_FALSE(screen.type("redundancy force-switchover\r\rshow version\r\r").contains("ROMMON"));
    CHECK(screen.shell.closed());
    CHECK(screen.device.state().active()->number == 2);

    Screen whole;
    CHECK_FALSE(whole.type("reload\rnreload\r\ry\ry\r").contains("^"));
    CHECK(whole.shell.closed());
    CHECK(whole.device.state().active() == nullptr);
}

TEST_CASE("one command in place of a conversation")
{
    Screen screen;
    screen.shell.run_once("show clock", screen.now);
    CHECK(screen.type("") == "*09:21:00.000 UTC Fri Feb 8 2019\r\n");
    CHECK(screen.shell.closed());
}

TEST_CASE("a hash takes its time, and says whether it is the one that was meant")
{
    Screen screen;
    const File image = testing::image(new_version);
    REQUIRE(screen.device.put_file("new.bin", image).has_value());
    CHECK(screen.type("verify /md5 flash:new.bin\r") == "verify /md5 flash:new.bin\r\n");
    CHECK(screen.wait(1s).empty());
    CHECK(screen.wait(30s).contains(fmt::format("verify /md5 (flash:new.bin) = {}\r\n", image.md5)));
    screen.type(fmt::format("verify /md5 flash:new.bin {}\r", image.md5));
    CHECK(screen.wait(30s).contains("Verified (flash:new.bin)"));
    screen.type("verify /sha512 flash:new.bin 00\r");
    CHECK(screen.wait(30s).contains("%Error verifying flash:new.bin"));
    CHECK(screen.type("verify /md5 flash:no.bin\r").contains("%Error opening flash:no.bin"));
    CHECK(image.md5.size() == 32);
    CHECK(image.sha512.size() == 128);
}

TEST_CASE("files go when it was confirmed")
{
    Screen screen;
    REQUIRE(screen.device.put_file("new.bin", testing::image(new_version)).has_value());
    CHECK(screen.type("dir flash:\r").contains("812345678"));
    CHECK(screen.type("delete flash:new.bin\r").ends_with("Delete filename [new.bin]? "));
    CHECK(screen.type("\r").ends_with("Delete flash:new.bin? [confirm]"));
    CHECK(screen.type("n").ends_with("C9500#"));
    screen.type("delete flash:new.bin\r\r");
    screen.type("\r");
    CHECK_FALSE(screen.type("dir flash:\r").contains("new.bin"));
}

/// A device before a web server that has one image.
Manner with_web()
{
    return {.web = [](const std::string& url) -> Fetched {
        if (url != "https://images.example.net/new.bin") return {.why = std::string(text::no_such_file)};
        return {.bytes = fmt::format("belay-lab-iosxe image version={} size=812345678\n", new_version)};
    }};
}
constexpr const char* copy_line = "copy https://images.example.net/new.bin flash:new.bin\r";

TEST_CASE("copy: a file comes from a web server, piece by piece, and then its prompt")
{
    Screen screen(with_web());
    CHECK(screen.type(copy_line).ends_with("Destination filename [new.bin]? "));
    CHECK(screen.type("\r") ==
          "\r\nAccessing https://images.example.net/new.bin...\r\nLoading "
          "https://images.example.net/new.bin ");
    CHECK(screen.wait(81s) == "!!!!!!!!!");
    const File& part = screen.device.state().active()->files.at("new.bin");
    CHECK(part.size > 300'000'000);
    CHECK(part.size < 812'345'678);
    CHECK(part.version.empty());
    CHECK(screen.wait(82s) ==
          "!!!!!!!!!!!\r\n[OK - 812345678 bytes]\r\n\r\n812345678 bytes copied in 162.469 secs (5000004 "
          "bytes/sec)\r\n\r\nC9500#");
    CHECK(screen.device.state().active()->files.at("new.bin").md5 == testing::image(new_version).md5);
    // A file of that name is there now.
    screen.type(copy_line);
    CHECK(screen.type("\r").ends_with(
        "already existing with this name\r\nDo you want to over write? [confirm]"));
    CHECK(screen.type("n").ends_with("C9500#"));
    CHECK(screen.type("copy https://images.example.net/no.bin flash:\r\r")
              .contains("%Error opening https://images.example.net/no.bin (No such file or "
                        "directory)\r\n\r\nC9500#"));
    CHECK(screen.type("copy http://images.example.net/new.bin flash:\r").contains("%Error"));
    CHECK(screen.type("copy running-config startup-config\r").contains("[OK]"));
}

TEST_CASE("copy: what goes wrong leaves a part, which is no image and has another hash")
{
    const std::pair<std::string_view, const char*> all[] = {
        {failure::copy_breaks,
         "%Error reading https://images.example.net/new.bin (Connection reset by peer)"},
        {failure::no_space_here, "%Error copying https://images.example.net/new.bin (Not enough space"}};
    for (const auto& [name, words] : all) {
        CAPTURE(name);
        Screen screen(with_web());
        REQUIRE(screen.device.injure(name, 0, screen.now).has_value());
        screen.type(copy_line);
        screen.type("\r");
        CHECK(screen.wait(10min).contains(words));
        const File part = screen.device.state().active()->files.at("new.bin");
        CHECK(part.version.empty());
        CHECK(part.md5.size() == 32);
        CHECK(part.md5 != testing::image(new_version).md5);
        CHECK(screen.type("\r") == "\r\nC9500#");
    }
    Screen refused(with_web());
    REQUIRE(refused.device.injure(failure::server_refuses, 0, refused.now).has_value());
    refused.type(copy_line);
    CHECK(refused.type("\r").contains("%Error opening https://images.example.net/new.bin (No such file"));
    CHECK(refused.device.state().active()->files.empty());
    Screen damaged(with_web());
    REQUIRE(damaged.device.injure(failure::image_damaged, 0, damaged.now).has_value());
    damaged.type(copy_line);
    damaged.type("\r");
    CHECK(damaged.wait(10min).contains("[OK - 812345678 bytes]"));
    CHECK(damaged.device.state().active()->files.at("new.bin").md5 != testing::image(new_version).md5);
    CHECK_FALSE(damaged.device.state().active()->files.at("new.bin").sound);
    Screen alone;
    alone.type(copy_line);
    CHECK(alone.type("\r").contains("(I/O error)"));
}

TEST_CASE("copy: whose line is lost ends, or goes on, as the device is told; a restart ends it")
{
    for (const bool goes_on : {false, true}) {
        Screen screen(with_web());
        if (goes_on) REQUIRE(screen.device.injure(failure::copy_goes_on, 0, screen.now).has_value());
        screen.type(copy_line);
        screen.type("\r");
        screen.wait(60s);
        screen.device.leave(1);
        screen.device.advance(screen.now + 10min);
        const File& file = screen.device.state().active()->files.at("new.bin");
        CHECK((file.md5 == testing::image(new_version).md5) == goes_on);
        CHECK_FALSE(screen.device.state().copying.has_value());
    }
    Screen screen(with_web());
    screen.type(copy_line);
    screen.type("\r");
    screen.wait(60s);
    // What is in its state file is what it is at.
    const auto kept = read_state(to_json_value(screen.device.state()));
    REQUIRE(kept.has_value());
    CHECK(kept->copying->marks == 7);
    REQUIRE(screen.device.switch_over(screen.now).has_value());
    CHECK_FALSE(screen.device.state().copying.has_value());
}

TEST_CASE("a chassis with two supervisors speaks of chassis, and knows no switches")
{
    Screen screen({}, {.kind = Kind::supervisors});
    CHECK(screen.screen.ends_with("C9400#"));
    screen.type("terminal length 0\r");
    CHECK(screen.type("show install summary\r").contains("[ R0 R1 ] Installed Package(s)"));
    CHECK(screen.type("show boot\r").contains("Standby MANUAL_BOOT variable = no"));
    CHECK(screen.type("show switch\r").contains("% Invalid input"));
    CHECK(screen.type("show module\r").contains("Standby Hot"));
    CHECK(screen.type("show issu state detail\r").contains("on chassis 1"));
    CHECK_FALSE(screen.type("show version\r").contains("INSTALL"));
}

TEST_CASE("scp: a file comes into the flash, whole, and looks as large as it says")
{
    Screen screen;
    const std::string bytes =
        "belay-lab-iosxe image version=16.9.3.0.3127 size=812345678\n" + std::string(100, 'x');
    ScpSink sink("flash:new.bin", screen.device);
    CHECK(sink.take_output() == std::string(1, '\0'));
    std::string sent = fmt::format("T1549617600 0 1549617600 0\nC0644 {} other.bin\n", bytes.size()) + bytes;
    sent += '\0';
    for (const char byte : sent) sink.receive({&byte, 1}, screen.now);
    CHECK(sink.take_output() == std::string(3, '\0'));
    CHECK_FALSE(sink.failed());
    const File& file = screen.device.state().active()->files.at("new.bin");
    CHECK(file.version == "16.9.3.0.3127");
    CHECK(file.size == 812'345'678);
    CHECK(file.md5 == file_of(bytes, {}).md5);

    REQUIRE(screen.device.injure(failure::image_damaged, 0, screen.now).has_value());
    ScpSink damaging("flash:", screen.device);
    damaging.receive(sent, screen.now);
    CHECK(screen.device.state().active()->files.at("other.bin").md5 != file.md5);
}

TEST_CASE("scp: what makes no sense, or does not fit, is refused")
{
    Screen screen;
    for (const std::string_view bytes : {"hello\n", "C0644 x y\n", "C0644 12\n", "C0644 5 ../x\n",
                                         "D0755 0 folder\n", "C0644 99999999999999 large\n"}) {
        CAPTURE(bytes);
        ScpSink sink("flash:", screen.device);
        sink.receive(bytes, screen.now);
        CHECK(sink.failed());
        CHECK(sink.take_output().contains('\x02'));
    }
    ScpSink endless("flash:x", screen.device);
    endless.receive(std::string(5000, 'C'), screen.now);
    CHECK(endless.failed());
    CHECK(scp_target("scp -t flash:x") == "flash:x");
    CHECK(scp_target("scp -v -p -t flash:x") == "flash:x");
    CHECK_FALSE(scp_target("scp -f flash:x").has_value());
    CHECK_FALSE(scp_target("show version").has_value());
}

}  // namespace belay::lab::iosxe
