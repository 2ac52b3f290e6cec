#include "site/media/http/listener.h"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <ifaddrs.h>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace belay::media {
namespace {

constexpr int backlog = 4'096;

std::string text_of(const sockaddr* address)
{
    std::array<char, INET6_ADDRSTRLEN> text{};
    const void* bytes = nullptr;
    if (address->sa_family == AF_INET)
        bytes = &reinterpret_cast<const sockaddr_in*>(address)->sin_addr;
    else if (address->sa_family == AF_INET6)
        bytes = &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
    if (bytes == nullptr || ::inet_ntop(address->sa_family, bytes, text.data(), text.size()) == nullptr)
        return {};
    return text.data();
}

}  // namespace

std::string host_of(const std::string& address)
{
    std::string host = address.substr(0, address.rfind(':'));
    if (host.size() >= 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    return host;
}

bool is_loopback(const std::string& host)
{
    return host == "localhost" || host == "::1" || host.starts_with("127.");
}

Result<host::Descriptor> listen_at_address(const std::string& address)
{
    const size_t colon = address.rfind(':');
    const std::string port = colon == std::string::npos ? "" : address.substr(colon + 1);
    if (port.empty() || port.find_first_not_of("0123456789") != std::string::npos)
        return fail(ErrorKind::usage, fmt::format("'{}' is no HOST:PORT", address), "--listen '[::]:8000'");
    const std::string host = host_of(address);
    addrinfo hints{};
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int problem = ::getaddrinfo(host.empty() ? "::" : host.c_str(), port.c_str(), &hints, &found);
        problem != 0)
        return fail(ErrorKind::not_found,
                    fmt::format("cannot listen at {}: {}", address, ::gai_strerror(problem)));
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, ::freeaddrinfo);
    host::Descriptor listener(
        ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP));
    const int on = 1, off = 0;
    const auto failed = [&] {
        return std::unexpected(system_error(fmt::format("listen at {}", address), errno));
    };
    if (!listener) return failed();
    if (::setsockopt(listener.number(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) return failed();
    if (found->ai_family == AF_INET6 &&
        ::setsockopt(listener.number(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) != 0)
        return failed();
    if (::bind(listener.number(), found->ai_addr, found->ai_addrlen) != 0 ||
        ::listen(listener.number(), backlog) != 0)
        return failed();
    return listener;
}

Result<std::string> address_of(const host::Descriptor& listener)
{
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getsockname(listener.number(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
        return std::unexpected(system_error("look at a socket", errno));
    const std::string host = text_of(reinterpret_cast<const sockaddr*>(&address));
    const bool is_6 = address.ss_family == AF_INET6;
    const in_port_t port = is_6 ? reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port
                                : reinterpret_cast<const sockaddr_in*>(&address)->sin_port;
    return fmt::format("{}{}{}:{}", is_6 ? "[" : "", host, is_6 ? "]" : "", ntohs(port));
}

std::vector<std::string> addresses_of_host()
{
    ifaddrs* all = nullptr;
    if (::getifaddrs(&all) != 0) return {};
    const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(all, ::freeifaddrs);
    std::vector<std::string> found;
    for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
        const std::string text = one->ifa_addr == nullptr ? "" : text_of(one->ifa_addr);
        if (!text.empty() && !text.starts_with("fe80:")) found.push_back(text);
    }
    return found;
}

}  // namespace belay::media
