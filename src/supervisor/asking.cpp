#include "supervisor/asking.h"

#include "host/application/process_handle.h"
#include "host/descriptor.h"
#include "host/program.h"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <curl/curl.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

namespace belay::supervisor {
namespace {

using framework::supervision::Gate;
using framework::supervision::Question;

constexpr Milliseconds gate_patience = std::chrono::seconds(1);

struct Free {
    void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

Result<void> connect_one(const addrinfo& to, Milliseconds limit)
{
    const host::Descriptor socket(
        ::socket(to.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, to.ai_protocol));
    if (!socket) return std::unexpected(system_error("make a socket", errno));
    if (connect(socket.number(), to.ai_addr, to.ai_addrlen) == 0) return {};
    if (errno != EINPROGRESS) return std::unexpected(system_error("connect", errno));
    pollfd wait{.fd = socket.number(), .events = POLLOUT, .revents = 0};
    if (poll(&wait, 1, static_cast<int>(limit.count())) != 1)
        return fail(ErrorKind::timeout, fmt::format("no answer within {}", to_text(limit)));
    int problem = 0;
    socklen_t size = sizeof problem;
    getsockopt(socket.number(), SOL_SOCKET, SO_ERROR, &problem, &size);
    if (problem != 0) return std::unexpected(system_error("connect", problem));
    return {};
}

Result<void> connect_to_port(const std::string& address, uint16_t port, Milliseconds limit)
{
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const std::string name = fmt::format("port {} of {}", port, address);
    const int problem = getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found);
    if (problem != 0) return fail(ErrorKind::unavailable, fmt::format("{}: {}", name, gai_strerror(problem)));
    const std::unique_ptr<addrinfo, Free> list(found);
    Result<void> answer = fail(ErrorKind::unavailable, "it has no address");
    for (const addrinfo* one = found; one != nullptr && !answer; one = one->ai_next)
        answer = connect_one(*one, limit);
    if (!answer) answer.error().what = fmt::format("{}: {}", name, answer.error().what);
    return answer;
}

size_t ignore(char*, size_t size, size_t count, void*)
{
    return size * count;
}

/// libcurl, loaded when somebody first asks by HTTP. It brings thirty libraries, which would be most of the
/// memory of a supervisor and its guard.
class Curl {
  public:
    Curl()
    {
        void* const library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
        if (library == nullptr) return;
        const bool found = take(library, "curl_global_init", global_init) &&
                           take(library, "curl_easy_init", easy_init) &&
                           take(library, "curl_easy_cleanup", easy_cleanup) &&
                           take(library, "curl_easy_setopt", easy_setopt) &&
                           take(library, "curl_easy_perform", easy_perform) &&
                           take(library, "curl_easy_strerror", easy_strerror) &&
                           take(library, "curl_easy_getinfo", easy_getinfo);
        is_there = found && global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    }

    bool is_there = false;
    decltype(&::curl_global_init) global_init = nullptr;
    decltype(&::curl_easy_init) easy_init = nullptr;
    decltype(&::curl_easy_cleanup) easy_cleanup = nullptr;
    decltype(&::curl_easy_setopt) easy_setopt = nullptr;
    decltype(&::curl_easy_perform) easy_perform = nullptr;
    decltype(&::curl_easy_strerror) easy_strerror = nullptr;
    decltype(&::curl_easy_getinfo) easy_getinfo = nullptr;

  private:
    template <typename Function>
    static bool take(void* library, const char* name, Function& function)
    {
        function = reinterpret_cast<Function>(dlsym(library, name));
        return function != nullptr;
    }
};

Result<void> request(const Question& question)
{
    static const Curl library;
    if (!library.is_there)
        return fail(ErrorKind::io, "cannot ask by HTTP without libcurl.so.4", "apt-get install libcurl4");
    const std::unique_ptr<CURL, void (*)(CURL*)> handle(library.easy_init(), library.easy_cleanup);
    if (!handle) return fail(ErrorKind::io, "cannot begin a request");
    const bool is_six = question.address.find(':') != std::string::npos;
    const std::string url = fmt::format("http://{}{}{}:{}{}", is_six ? "[" : "", question.address,
                                        is_six ? "]" : "", question.port, question.path);
    CURL* const curl = handle.get();
    library.easy_setopt(curl, CURLOPT_URL, url.c_str());
    library.easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
    library.easy_setopt(curl, CURLOPT_PROXY, "");
    library.easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    library.easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(question.timeout.count()));
    library.easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore);
    library.easy_setopt(curl, CURLOPT_USERAGENT, "belay/" BELAY_VERSION);
    const CURLcode done = library.easy_perform(curl);
    if (done != CURLE_OK)
        return fail(ErrorKind::unavailable, fmt::format("{}: {}", url, library.easy_strerror(done)));
    long status = 0;
    library.easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (status / 100 != 2) return fail(ErrorKind::failed, fmt::format("{} answers {}", url, status));
    return {};
}

/// "2027-01-31", in the time of this host.
std::string today(Milliseconds wall)
{
    const time_t seconds = wall.count() / 1000;
    tm parts{};
    localtime_r(&seconds, &parts);
    return fmt::format("{:04}-{:02}-{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
}

Result<void> look_at_file(const Gate& gate, Milliseconds wall)
{
    struct stat status{};
    if (stat(gate.path.c_str(), &status) != 0)
        return std::unexpected(system_error(fmt::format("find {}", gate.path), errno));
    if (!gate.valid_until.empty() && today(wall) > gate.valid_until)
        return fail(ErrorKind::refused, fmt::format("{} was valid until {}", gate.path, gate.valid_until));
    return {};
}

}  // namespace

Result<void> run_command(const std::vector<std::string>& argv, const std::optional<host::Account>& account,
                         Milliseconds limit)
{
    const std::string text = fmt::format("{}", fmt::join(argv, " "));
    const host::Descriptor nowhere(open("/dev/null", O_WRONLY | O_CLOEXEC));
    host::Launch launch{.program = TRY(host::program_path(argv.front())), .argv = argv};
    launch.output = nowhere.number();
    launch.account = account;
    const host::Launched launched = TRY(host::launch(launch));
    pollfd wait{.fd = launched.process.number(), .events = POLLIN, .revents = 0};
    const bool in_time = poll(&wait, 1, static_cast<int>(limit.count())) == 1;
    kill(-launched.pid, SIGKILL);  // its group, where it has left something behind as well
    if (!in_time) poll(&wait, 1, -1);
    const auto end = host::reap(launched.process.number());
    if (!in_time)
        return fail(ErrorKind::timeout, fmt::format("{} took longer than {}", text, to_text(limit)));
    if (!end || (!end->by_signal && end->number == 0)) return {};
    return fail(ErrorKind::failed,
                fmt::format("{} ended with {}{}", text, end->by_signal ? "signal " : "", end->number));
}

Result<void> ask(const Question& question, const std::optional<host::Account>& account)
{
    switch (question.kind) {
        case Question::Kind::port:
            return connect_to_port(question.address, question.port, question.timeout);
        case Question::Kind::http:
            return request(question);
        case Question::Kind::command:
            return run_command(question.command, account, question.timeout);
        case Question::Kind::running:
        case Question::Kind::notify:
            return {};
    }
    return {};
}

Result<void> look_at(const std::vector<Gate>& gates, Milliseconds wall)
{
    for (const Gate& gate : gates) {
        const Result<void> is_there = gate.kind == Gate::Kind::file
                                          ? look_at_file(gate, wall)
                                          : connect_to_port(gate.address, gate.port, gate_patience);
        if (!is_there) return is_there;
    }
    return {};
}

}  // namespace belay::supervisor
