// What a mail looks like, whatever is in the alarm that it is about.

#include "site/reactions/errand.h"

#include "base/base64.h"
#include "base/testing/must.h"

#include <doctest/doctest.h>

namespace belay::site {
namespace {

using framework::alarms::Alarm;

const Letter plain_letter{.from = "belay@example.org",
                          .to = {"anna@example.org", "bob@example.org"},
                          .subject = "[minor] c on h1: it is full",
                          .body = "it is full\n.\n",
                          .id = "belay.1.2.3",
                          .at = Milliseconds(1'700'000'000'000)};

TEST_CASE("a mail of plain letters reads as it was written")
{
    CHECK(message_of(plain_letter) ==
          "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
          "From: belay@example.org\r\n"
          "To: anna@example.org,\r\n bob@example.org\r\n"
          "Subject: [minor] c on h1: it is full\r\n"
          "Message-ID: <belay.1.2.3@example.org>\r\n"
          "Auto-Submitted: auto-generated\r\n"
          "MIME-Version: 1.0\r\n"
          "Content-Type: text/plain; charset=utf-8\r\n"
          "Content-Transfer-Encoding: 7bit\r\n\r\n"
          "it is full\r\n.\r\n");
}

TEST_CASE("nothing in an alarm becomes a header, and no line is longer than mail may have")
{
    Letter letter = plain_letter;
    const std::vector<std::string> texts = {"x\r\nBcc: eve@example.org\r\n\r\nhello", std::string(5000, 'x'),
                                            "\xc3\xa4 \xff\x01 " + std::string(3, '\0'),
                                            "=?UTF-8?B?eA==?=", "\n\n"};
    for (const std::string& text : texts) {
        letter.subject = text;
        letter.body = text;
        const std::string message = message_of(letter);
        const std::string head = message.substr(0, message.find("\r\n\r\n"));
        CHECK(head.find("\r\nBcc:") == std::string::npos);
        size_t begin = 0;
        while (begin < message.size()) {
            const size_t end = message.find("\r\n", begin);
            REQUIRE(end != std::string::npos);
            const std::string line = message.substr(begin, end - begin);
            CHECK(line.size() <= 998);
            CHECK(line.find_first_of("\r\n") == std::string::npos);
            for (const char c : line) CHECK(static_cast<unsigned char>(c) < 0x80);
            begin = end + 2;
        }
        for (const char* header : {"Date: ", "From: ", "To: ", "Subject: ", "Message-ID: "})
            CHECK((message.starts_with(header) || head.contains("\r\n" + std::string(header))));
    }
}

TEST_CASE("a subject that is not plain ASCII is in encoded words, each whole by itself")
{
    CHECK(encoded_header("plain") == "plain");
    CHECK(encoded_header("\xc3\xa4") == "=?UTF-8?B?w6Q=?=");
    std::string text;
    for (int i = 0; i < 60; ++i) text += "\xe2\x82\xac";
    const std::string header = encoded_header(text);
    std::string decoded;
    for (size_t at = 0; (at = header.find("=?UTF-8?B?", at)) != std::string::npos;) {
        const size_t end = header.find("?=", at + 10);
        CHECK(end - at + 2 <= 75);
        const std::string part = must(from_base64(header.substr(at + 10, end - at - 10)));
        CHECK(part.size() % 3 == 0);
        decoded += part;
        at = end;
    }
    CHECK(decoded == text);
}

TEST_CASE("the text of a mail says what a person needs, and leaves out what is not there")
{
    Alarm alarm{.number = 7,
                .key = {.condition = "disk-full", .host = "h1"},
                .severity = framework::alarms::Severity::major,
                .count = 3,
                .first = Milliseconds(1'700'000'000'000),
                .text = "disk /srv of h1 is used to 95 %"};
    CHECK(standard_body(alarm) ==
          "disk /srv of h1 is used to 95 %\n\n"
          "alarm        7 disk-full, major\n"
          "host         h1\n"
          "first        2023-11-14T22:13:20Z\n"
          "count        3\n\n"
          "belay alarm show 7\nbelay alarm ack 7\n");
    CHECK(values_of(alarm).at("first") == "2023-11-14T22:13:20Z");
}

}  // namespace
}  // namespace belay::site
