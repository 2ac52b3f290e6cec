#include "upgrade/iosxe/vty/conversation.h"

#include <doctest/doctest.h>

using namespace belay;
using namespace belay::upgrade::iosxe::vty;

namespace {

/// Hears bytes in pieces of one size.
void hear_in_pieces(Conversation& talk, std::string_view bytes, size_t size)
{
    while (!bytes.empty()) {
        talk.hear(bytes.substr(0, size));
        bytes.remove_prefix(std::min(size, bytes.size()));
    }
}

/// What comes back for one line of a device that has shown its prompt.
std::string answer_to(const std::string& line, std::string_view comes, size_t piece = 4096)
{
    Conversation talk({});
    talk.hear("C9500#");
    REQUIRE(talk.at_prompt());
    CHECK(talk.type(line, {}) == line + "\n");
    CHECK_FALSE(talk.at_prompt());
    hear_in_pieces(talk, comes, piece);
    REQUIRE(talk.at_prompt());
    return talk.take_answer();
}

std::string text_of(std::string_view bytes)
{
    PlainText text;
    std::string all;
    text.hear(bytes, [&](std::string_view line) { all.append(line).append("\n"); });
    return all + std::string(text.unfinished());
}

}  // namespace

TEST_CASE("what a terminal shows of bytes")
{
    CHECK(text_of("one\r\ntwo\r\n") == "one\ntwo\n");
    CHECK(text_of("hel1\blo\r\n") == "hello\n");
    CHECK(text_of("12345\rab") == "ab345");
    CHECK(text_of("12345\r\x1b[Kab") == "ab");
    CHECK(text_of("\x1b[1;31mred\x1b[0m plain\x1b]0;title\x07!\x1b(B") == "red plain!");
    CHECK(text_of("\x1b]0;ti\x1b\\tle") == "tle");
    CHECK(text_of("a\x00\x07\x7f"
                  "b") == "a");  // the text ends at its zero byte here
    CHECK(text_of(std::string_view("a\0\a\x7f"
                                   "b",
                                   5)) == "ab");
    CHECK(text_of(" --More-- \b\b\b\b\b\b\b\b\b\b          \b\b\b\b\b\b\b\b\b\bnext") == "next");
    CHECK(text_of("trailing   \r\n") == "trailing\n");
    CHECK(text_of("\b\b\bx") == "x");
    // One that never ends is none.
    CHECK(text_of("\x1b[" + std::string(300, '1') + "end").ends_with("end"));
    CHECK(text_of("\x1b]" + std::string(300, 'a') + "\r\nend").ends_with("end"));
}

TEST_CASE("prompts, and what looks like them")
{
    CHECK(read_prompt("C9500#") == Prompt{.host = "C9500", .is_privileged = true});
    CHECK(read_prompt("core-1.example>") == Prompt{.host = "core-1.example"});
    CHECK(read_prompt("C9400-stby>") == Prompt{.host = "C9400", .is_standby = true});
    CHECK(read_prompt("Switch(recovery-mode)>") == Prompt{.host = "Switch", .mode = "recovery-mode"});
    CHECK(read_prompt("C9500(config)#") == Prompt{.host = "C9500", .mode = "config", .is_privileged = true});
    for (const char* none :
         {"", "#", ">", "two words#", "C9500# ", "C9500", "*x#", "a()#", "(config)#", "-stby#"})
        CHECK_FALSE(read_prompt(none));
    CHECK_FALSE(read_prompt(std::string(200, 'a') + "#"));
}

