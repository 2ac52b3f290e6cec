// `copy https://... flash:...`: the bytes are there already, and come into the flash as fast as a device gets
// them.

#include "iosxe/device.h"
#include "iosxe/failures.h"
#include "iosxe/image.h"
#include "iosxe/texts.h"

#include <algorithm>

namespace belay::lab::iosxe {
namespace {

constexpr uint64_t fetched_a_second = 5'000'000;
constexpr int breaks_at = copy_marks / 2;

Milliseconds time_for(const Copying& copying)
{
    return std::max(Milliseconds(copying.whole.size * 1000 / fetched_a_second), Milliseconds(1000));
}

/// What lies in the flash meanwhile: no image, and with a hash of its own.
File part_of(const Copying& copying, Time now)
{
    const uint64_t size = copying.whole.size * static_cast<uint64_t>(copying.marks) / copy_marks;
    File part = file_of(fmt::format("{} bytes of {}", size, copying.url), now);
    part.size = size;
    return part;
}

}  // namespace

void Device::copy(const std::string& url, const std::string& name, Fetched fetched, int line, Time now)
{
    advance(now);
    const auto refuse = [&](std::string_view what, std::string_view why) {
        say(Saying::output, now_, line, text::copy_failed("opening", what, why));
        say(Saying::done, now_, line, {});
    };
    if (fetched.bytes.empty() && !fetched.why.empty()) return refuse(url, fetched.why);
    if (state_.copying) return refuse("flash:" + name, text::resource_busy);
    const bool is_damaged = state_.fails(failure::image_damaged) && !fetched.bytes.empty();
    if (is_damaged) fetched.bytes.back() = static_cast<char>(fetched.bytes.back() ^ 1);
    Copying copying = {.url = url,
                       .name = name,
                       .whole = file_of(fetched.bytes, now_),
                       .began = now_,
                       .breaks_off = !fetched.why.empty() || state_.fails(failure::copy_breaks),
                       .line = line};
    copying.whole.sound = !is_damaged;
    if (copying.whole.size > largest_copy || !put_file(name, part_of(copying, now_)))
        return refuse("flash:" + name, text::no_space_left);
    state_.copying = std::move(copying);
    say(Saying::output, now_, line, text::loading(url));
}

std::optional<Time> Device::copy_due() const
{
    if (!state_.copying) return std::nullopt;
    return state_.copying->began + time_for(*state_.copying) * (state_.copying->marks + 1) / copy_marks;
}

void Device::copy_moment(Time now)
{
    Copying& copying = *state_.copying;
    ++copying.marks;
    if (copying.marks < copy_marks) {
        if (!put_file(copying.name, part_of(copying, now)))
            return end_copy(text::copy_failed("copying", copying.url, text::no_space_left), now);
        if (copying.breaks_off && copying.marks == breaks_at)
            return end_copy(text::copy_failed("reading", copying.url, text::connection_reset), now);
        if (copying.line != 0) say(Saying::output, now, copying.line, "!");
        return;
    }
    copying.whole.written = now;
    if (!put_file(copying.name, copying.whole))
        return end_copy(text::copy_failed("copying", copying.url, text::no_space_left), now);
    end_copy("!" + text::copied(copying.whole.size, time_for(copying)), now);
}

void Device::end_copy(const std::string& words, Time now)
{
    const int line = state_.copying->line;
    state_.copying.reset();
    if (line == 0) return;
    say(Saying::output, now, line, words);
    say(Saying::done, now, line, {});
}

}  // namespace belay::lab::iosxe
