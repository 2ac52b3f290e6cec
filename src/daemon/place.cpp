#include "daemon/place.h"

#include <unistd.h>

namespace belay::daemon {

std::string key_file_in(const std::string& state_folder)
{
    return state_folder + "/configuration.key";
}

bool has_place(const std::string& state_folder)
{
    const auto there = [&](const char* name) {
        return access(fmt::format("{}/site/{}", state_folder, name).c_str(), F_OK) == 0;
    };
    return there("membership.json") || there("controller.json");
}

}  // namespace belay::daemon
