#pragma once

#include <string>

namespace belay::cli {

/// A variable of the environment; empty where there is none. Threads: any, for nobody changes them.
std::string environment(const char* name);

}  // namespace belay::cli
