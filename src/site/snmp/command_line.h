#pragma once
// The program belay-snmp.

namespace belay::site::snmp {

int run(int argc, char** argv);

}  // namespace belay::site::snmp