TEST_CASE("questions, and what looks like them")
{
    for (const char* question :
         {"Do you want to proceed? [y/n]", "proceed? [Y/N]:", "Save? [yes/no]:",
          "re-enter the command. [y/n/q]", "Proceed with reload? [confirm]", "Destination filename [x.bin]?",
          "Continue? [no]:", "Delete (y/n)?", "Password:", "Username:", "Enter PASSCODE:"})
        CHECK_MESSAGE(asks(question), question);
    for (const char* none : {"", "]", "[]", "[/]", "[y/]", "[1/2]", "Add: Passed on [1 2]",
                             "[2]:", "on [R0/0]", "install_add: Adding", "[a sentence/with blanks]", "y/n"})
        CHECK_FALSE_MESSAGE(asks(none), none);
    CHECK(asks_for_password("Password:"));
    CHECK_FALSE(asks_for_password("Username:"));
}

TEST_CASE("an answer, without its echo and its prompt, however the bytes are cut")
{
    const std::string_view comes =
        "show issu state detail\r\n"
        "--- Starting local lock acquisition on switch 1 ---\r\n"
        "Finished local lock acquisition on switch 1\r\n"
        "\r\n"
        "No ISSU operation is in progress\r\n"
        "\r\n"
        "C9500#";
    for (size_t piece = 1; piece <= comes.size(); ++piece) {
        CAPTURE(piece);
        CHECK(answer_to("show issu state detail", comes, piece) ==
              "--- Starting local lock acquisition on switch 1 ---\n"
              "Finished local lock acquisition on switch 1\n\n"
              "No ISSU operation is in progress\n\n");
    }
}

TEST_CASE("the log of a device is no part of an answer, wherever it comes")
{
    const std::string log = "*Feb  8 10:19:10.223 jst: %REDUNDANCY-3-IPC: IOS versions do not match.\r\n";
    for (const std::string& comes : {
             "show clock\r\n" + log + "10:19:11\r\nC9500#",
             "show clock\r\n10:19:11\r\n" + log + "C9500#",
             "\r\n" + log + "show clock\r\n10:19:11\r\nC9500#",            // before the echo
             "\r\n" + log + "C9500#show clock\r\n10:19:11\r\nC9500#",      // and the prompt anew
             "show\r\n" + log + "C9500#show clock\r\n10:19:11\r\nC9500#",  // in the echo
             "show \r\n" + log + "clock\r\n10:19:11\r\nC9500#",            // in it, and it goes on
             "show clock\r\n10:19:11\r\nC9500#\r\n" + log,                 // behind the prompt
             "show clock\r\n10:19:11\r\nC9500#" + log,                     // on its line
             "show clock\r\n10:19:11\r\nC9500#\r\n" + log + "-Traceback= 1#a 2#b\r\n",
         }) {
        CAPTURE(comes);
        CHECK(answer_to("show clock", comes, 1) == "10:19:11\n");
        CHECK(answer_to("show clock", comes) == "10:19:11\n");
    }
}

TEST_CASE("what stands behind the log on one line is kept with it, for the transcript has both")
{
    Conversation talk({});
    talk.hear("C9500#");
    talk.type("install add file flash:x.bin", {});
    talk.hear(
        "install add file flash:x.bin\r\n"
        "*Feb  8 09:22:02.055: %INSTALL-5-INSTALL_START_INFO: Switch 1 R0/0: install_engine: Started "
        "install add flash:x.bininstall_add: Adding PACKAGE\r\n"
        "SUCCESS: install_add\r\nC9500#");
    REQUIRE(talk.at_prompt());
    CHECK(talk.take_answer() == "SUCCESS: install_add\n");
    const auto shown = talk.take_shown();
    REQUIRE(shown.size() == 3);
    CHECK(shown[0] == "C9500#install add file flash:x.bin");
    CHECK(shown[1].ends_with("install_add: Adding PACKAGE"));
}

TEST_CASE("pages: a key is sent for each, and none of it is in the answer")
{
    Conversation talk({});
    talk.hear("C9500#");
    talk.type("show version", {});
    talk.hear("show version\r\nline 1\r\n --More-- ");
    CHECK(talk.take_replies() == " ");
    talk.hear("");
    CHECK(talk.take_replies().empty());
    talk.hear("\b\b\b\b\b\b\b\b\b\b          \b\b\b\b\b\b\b\b\b\bline 2\r\n --More-");
    CHECK(talk.take_replies().empty());
    talk.hear("- ");
    CHECK(talk.take_replies() == " ");
    talk.hear("\r          \rline 3\r\nC9500#");
    REQUIRE(talk.at_prompt());
    CHECK(talk.take_answer() == "line 1\nline 2\nline 3\n");
}

