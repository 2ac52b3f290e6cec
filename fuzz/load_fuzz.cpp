// Whatever the files under /proc may say: it is refused, or it is understood within its limits, and the load
// that is made of it has shares from 0 to 100.

#include "base/invariant.h"
#include "host/load/load.h"

#include <cstddef>
#include <cstdint>

namespace {

using namespace belay;
using namespace belay::host::load;

bool is_share(const Json& share)
{
    return share.get<double>() >= 0 && share.get<double>() <= 100;
}

/// The text as each of the files, and the load between nothing and that, and back.
void make_load(std::string_view text)
{
    Sample sample;
    sample.boot = Milliseconds(1000);
    if (const auto processors = parse_processors(text)) sample.processors = *processors;
    if (const auto memory = parse_memory(text)) sample.memory = *memory;
    if (const auto disks = parse_disks(text)) sample.disks = *disks;
    if (const auto process = parse_process(text)) sample.processes.push_back({.counts = *process});
    for (const Json& load : {load_between({}, sample, {.applications = {7}, .daemon = 1}),
                             load_between(sample, {}, {.applications = {7}, .daemon = 1})}) {
        const Json& processor = load.at("processor");
        for (const char* kind : {"busy", "user", "system", "iowait", "steal"})
            INVARIANT(is_share(processor.at(kind)));
        for (const Json& disk : load.at("disks")) INVARIANT(is_share(disk.at("busy")));
        INVARIANT(!json_text(load).empty());
    }
}

}  // namespace

// libFuzzer gives the name. NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    make_load(text);
    if (const auto memory = parse_memory(text)) INVARIANT(memory->available <= memory->total);
    if (const auto pressure = parse_pressure(text)) INVARIANT(pressure->some[0] >= 0);
    if (const auto averages = parse_load_average(text)) INVARIANT((*averages)[2] >= 0);
    if (const auto mounts = parse_mounts(text)) {
        for (const Mount& mount : *mounts) INVARIANT(!mount.at.empty() && !mount.type.empty());
    }
    INVARIANT(parse_group(text).find('\n') == std::string::npos);
    return 0;
}
