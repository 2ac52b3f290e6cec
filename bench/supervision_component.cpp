// The component that supervisors are measured with: it writes that it has begun, and waits to be ended. Its
// one argument is PAGE:NUMBER, so that it can stand in the first line of a script as well.

#include "supervision_page.h"

#include <climits>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char** argv)
{
    using belay::bench::Beginning;
    using belay::bench::BeginningsPage;
    constexpr int exit_usage = 2;
    char* const border = argc < 2 ? nullptr : std::strrchr(argv[1], ':');
    if (border == nullptr) return exit_usage;
    *border = '\0';
    const auto number = std::strtoul(border + 1, nullptr, 10);
    const int file = open(argv[1], O_RDWR | O_CLOEXEC);
    void* const mapped = mmap(nullptr, sizeof(BeginningsPage), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (mapped == MAP_FAILED || number >= belay::bench::most_components) return exit_usage;
    close(file);
    auto& page = *static_cast<BeginningsPage*>(mapped);
    Beginning& own = page.components[number];
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    own.at = int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
    own.pid = getpid();
    ++own.times;
    if (++page.begun == page.awaited)
        syscall(SYS_futex, &page.begun, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
    while (true) pause();
}
