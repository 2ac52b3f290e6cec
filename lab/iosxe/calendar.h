#pragma once
// A time in the parts that people read.

#include "iosxe/state.h"

namespace belay::lab::iosxe {

struct Calendar {
    int year = 0;
    unsigned month = 1, day = 1;
    std::string_view month_name;  ///< "Feb"
    std::string_view weekday;     ///< "Fri"
    std::string time;             ///< "09:22:02"
    int thousandths = 0;
};

Calendar calendar(Time time);

}  // namespace belay::lab::iosxe
