// belay-message-appender FOLDER: appends to a store of messages until it is ended, while another of its
// threads seals; says of each append "stored N", N being the last number, as soon as that is there.
// belay-message-appender FOLDER check: says "whole N" where all numbers up to the newest, N, are there, once,
// with what belongs to them, and the position of their source with them; else what is wrong.

#include "framework/messages/store/message_store.h"

#include <atomic>
#include <cstdio>
#include <random>
#include <thread>
#include <unistd.h>

namespace belay::framework::messages {
namespace {

/// Small segments, so that the power is cut while one is sealed as well.
StoreLimits appender_limits()
{
    StoreLimits limits{.segment_bytes = 400'000};
    limits.keep.fill(std::chrono::days(3650));
    return limits;
}

Message numbered(uint64_t number)
{
    return {.id = {.component = 20, .number = static_cast<uint32_t>(number % 100)},
            .at = Milliseconds(static_cast<int64_t>(number)),
            .host = "web1",
            .application = {},
            .interaction = {},
            .text = fmt::format("{} {}", number, std::string(number * 7919 % 300, 'x')),
            .attributes = {}};
}

bool say(const std::string& line)
{
    return ::write(STDOUT_FILENO, line.data(), line.size()) == static_cast<ssize_t>(line.size());
}

Result<void> append_on(MessageStore& store)
{
    std::minstd_rand random(static_cast<unsigned>(store.newest()) + 1);
    std::atomic<bool> is_over = false;
    const std::jthread tidying([&] {
        while (!is_over) {
            static_cast<void>(store.expire(Milliseconds(0)));
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
    });
    Result<void> done;
    for (uint64_t next = store.newest() + 1; done;) {
        std::vector<Message> some;
        for (auto count = random() % 4 == 0 ? random() % 300 + 1 : random() % 3 + 1; count > 0; --count)
            some.push_back(numbered(next++));
        const std::vector<Position> position = {{"appender", std::to_string(next - 1)}};
        const auto stored = store.append(some, position, Milliseconds(0));
        if (!stored) done = std::unexpected(stored.error());
        if (stored && !say(fmt::format("stored {}\n", next - 1))) break;
    }
    is_over = true;
    return done;
}

Result<void> check_all(MessageStore& store)
{
    for (const Loss& loss : store.take_losses())
        return fail(ErrorKind::failed, fmt::format("{} was put aside: {}", loss.file, loss.why));
    uint64_t checked = 0;
    for (;;) {
        const auto some = TRY(store.search({.limit = 5000, .newest = false, .after = checked}));
        if (some.empty()) break;
        for (const StoredMessage& stored : some) {
            ++checked;
            if (stored.number != checked || !(stored.message == numbered(checked)))
                return fail(ErrorKind::failed,
                            fmt::format("{} stands in the place of {}", stored.number, checked));
        }
    }
    if (checked != store.newest())
        return fail(ErrorKind::failed,
                    fmt::format("{} are there, and the newest is {}", checked, store.newest()));
    if (const auto position = TRY(store.position("appender"));
        position.value_or("0") != std::to_string(checked))
        return fail(ErrorKind::failed, fmt::format("the position is {}, not {}", *position, checked));
    say(fmt::format("whole {}\n", checked));
    return {};
}

Result<void> run_appender(const std::string& folder, bool is_check)
{
    const auto store = TRY(MessageStore::open(folder, appender_limits()));
    return is_check ? check_all(*store) : append_on(*store);
}

}  // namespace
}  // namespace belay::framework::messages

int main(int argc, char** argv)
{
    if (argc < 2) return 2;
    const auto done = belay::framework::messages::run_appender(argv[1], argc > 2);
    if (done) return 0;
    fmt::print("{}\n", done.error().what);
    return 1;
}
