// belay-vty as belayd runs it, against OpenSSH's own server with a script that plays a device.

#include "base/json.h"
#include "host/real.h"
#include "host/ssh/testing/sshd.h"
#include "upgrade/iosxe/vty/request.h"
#include "upgrade/iosxe/vty_terminal.h"

#include <doctest/doctest.h>

using namespace belay;
using namespace belay::upgrade::iosxe;
using namespace std::chrono_literals;
using belay::host::ssh::testing::Sshd;
using belay::host::ssh::testing::whole;

namespace {

constexpr Milliseconds generous = 60s;

/// What it types is shown by the terminal that it has.
constexpr const char* device_script = R"script(
prompt='C9500#'
[ -e "$(dirname "$0")/unprivileged" ] && prompt='C9500>'
[ -e "$(dirname "$0")/standby" ] && prompt='C9500-stby>'
log() { printf '*Feb  8 10:07:52.456: %%SYS-5-CONFIG_I: Configured from console\r\n'; }
printf '\r\nAuthorized people only\r\n\r\n%s' "$prompt"
while IFS= read -r line; do
    echo "$line" >> "$(dirname "$0")/typed"
    case "$line" in
        "terminal length 0"|"terminal width 0") ;;
        enable)
            if [ -e "$(dirname "$0")/asks-name" ]; then printf 'Username: '; IFS= read -r word; echo "$word" >> "$(dirname "$0")/typed"; fi
            printf 'Password: '; stty -echo; IFS= read -r word; stty echo; printf '\r\n'
            if [ "$word" = 'en4ble-word' ]; then prompt='C9500#'; else printf '%% Access denied\r\n'; fi;;
        "show clock") log; echo '10:19:11.123 UTC Fri Feb 8 2019';;
        "show long") i=0; while [ $i -lt 20000 ]; do echo "line $i of a long answer"; i=$((i+1)); done;;
        "show pages") printf 'one\r\n --More-- '; stty -icanon; dd bs=1 count=1 2>/dev/null >/dev/null; stty icanon
            printf '\r          \rtwo\r\n';;
        "copy it") printf 'Loading it !!!'; while [ ! -e "$(dirname "$0")/told" ]; do sleep 0.05; done; echo '!';;
        "remove it") printf 'Do you want to remove the above files? [y/n]'; IFS= read -r word; echo "said $word";;
        "reload now") echo 'reloading'; kill -9 $PPID; sleep 60;;
        "end now") echo 'closing'; exit 0;;
        "wait long") sleep 60;;
        "show secret") echo 'username belay secret en4ble-word';;
    esac
    printf '%s' "$prompt"
done
)script";

struct Lines {
    Sshd sshd{device_script};
    std::unique_ptr<host::Host> host = host::real_host();
    std::string enable_password = {};
    std::string transcript = {};

    VtyTerminal terminal()
    {
        return VtyTerminal({.host = *host,
                            .program = TEST_VTY,
                            .access = [this]() -> Result<Access> {
                                Access access;
                                access.address = "127.0.0.1";
                                access.port = sshd.port();
                                access.user = Sshd::user();
                                access.host_keys = {sshd.host_key()};
                                access.private_key = sshd.user_key();
                                access.enable_password = enable_password;
                                access.connect = access.prompt = generous;
                                return access;
                            },
                            .transcript = transcript});
    }
    std::string typed() const { return whole(sshd.path("typed")); }
};

const Line clock_line{.text = "show clock", .limit = generous};

}  // namespace

TEST_CASE("lines are typed one after the other, and each has its answer")
{
    Lines lines;
    lines.transcript = lines.sshd.path("transcript");
    const auto answers = lines.terminal().type({clock_line, {.text = "show pages", .limit = generous}}, {});
    REQUIRE_MESSAGE(answers, answers.error().what);
    REQUIRE(answers->size() == 2);
    CHECK(answers->at(0).text == "10:19:11.123 UTC Fri Feb 8 2019\n");
    CHECK(answers->at(1).text == "one\ntwo\n");
    CHECK(lines.typed() == "terminal length 0\nterminal width 0\nshow clock\nshow pages\n");
    const std::string transcript = whole(lines.transcript);
    CHECK(transcript.starts_with("--- 20"));
    CHECK(transcript.find("C9500#show clock\n*Feb  8 10:07:52.456: %SYS-5-CONFIG_I: Configured from console\n"
                          "10:19:11.123 UTC Fri Feb 8 2019\n") != std::string::npos);
    CHECK(transcript.find(" the line is closed\n") != std::string::npos);
    CHECK(transcript.find("SHA256:") != std::string::npos);
}

