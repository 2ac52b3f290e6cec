// belay-quickstart-calls: calls a pair of examples/web-pair all the time, says whenever another one answers,
// and how many of its requests were lost when it is told to end.

#include "supervisor/testing/callers.h"

#include <CLI/CLI.hpp>
#include <csignal>
#include <fmt/format.h>
#include <sstream>

namespace belay::lab {
namespace {

/// A line where whoever answers does so for the first time.
class Answers {
  public:
    /// "... version 1.0 role primary process 4711 token 3\n"
    void hear(const std::string& answer)
    {
        const size_t begin = answer.find("version ");
        if (begin == std::string::npos) return;
        std::istringstream words(answer.substr(begin));
        std::string name, version, role, process;
        uint64_t token = 0;
        words >> name >> version >> name >> role >> name >> process >> name >> token;
        if (token <= token_) return;
        token_ = token;
        const std::chrono::duration<double> since = std::chrono::steady_clock::now() - begun_;
        fmt::print("{:6.2f} s  version {} answers (process {})\n", since.count(), version, process);
        std::fflush(stdout);
    }

  private:
    const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
    uint64_t token_ = 0;
};

int call(const std::string& address, uint16_t port)
{
    sigset_t ends;
    sigemptyset(&ends);
    for (const int signal : {SIGTERM, SIGINT}) sigaddset(&ends, signal);
    pthread_sigmask(SIG_BLOCK, &ends, nullptr);
    Answers answers;
    supervisor::Callers callers({.address = address,
                                 .port = port,
                                 .hears = [&](const std::string& answer, auto) { answers.hear(answer); }});
    int told = 0;
    sigwait(&ends, &told);
    const supervisor::Callers::Counted counted = callers.stop();
    if (!counted.first_problem.empty()) fmt::print("the first that was lost: {}\n", counted.first_problem);
    fmt::print("{} of {} requests lost; the longest gap between two answers was {} ms\n", counted.failed,
               counted.answers + counted.failed, counted.longest_gap.count() / 1000);
    return counted.failed == 0 && counted.answers > 0 ? 0 : 1;
}

}  // namespace
}  // namespace belay::lab

int main(int argc, char** argv)
{
    CLI::App app{
        "Calls a web server of examples/web-pair until SIGTERM, by connections that stay and by new ones.\n"
        "Exit codes: 0 no request was lost, 1 some were, or none was answered."};
    std::string address;
    uint16_t port = 0;
    app.add_option("address", address, "An IP address")->required();
    app.add_option("port", port)->required();
    CLI11_PARSE(app, argc, argv);
    return belay::lab::call(address, port);
}
