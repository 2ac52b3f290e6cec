#pragma once
// The parsers of what storage tools print are made of what all such parsers share, under their own names.

#include "base/printed/lines.h"

namespace belay::storage::parse {

using namespace printed;

}  // namespace belay::storage::parse