TEST_CASE("a long answer comes whole, and what is said is told meanwhile")
{
    Lines lines;
    int told = 0;
    const auto answers =
        lines.terminal().type({{.text = "show long", .limit = generous}}, [&](const std::string& line) {
            told += line.empty() ? 0 : 1;
            return true;
        });
    REQUIRE_MESSAGE(answers, answers.error().what);
    CHECK(answers->at(0).text.size() > 400'000);
    CHECK(answers->at(0).text.ends_with("line 19999 of a long answer\n"));
    CHECK(told > 0);
    CHECK(told < 1000);
}

TEST_CASE("a line that grows is told before it ends")
{
    Lines lines;
    const auto answers =
        lines.terminal().type({{.text = "copy it", .limit = generous}}, [&](const std::string& line) {
            if (line == "Loading it !!!") lines.sshd.file("told", "");
            return true;
        });
    REQUIRE_MESSAGE(answers, answers.error().what);
    CHECK(answers->at(0).text == "Loading it !!!!\n");
}

TEST_CASE("a question that was foreseen is answered, another ends the line")
{
    Lines lines;
    lines.transcript = lines.sshd.path("transcript");
    Line remove{.text = "remove it", .limit = generous, .replies = {{.asked = "[y/n]", .say = "y"}}};
    const auto answers = lines.terminal().type({remove}, {});
    REQUIRE_MESSAGE(answers, answers.error().what);
    CHECK(answers->at(0).text == "Do you want to remove the above files? [y/n]y\nsaid y\n");
    remove.replies.clear();
    const auto refused = lines.terminal().type({remove, clock_line}, {});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == ErrorKind::refused);
    CHECK(refused.error().what.find("Do you want to remove the above files? [y/n]") != std::string::npos);
    // The question has no line's end, and is in the transcript all the same, with why nothing came after it.
    const std::string transcript = whole(lines.transcript);
    const size_t asked = transcript.rfind("\nDo you want to remove the above files? [y/n]\n--- 20");
    REQUIRE(asked != std::string::npos);
    CHECK(transcript.find("nobody foresaw that", asked) != std::string::npos);
}

TEST_CASE("a line that goes away is told as lost, with what came before")
{
    Lines lines;
    for (const char* ending : {"reload now", "end now"}) {
        CAPTURE(ending);
        const auto answers =
            lines.terminal().type({clock_line, {.text = ending, .limit = generous}, clock_line}, {});
        REQUIRE_MESSAGE(answers, answers.error().what);
        REQUIRE(answers->size() == 2);
        CHECK_FALSE(answers->at(0).lost);
        CHECK(answers->at(1).lost);
        // Of a server that is killed nobody knows what it has sent.
        if (ending == std::string_view("end now")) CHECK(answers->at(1).text == "closing\n");
        CHECK_FALSE(answers->at(1).why.empty());
    }
}

TEST_CASE("a line that takes longer than its limit")
{
    Lines lines;
    const auto answers = lines.terminal().type({{.text = "wait long", .limit = 3s}}, {});
    REQUIRE_FALSE(answers);
    CHECK(answers.error().kind == ErrorKind::timeout);
    CHECK(answers.error().what == "\"wait long\" took longer than 3 s");
}

TEST_CASE("what nobody waits for any more is ended")
{
    Lines lines;
    const auto answers =
        lines.terminal().type({{.text = "wait long", .limit = 1h}}, [](const std::string& line) {
            return !line.empty();  // it is asked each second whether it is wanted
        });
    REQUIRE_FALSE(answers);
    CHECK(answers.error().kind == ErrorKind::unavailable);
}

TEST_CASE("privilege: enable with the password, and what is wrong with another")
{
    Lines lines;
    lines.transcript = lines.sshd.path("transcript");
    lines.sshd.file("unprivileged", "");
    auto answers = lines.terminal().type({clock_line}, {});
    REQUIRE_FALSE(answers);
    CHECK(answers.error().kind == ErrorKind::permission);
    CHECK_FALSE(answers.error().next.empty());

    lines.enable_password = "not-the-word";
    answers = lines.terminal().type({clock_line}, {});
    REQUIRE_FALSE(answers);
    CHECK(answers.error().kind == ErrorKind::permission);
    CHECK(answers.error().what.find("not-the-word") == std::string::npos);

    lines.enable_password = "en4ble-word";
    lines.sshd.file("asks-name", "");
    answers = lines.terminal().type({clock_line}, {});
    REQUIRE_FALSE(answers);
    CHECK(answers.error().kind == ErrorKind::permission);
    CHECK(answers.error().what.find("\"Username:\"") != std::string::npos);
    CHECK(lines.typed().find("en4ble-word") == std::string::npos);
    std::filesystem::remove(lines.sshd.path("asks-name"));
    answers = lines.terminal().type({clock_line, {.text = "show secret", .limit = generous}}, {});
    REQUIRE_MESSAGE(answers, answers.error().what);
    CHECK(answers->at(1).text == "username belay secret ********\n");
    const std::string transcript = whole(lines.transcript);
    CHECK(transcript.find("enable") != std::string::npos);
    CHECK(transcript.find("en4ble-word") == std::string::npos);
    CHECK(transcript.find("not-the-word") == std::string::npos);
    CHECK(lines.typed().find("show clock\n") != std::string::npos);
}