TEST_CASE("a question that was foreseen is answered once, and one that was not is told")
{
    Conversation talk({});
    talk.hear("C9500#");
    talk.type("install remove inactive", {{.asked = "[y/n]", .say = "y"}});
    talk.hear("install remove inactive\r\nDo you want to remove the above files? [y/n]");
    CHECK(talk.take_replies() == "y\n");
    CHECK_FALSE(talk.open_question());
    talk.hear("y\r\nAre you sure? [y/n]");
    CHECK(talk.take_replies().empty());
    REQUIRE(talk.open_question());
    CHECK(*talk.open_question() == "Are you sure? [y/n]");
    CHECK_FALSE(talk.at_prompt());
}

TEST_CASE("the shell's own words in an answer are no question")
{
    Conversation talk({});
    talk.hear("C9500#");
    talk.type("show x", {{.asked = "[y/n]", .say = "y"}});
    talk.hear("show x\r\nDo you want this? [y/n] was asked\r\n[2]:");
    CHECK(talk.take_replies().empty());
    CHECK_FALSE(talk.open_question());
}

TEST_CASE("a prompt of another device in an answer is a part of it")
{
    CHECK(answer_to("show x", "show x\r\nC9300#\r\nend\r\nC9500#") == "C9300#\nend\n");
}

TEST_CASE("a prompt that is shown in the middle of an answer is taken for it only while nothing follows")
{
    Conversation talk({});
    talk.hear("C9500#");
    talk.type("show x", {});
    talk.hear("show x\r\nC9500#");
    CHECK(talk.at_prompt());
    talk.hear("show y\r\nmore\r\n");
    CHECK_FALSE(talk.at_prompt());
    talk.hear("C9500#");
    CHECK(talk.at_prompt());
    CHECK(talk.take_answer() == "C9500#show y\nmore\n");
}

TEST_CASE(
    "an answer that shows the prompt on a line of its own does not end there, however long the rest takes")
{
    Conversation talk({});
    talk.hear("\r\nLAB#\r\n");  // of a banner
    CHECK_FALSE(talk.at_prompt());
    talk.hear("\r\nC9500#");
    CHECK(talk.at_prompt());
    talk.type("show x", {});
    talk.hear("show x\r\nin it stands\r\nC9500#\r\n");
    CHECK_FALSE(talk.at_prompt());
    talk.hear("and more\r\nC9500#\r\n*Feb  8 10:07:52.456: %SYS-5-CONFIG_I: Configured\r\n");
    CHECK(talk.at_prompt());
    CHECK(talk.take_answer() == "in it stands\nand more\n");
}

TEST_CASE("without its echo no answer is believed")
{
    Conversation talk({});
    talk.hear("C9500#");
    talk.type("show clock", {});
    talk.hear("\r\nleft over of what was typed before\r\nC9500#");
    CHECK_FALSE(talk.at_prompt());
    talk.hear("show clock\r\n10:19:11\r\nC9500#");
    REQUIRE(talk.at_prompt());
    CHECK(talk.take_answer() == "10:19:11\n");
}

TEST_CASE("enable: the password is asked for, never shown, and the prompt comes without an echo")
{
    Conversation talk({"s3cret-word"});
    talk.hear("\r\nAuthorized people only #1\r\n\r\nC9500>");
    REQUIRE(talk.at_prompt());
    CHECK_FALSE(talk.prompt()->is_privileged);
    talk.type("enable", {});
    talk.hear("enable\r\nPassword: ");
    CHECK(talk.wants_password());
    CHECK_FALSE(talk.at_prompt());
    talk.await_prompt();
    CHECK_FALSE(talk.wants_password());
    // One that shows it all the same.
    talk.hear("s3cret-word\r\nC9500#");
    REQUIRE(talk.at_prompt());
    CHECK(talk.prompt()->is_privileged);
    for (const std::string& line : talk.take_shown()) CHECK(line.find("s3cret") == std::string::npos);
}

