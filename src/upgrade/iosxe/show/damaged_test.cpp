// Answers that are not whole, or not of the command that was typed: an error, or what is true, never anything
// else.

#include "upgrade/iosxe/show/testing/answers.h"

#include <random>
#include <sstream>

namespace belay::upgrade::iosxe::show::damaged_test {
namespace {

using testing::is_part_of;
using testing::written_answers;
using testing::WrittenAnswer;

std::vector<std::string> lines_of(const std::string& text)
{
    std::istringstream stream(text);
    std::vector<std::string> lines;
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
}

std::string joined(const std::vector<std::string>& lines)
{
    std::string text;
    for (const std::string& line : lines) text += line + '\n';
    return text;
}

TEST_CASE("every kind of text has an answer, and each is understood")
{
    std::set<std::string> commands;
    for (const WrittenAnswer& answer : written_answers()) {
        CAPTURE(answer.text);
        CHECK(must(printed::parse_as(answer.kind(), answer.text)).is_object());
        commands.insert(answer.command);
    }
    for (const printed::Kind& kind : kinds())
        CHECK_MESSAGE(commands.contains(std::string(kind.name.substr(6))), kind.name);
}

TEST_CASE("an answer that was cut at the end of a line says nothing or what is true")
{
    size_t refused = 0, parts = 0;
    for (const WrittenAnswer& answer : written_answers()) {
        const Json whole = must(printed::parse_as(answer.kind(), answer.text));
        for (size_t end = 0; end != std::string::npos; end = answer.text.find('\n', end + 1)) {
            const std::string part = answer.text.substr(0, end + 1);
            const auto read = printed::parse_as(answer.kind(), part);
            ++(read ? parts : refused);
            const bool is_true = !read || is_part_of(*read, whole);
            CHECK_MESSAGE(is_true, answer.command << "\n" << part << "\n" << read->dump(1));
        }
    }
    MESSAGE(refused << " refused, " << parts << " read in part or whole");
    CHECK(refused > 3 * parts);
}

TEST_CASE("a pasted answer that was cut within a line says nothing or what is true")
{
    for (const WrittenAnswer& answer : written_answers()) {
        const Json whole = must(printed::parse_as(answer.kind(), answer.text));
        const printed::Kind& kind = answer.kind();
        for (size_t size = 0; size < answer.text.size(); ++size) {
            const std::string part = answer.text.substr(0, size);
            const auto read = printed::parse_as(kind, part);
            const bool is_true = !read || is_part_of(*read, whole);
            CHECK_MESSAGE(is_true, answer.command << "\n" << part << "\n" << read->dump(1));
        }
    }
}

TEST_CASE("an answer is not taken for that of another command")
{
    for (const WrittenAnswer& answer : written_answers()) {
        const Json own = must(printed::parse_as(answer.kind(), answer.text));
        for (const printed::Kind& other : kinds()) {
            const auto read = printed::parse_as(other, answer.text);
            if (read) CHECK_MESSAGE(*read == own, answer.command << " as " << other.name);
        }
    }
}

TEST_CASE("a line that is missing, or there twice, makes nothing untrue")
{
    for (const WrittenAnswer& answer : written_answers()) {
        const Json whole = must(printed::parse_as(answer.kind(), answer.text));
        const std::vector<std::string> lines = lines_of(answer.text);
        for (size_t line = 0; line < lines.size(); ++line) {
            std::vector<std::string> fewer = lines, more = lines;
            fewer.erase(fewer.begin() + static_cast<ptrdiff_t>(line));
            more.insert(more.begin() + static_cast<ptrdiff_t>(line), lines[line]);
            CAPTURE(lines[line]);
            const auto with_fewer = printed::parse_as(answer.kind(), joined(fewer));
            const bool is_true = !with_fewer || is_part_of(*with_fewer, whole);
            CHECK_MESSAGE(is_true,
                          answer.command << " without it: " << (with_fewer ? with_fewer->dump(1) : ""));
            const auto with_more = printed::parse_as(answer.kind(), joined(more));
            const bool is_same = !with_more || is_part_of(*with_more, whole);
            CHECK_MESSAGE(is_same,
                          answer.command << " with it twice: " << (with_more ? with_more->dump(1) : ""));
        }
    }
}

TEST_CASE("a message of the log, wherever it comes, makes nothing untrue")
{
    const std::string log = "*Oct 10 11:02:31.300 CEST: %SYS-5-CONFIG_I: Configured from console by vty0\n";
    for (const WrittenAnswer& answer : written_answers()) {
        const Json whole = must(printed::parse_as(answer.kind(), answer.text));
        for (size_t at = 0; at < answer.text.size(); ++at) {
            const bool is_between = at == 0 || answer.text[at - 1] == '\n';
            const std::string text = std::string(answer.text).insert(at, log);
            const auto read = printed::parse_as(answer.kind(), text);
            const bool is_true = is_between ? read && *read == whole : !read || is_part_of(*read, whole);
            CHECK_MESSAGE(is_true, answer.command << "\n"
                                                  << text << "\n"
                                                  << (read ? read->dump(1) : read.error().what));
        }
    }
}

TEST_CASE("other line ends than the device's change nothing, and fewer blanks make nothing untrue")
{
    const auto narrow = [](std::string_view text) {
        std::string one;
        for (const char c : text)
            if (c != ' ' || !one.ends_with(' ')) one += c;
        return one;
    };
    for (const WrittenAnswer& answer : written_answers()) {
        const Json whole = must(printed::parse_as(answer.kind(), answer.text));
        std::string text;
        for (const std::string& line : lines_of(answer.text)) text += line + " \r\r\n";
        CHECK(must(printed::parse_as(answer.kind(), text)) == whole);
        const auto read = printed::parse_as(answer.kind(), narrow(answer.text));
        const bool is_true = !read || is_part_of(*read, must(parse_json(narrow(whole.dump()))));
        CHECK_MESSAGE(is_true, answer.command << "\n" << answer.text << "\n" << read->dump(1));
    }
}

TEST_CASE("bytes of any kind in an answer end in an error or in JSON")
{
    std::mt19937 random(20261010);
    const std::vector<WrittenAnswer> answers = written_answers();
    for (const WrittenAnswer& answer : answers) {
        for (int round = 0; round < 60; ++round) {
            std::string text = answer.text;
            for (int change = 0; change <= round % 5; ++change)
                text[random() % text.size()] = static_cast<char>(random());
            if (round % 3 == 0) text.erase(random() % text.size(), random() % 40);
            if (round % 4 == 0) text.insert(random() % text.size(), text, random() % text.size(), 30);
            const auto read = printed::parse_as(answer.kind(), text);
            if (read) CHECK(parse_json(json_text(*read)));
            if (!read) CHECK_FALSE(read.error().what.empty());
        }
    }
}

}  // namespace
}  // namespace belay::upgrade::iosxe::show::damaged_test
