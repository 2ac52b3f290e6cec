#pragma once

#include "host/program.h"

namespace belay::lab {

/// The folder of the running program, which has belay and belayd in it as well.
inline std::string own_folder()
{
    const std::string program = host::own_program();
    return program.substr(0, program.rfind('/'));
}

}  // namespace belay::lab
