// Whatever a driver, or a tool that ours ask, may print: it is refused, or it is understood within its
// limits.

#include "base/invariant.h"
#include "upgrade/driver/driver_program.h"
#include "upgrade/driver/haproxy.h"
#include "upgrade/driver/keepalived.h"
#include "upgrade/driver/look_text.h"
#include "upgrade/driver/postgresql/report.h"

#include <cstddef>
#include <cstdint>

// libFuzzer gives the name. NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    using namespace belay;
    using namespace belay::upgrade::driver;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto look = parse_look(text)) {
        INVARIANT(parse_look(to_text(*look)) == *look);
        INVARIANT(!look->says.empty() && look->says.find('\n') == std::string::npos);
    }
    if (const auto lines = parse_commands(text)) {
        for (const std::string& line : *lines) INVARIANT(line.find('\x1b') == std::string::npos);
    }
    if (const auto place = postgresql::parse_place(text))
        INVARIANT(postgresql::parse_place(postgresql::to_text(*place)) == *place);
    static_cast<void>(postgresql::parse_clusters(text).has_value());
    static_cast<void>(postgresql::parse_control(text).has_value());
    static_cast<void>(postgresql::parse_server(text).has_value());
    static_cast<void>(postgresql::parse_identity(text).has_value());
    static_cast<void>(parse_haproxy_servers(text).has_value());
    static_cast<void>(parse_haproxy_info(text).has_value());
    static_cast<void>(has_address(text, "10.0.0.1").has_value());
    INVARIANT(version_in(text).size() <= 128);
    return 0;
}
