// Whatever a client may send to the simulated pair of switches: on a terminal line, as scp, and as its state
// file. The first byte says which.

#include "base/invariant.h"
#include "iosxe/image.h"
#include "iosxe/scp_sink.h"
#include "iosxe/shell.h"
#include "iosxe/texts.h"

#include <cstddef>
#include <cstdint>

namespace {

using namespace belay;
using namespace belay::lab::iosxe;
using namespace std::chrono_literals;

constexpr Time start = Time(1'549'617'600s);

void take(Device& device, Shell& shell)
{
    for (const Event& event : device.take_events()) shell.hear(event);
    INVARIANT(shell.take_output().size() < (16U << 20));
}

/// A byte of 0xfe lets ten minutes go by.
void type(std::string_view bytes)
{
    Device device(first_state({.version = "17.9.4.0.5", .start = start}));
    INVARIANT(device.put_file("x", file_of("belay-lab-iosxe image version=17.9.5.0.1\n", start)).has_value());
    const Manner manner = {.enable_password = bytes.starts_with('e') ? "s" : "",
                           .answers = Answers::key,
                           .web = [](const std::string& url) {
                               return Fetched{.bytes = "belay-lab-iosxe image version=17.9.5.0.1\n" + url};
                           }};
    size_t heard = 0;
    Shell shell(1, device, manner, [&](const std::string& line) { heard += line.size(); });
    shell.open(10);
    Time now = start;
    for (const char byte : bytes) {
        if (shell.closed()) break;
        if (byte == '\xfe') {
            now += 10min;
            device.advance(now);
            take(device, shell);
            shell.advance(now);
        } else {
            shell.receive({&byte, 1}, now);
        }
        take(device, shell);
    }
    // Whatever was typed, the pair can be kept and read again.
    INVARIANT(read_state(to_json_value(device.state())).has_value());
}

void carry(std::string_view bytes)
{
    Device device(first_state({.start = start}));
    ScpSink sink("flash:", device);
    sink.receive(bytes, start);
    INVARIANT(sink.take_output().starts_with('\0'));
    for (const auto& [name, file] : device.state().active()->files) INVARIANT(!name.contains('/'));
}

void keep(std::string_view text)
{
    const Result<Json> json = parse_json(text);
    if (!json) return;
    Result<State> state = read_state(*json);
    if (!state) return;
    Device device(*std::move(state));
    for (int count = 0; count < 100 && device.next(); ++count) device.advance(*device.next());
    if (device.state().active() == nullptr) return;
    INVARIANT(!text::version(device.state(), start).empty());
    INVARIANT(!text::install_summary(device.state(), start, "IUCD").empty());
    INVARIANT(!text::issu_state(device.state(), start).empty());
    INVARIANT(!text::redundancy(device.state(), start).empty());
}

}  // namespace

// libFuzzer gives the name. NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    if (size == 0) return 0;
    const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0]) {
        case 't':
            type(rest);
            break;
        case 'c':
            carry(rest);
            break;
        case 's':
            keep(rest);
            break;
        default:
            break;
    }
    return 0;
}
