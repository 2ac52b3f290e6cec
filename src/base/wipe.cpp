#include "base/wipe.h"

#include <cstring>

namespace belay {

void wipe(std::string& text)
{
    text.resize(text.capacity());
    explicit_bzero(text.data(), text.size());
    text.clear();
}

}  // namespace belay
