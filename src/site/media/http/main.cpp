#include "site/media/http/command_line.h"

int main(int argc, char** argv)
{
    return belay::media::run(argc, argv);
}
