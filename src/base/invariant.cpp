#include "base/invariant.h"

#include <cstdio>
#include <cstdlib>

namespace belay {

void invariant_failed(const char* expression, const char* file, int line)
{
    std::fprintf(stderr, "%s:%d: this must always hold, and does not: %s\n", file, line, expression);
    std::abort();
}

}  // namespace belay
