#include "stand_ins.h"

#include "own_folder.h"

#include <chrono>
#include <ctime>
#include <thread>

namespace belay::lab {

SiteOptions with_stand_ins(SiteOptions options)
{
    std::string hosts;
    for (size_t host = 0; host < options.names.size(); ++host)
        hosts += fmt::format("10.77.0.{} {}\n", host + 1, options.names[host]);
    const std::string programs = options.programs.empty() ? own_folder() : options.programs;
    const std::vector<std::vector<std::string>> commands = {
        {"sh", "-c", "printf '%s' \"$1\" >>/etc/hosts", "sh", hosts},
        {"ln", "-s", programs + "/belay-stand-in", "/usr/local/bin/belay-stand-in"},
        {"sh", "-c",
         "mkdir /etc/contact-centre && cd /etc/contact-centre && echo valid | tee license.dat snmp.dat"},
        {"sh", "-c", "umask 0; : >\"$1\"", "sh", trace_of_stand_ins}};
    options.at_boot.insert(options.at_boot.end(), commands.begin(), commands.end());
    return options;
}

int64_t processor_clock()
{
#ifdef __x86_64__
    return static_cast<int64_t>(__builtin_ia32_rdtsc());
#else
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * 1'000'000'000L + now.tv_nsec;
#endif
}

double counts_of_a_millisecond()
{
    const auto begun = std::chrono::steady_clock::now();
    const int64_t counted = processor_clock();
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begun;
    return static_cast<double>(processor_clock() - counted) / took.count();
}

}  // namespace belay::lab
