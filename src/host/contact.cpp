#include "host/contact.h"

namespace belay::host {
namespace {

constexpr std::string_view call_names[] = {"run",     "read",    "write",    "replace", "remove", "list",
                                           "resolve", "read_at", "write_at", "space",   "now",    "random"};

}  // namespace

std::string_view name_of(Call call)
{
    return call_names[static_cast<size_t>(call)];
}

namespace question {

Question run(const Command& command)
{
    return {.call = Call::run, .effect = command.effect, .argv = command.argv, .input = command.input};
}

Question at(Call call, std::string_view path)
{
    return {.call = call,
            .effect = call == Call::remove ? Effect::changes : Effect::reads,
            .path = std::string(path)};
}

Question writing(Call call, std::string_view path, std::string_view text, Bytes offset)
{
    return {.call = call,
            .effect = Effect::changes,
            .path = std::string(path),
            .input = std::string(text),
            .offset = offset};
}

Question read_at(std::string_view path, Bytes offset, Bytes size)
{
    return {.call = Call::read_at, .path = std::string(path), .offset = offset, .size = size};
}

Question now()
{
    return {.call = Call::now};
}

Question random(size_t count)
{
    return {.call = Call::random, .size = {count}};
}

}  // namespace question

std::string to_text(const Question& question)
{
    const std::string_view call = name_of(question.call);
    switch (question.call) {
        case Call::run: {
            const std::string command = Command{.argv = question.argv}.to_text();
            if (question.input.empty()) return fmt::format("{} {}", call, command);
            return fmt::format("{} {} with an input of {}", call, command,
                               belay::to_text(Bytes{question.input.size()}));
        }
        case Call::now:
            return std::string(call);
        case Call::random:
            return fmt::format("{} {}", call, belay::to_text(question.size));
        case Call::read_at:
            return fmt::format("{} {} from {}, {}", call, question.path, question.offset.count,
                               belay::to_text(question.size));
        case Call::write_at:
            return fmt::format("{} {} from {}, {}", call, question.path, question.offset.count,
                               belay::to_text(Bytes{question.input.size()}));
        case Call::write:
            return fmt::format("{} {}: {}", call, question.path, Command{.argv = {question.input}}.to_text());
        default:
            return fmt::format("{} {}", call, question.path);
    }
}

}  // namespace belay::host
