// An application that says something:
//
//     belay-speaker SOCKET LINE...       says these, waits until they are kept, and prints what it was
//     answered belay-speaker SOCKET --flood N     says N lines as fast as it can, likewise

#include "site/local_socket.h"

#include <array>
#include <charconv>
#include <cstdio>
#include <fmt/format.h>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>

namespace {

int say_all(int connection, std::string_view text)
{
    while (!text.empty()) {
        const ssize_t count = send(connection, text.data(), text.size(), MSG_NOSIGNAL);
        if (count <= 0) return 1;
        text.remove_prefix(static_cast<size_t>(count));
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv)
{
    if (argc < 3) return 2;
    const auto connection = belay::site::connect_to(argv[1]);
    if (!connection) {
        fmt::print(stderr, "{}\n", connection.error().what);
        return 1;
    }
    int lines = 0;
    const std::string_view number = argc > 3 && argv[2] == std::string_view("--flood") ? argv[3] : "";
    if (std::from_chars(number.data(), number.data() + number.size(), lines).ec == std::errc{}) {
        std::string batch;
        for (int i = 0; i < lines; ++i) {
            fmt::format_to(std::back_inserter(batch),
                           "{{\"level\":\"trace\",\"text\":\"call {} is answered by agent {}\"}}\n", i,
                           i % 97);
            if (batch.size() < 16'384 && i + 1 < lines) continue;
            if (say_all(connection->number(), batch) != 0) return 1;
            batch.clear();
        }
    } else {
        for (int i = 2; i < argc; ++i) {
            if (say_all(connection->number(), fmt::format("{}\n", argv[i])) != 0) return 1;
        }
    }
    if (say_all(connection->number(), "{\"sync\":1}\n") != 0) return 1;
    std::string answer;
    std::array<char, 4096> room{};
    while (answer.find("\"kept\"") == std::string::npos || !answer.ends_with('\n')) {
        const ssize_t count = recv(connection->number(), room.data(), room.size(), 0);
        if (count <= 0) return 1;
        answer.append(room.data(), static_cast<size_t>(count));
    }
    fmt::print("{}", answer);
    return 0;
}
