#include "cli/program.h"
#include "host/program.h"

int main(int count, char** words)
{
    using namespace belay;
    cli::Network network;
    network.become = [&] { return host::become_sibling("-site", words); };
    return cli::run_program({words + 1, words + count}, network);
}
