// Whatever a person writes for the address of an etcd: what is taken can be written again and means the same,
// and what is not says why in a line that a terminal can show.

#include "base/invariant.h"
#include "store/etcd/address.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace {

using namespace belay::store;

void read(std::string_view text)
{
    const auto options = parse_etcd_address(text);
    if (!options) {
        INVARIANT(!options.error().what.empty() && options.error().what.size() < 400);
        INVARIANT(std::ranges::all_of(options.error().what, [](char c) { return c >= ' ' && c <= '~'; }));
        return;
    }
    std::string again = "etcd:";
    for (const std::string& endpoint : options->endpoints) {
        INVARIANT(check_endpoint(endpoint));
        again += (again.ends_with(':') ? "" : ",") + endpoint;
    }
    INVARIANT(check_prefix(options->prefix));
    const auto second = parse_etcd_address(again + "/" + options->prefix);
    INVARIANT(second && second->endpoints == options->endpoints && second->prefix == options->prefix);
}

}  // namespace

// libFuzzer gives the name. NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    const std::string text(reinterpret_cast<const char*>(data), size);
    read(text);
    read("etcd:" + text);
    return 0;
}
