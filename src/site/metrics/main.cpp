#include "site/metrics/command_line.h"

int main(int argc, char** argv)
{
    return belay::site::metrics::run(argc, argv);
}
