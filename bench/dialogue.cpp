#include "dialogue.h"

#include <array>
#include <cerrno>
#include <sys/socket.h>
#include <unistd.h>

namespace belay::bench {
namespace {

constexpr int dialogue_descriptor = 3;

}  // namespace

Result<void> Dialogue::say(const Json& json) const
{
    const std::string line = json_text(json) + "\n";
    for (size_t sent = 0; sent < line.size();) {
        const ssize_t count =
            ::send(descriptor_.number(), line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
        if (count <= 0) return std::unexpected(system_error("talk to a measured program", errno));
        sent += static_cast<size_t>(count);
    }
    return {};
}

Result<Json> Dialogue::hear()
{
    size_t end = 0;
    while ((end = came_.find('\n')) == std::string::npos) {
        std::array<char, 4096> bytes{};
        const ssize_t count = ::read(descriptor_.number(), bytes.data(), bytes.size());
        if (count <= 0) return fail(ErrorKind::unavailable, "a measured program has ended");
        came_.append(bytes.data(), static_cast<size_t>(count));
    }
    Json json = TRY(parse_json(std::string_view(came_).substr(0, end)));
    came_.erase(0, end + 1);
    if (json.contains("error")) return std::unexpected(TRY(from_json_value<Error>(json["error"])));
    return json;
}

Result<Talking> start_talking(const std::vector<std::string>& argv)
{
    std::array<int, 2> ends{};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
        return std::unexpected(system_error("make a socket", errno));
    Dialogue ours{host::Descriptor(ends[0])};
    const host::Descriptor theirs(ends[1]);
    Program program = TRY(Program::start(argv, theirs.number()));
    return Talking{std::move(ours), std::move(program)};
}

Result<void> answer_all(const std::function<Result<Json>(const Json&)>& answer)
{
    Dialogue dialogue{host::Descriptor(dialogue_descriptor)};
    while (const Result<Json> question = dialogue.hear()) {
        const Result<Json> said = answer(*question);
        TRY(dialogue.say(said ? *said : Json{{"error", said.error()}}));
    }
    return {};
}

}  // namespace belay::bench