TEST_CASE("a wrong enable password: it is asked for again")
{
    Conversation talk({"wrong-one"});
    talk.hear("C9500>");
    talk.type("enable", {});
    talk.hear("enable\r\nPassword: ");
    talk.await_prompt();
    talk.hear("\r\nPassword: ");
    CHECK(talk.wants_password());
}

TEST_CASE("a name is no password: it would be shown, and written down by others")
{
    Conversation talk({"s3cret-word"});
    talk.hear("C9500>");
    talk.type("enable", {});
    talk.hear("enable\r\nUsername: ");
    CHECK_FALSE(talk.wants_password());
    CHECK(talk.open_question() == "Username:");
}

TEST_CASE("a secret that is a word of what is typed, of the prompt, or of another secret")
{
    Conversation talk({"show", "show-more"});
    talk.hear("show-core#");
    talk.type("show clock", {});
    talk.hear("show clock\r\nshow-more or show\r\nshow-core#");
    REQUIRE(talk.at_prompt());
    CHECK(talk.take_answer() == "******** or ********\n");
    for (const std::string& line : talk.take_shown()) CHECK(line.find("show") == std::string::npos);
    Conversation of_stars({"****"});
    of_stars.hear("C9500#");
    of_stars.type("show x", {});
    of_stars.hear("show x\r\n*****\r\nC9500#");
    CHECK(of_stars.take_answer() == "*********\n");
}

TEST_CASE("a secret that a device shows is hidden in answer, question and transcript")
{
    Conversation talk({"s3cret-word", "ab"});
    talk.hear("C9500#");
    talk.type("show x", {});
    talk.hear("show x\r\nusername belay password s3cret-word s3cret-word\r\nab\r\ns3cret-word [confirm]");
    REQUIRE(talk.open_question());
    CHECK(*talk.open_question() == "******** [confirm]");
    talk.hear("\r\nC9500#");
    CHECK(talk.take_answer() == "username belay password ******** ********\nab\n******** [confirm]\n");
}

TEST_CASE("a device that never stops: the limit is told, and no more is taken")
{
    Conversation talk({});
    talk.hear("C9500#");
    talk.type("show tech", {});
    talk.hear("show tech\r\n");
    const std::string flood(1 << 20, 'x');
    for (int i = 0; i < 17; ++i) talk.hear(flood);
    REQUIRE(talk.problem());
    CHECK(talk.problem()->kind == ErrorKind::corrupt);
    CHECK(talk.problem()->what.find("16 MiB") != std::string::npos);
    talk.hear("\r\nC9500#");
    CHECK_FALSE(talk.at_prompt());
}

TEST_CASE("floods that are made to be slow are not")
{
    const auto hear_all = [](std::string_view unit) {
        Conversation talk({"s3cret-word"});
        talk.hear("C9500#");
        talk.type("show x", {});
        std::string flood = "show x\r\n";
        while (flood.size() < (4U << 20)) flood += unit;
        hear_in_pieces(talk, flood, 64 << 10);
        talk.hear("x\r\nC9500#");  // the x ends a sequence
        CHECK(talk.at_prompt());
    };
    for (const char* unit : {"%A-1-B:", "*Feb  8 10:07:52.456: %A-1-B: ", "Jan ", "\x1b[", "\r", "a\b",
                             " --More-- \r", "\n", "s3cret-wor", "s3cret-word", "[y/n]", "C9500#"}) {
        CAPTURE(unit);
        hear_all(unit);
    }
}
