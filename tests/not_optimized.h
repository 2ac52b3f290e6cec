#pragma once
// From here on, and after this header; what came before, JSON above all, is optimized, for the linker takes
// it from here for the rooms as well.
#ifdef __clang__
#pragma clang optimize off
#endif
