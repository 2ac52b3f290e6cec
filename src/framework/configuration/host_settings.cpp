#include "framework/configuration/host_settings.h"

namespace belay::framework::configuration {

HostSettings settings_of_host(const Configuration& configuration, std::string_view host)
{
    const Object* const object = configuration.find("host", host);
    if (object == nullptr || object->disabled) return {};
    return {.heartbeat_interval = Milliseconds(object->value("heartbeat_interval").get<int64_t>()),
            .heartbeat_timeout = Milliseconds(object->value("heartbeat_timeout").get<int64_t>()),
            .log = object->text("log"),
            .lost_after = Milliseconds(object->value("lost_after").get<int64_t>()),
            .maintenance = object->value("maintenance").get<bool>()};
}

}  // namespace belay::framework::configuration
