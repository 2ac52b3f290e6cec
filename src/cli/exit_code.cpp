#include "cli/exit_code.h"

namespace belay::cli {

ExitCode exit_code_of(ErrorKind kind)
{
    switch (kind) {
        case ErrorKind::usage:
            return ExitCode::usage;
        case ErrorKind::refused:
            return ExitCode::refused;
        case ErrorKind::busy:
            return ExitCode::busy;
        case ErrorKind::not_found:
            return ExitCode::not_found;
        case ErrorKind::permission:
            return ExitCode::permission;
        case ErrorKind::unavailable:
        case ErrorKind::version:
            return ExitCode::unavailable;
        case ErrorKind::no_space:
        case ErrorKind::corrupt:
        case ErrorKind::io:
            return ExitCode::io;
        case ErrorKind::timeout:
        case ErrorKind::failed:
        case ErrorKind::lost:
        case ErrorKind::dead:
            return ExitCode::failed;
    }
    return ExitCode::failed;
}

}  // namespace belay::cli
