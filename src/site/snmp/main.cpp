#include "site/snmp/command_line.h"

int main(int argc, char** argv)
{
    return belay::site::snmp::run(argc, argv);
}