TEST_CASE("the line of a standby member is not typed on")
{
    Lines lines;
    lines.sshd.file("standby", "");
    const auto answers = lines.terminal().type({clock_line}, {});
    REQUIRE_FALSE(answers);
    CHECK(answers.error().kind == ErrorKind::refused);
    CHECK_FALSE(std::filesystem::exists(lines.sshd.path("typed")));
}

TEST_CASE("where no transcript can be kept nothing is typed")
{
    Lines lines;
    lines.transcript = lines.sshd.path("no-such-folder/transcript");
    const auto answers = lines.terminal().type({clock_line}, {});
    REQUIRE_FALSE(answers);
    CHECK(answers.error().what.find("transcript") != std::string::npos);
    CHECK(lines.sshd.connections() == 0);
}

TEST_CASE("a file is carried, and how far it is is told")
{
    Lines lines;
    lines.transcript = lines.sshd.path("transcript");
    const std::string from = lines.sshd.file("image", std::string(2 << 20, 'i')),
                      to = lines.sshd.path("x.bin");
    uint64_t last = 0;
    const auto carried = lines.terminal().carry(from, to, [&](uint64_t done, uint64_t) {
        last = done;
        return true;
    });
    REQUIRE_MESSAGE(carried, carried.error().what);
    CHECK(last == 2 << 20);
    CHECK(whole(to) == std::string(2 << 20, 'i'));
    CHECK(whole(lines.transcript).find("copy " + from) != std::string::npos);
}

TEST_CASE("lines that may not be typed, and those that no plan has")
{
    Lines lines;
    for (const std::string& text :
         {std::string(), std::string("show ?"), std::string("a\nreload"), std::string("a\x1b"),
          std::string("a\tb"), std::string("\xc3\xa4"), std::string(1001, 'x')}) {
        const auto answers = lines.terminal().type({{.text = text}}, {});
        REQUIRE_FALSE(answers);
        CHECK(answers.error().kind == ErrorKind::usage);
    }
    VtyTerminal terminal = lines.terminal();
    SpokenFor spoken(terminal, {"show clock"});
    const auto refused = spoken.type({clock_line, {.text = "reload"}}, {});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == ErrorKind::refused);
    CHECK_FALSE(spoken.carry("/x", "flash:x", {}));
    CHECK(lines.sshd.connections() == 0);
    CHECK(spoken.type({clock_line}, {}));
}

TEST_CASE("a request is read within its limits, and its secrets are wiped")
{
    const auto read = [](Json change) {
        Json request = {{"address", "core"},
                        {"user", "belay"},
                        {"host_keys", {"SHA256:x"}},
                        {"password", "s3cret-word"},
                        {"lines", {{{"line", "show clock"}}}}};
        request.merge_patch(change);
        std::string text = json_text(request);
        Result<vty::Request> result = vty::read_request(text);
        CHECK(text.empty());
        if (!result) CHECK(result.error().what.find("s3cret") == std::string::npos);
        return result;
    };
    const auto good = read(Json::object());
    REQUIRE(good);
    CHECK(good->login.password == "s3cret-word");
    CHECK(good->lines.at(0).limit == 60s);
    for (const char* wrong :
         {R"({"address": null})",
          R"({"address": 7})",
          R"({"port": 0})",
          R"({"port": 65536})",
          R"({"port": "22"})",
          R"({"user": ""})",
          R"({"user": "a\nb"})",
          R"({"host_keys": []})",
          R"({"host_keys": "x"})",
          R"({"lines": []})",
          R"({"lines": [{"line": "a\nb"}]})",
          R"({"lines": [{"line": "show ?"}]})",
          R"({"lines": ["x"]})",
          R"({"lines": [{"line": "x", "limit_ms": 0}]})",
          R"({"lines": [{"line": "x", "limit_ms": 1e300}]})",
          R"({"lines": [{"line": "x", "replies": [{"asked": " ", "say": "y"}]}]})",
          R"({"lines": [{"line": "x", "replies": [{"asked": "?", "say": "y\nreload"}]}]})",
          R"({"carry": {"file": "/x", "to": "flash:x"}})",
          R"({"transcript": "relative"})",
          R"({"password": 5})",
          R"({"patience_ms": 5})",
          R"({"enable_password": "a\nb"})"}) {
        CAPTURE(wrong);
        CHECK_FALSE(read(Json::parse(wrong)));
    }
    std::string nonsense = "{";
    CHECK_FALSE(vty::read_request(nonsense));
}
