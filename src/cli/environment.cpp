#include "cli/environment.h"

#include <cstdlib>

namespace belay::cli {

std::string environment(const char* name)
{
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
    return value == nullptr ? "" : value;
}

}  // namespace belay::cli
