#include "upgrade/driver/command_line.h"

int main(int argc, char** argv)
{
    return belay::upgrade::driver::run(argc, argv);
}
