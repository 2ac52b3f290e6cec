// belay-media-sender PORT SEED [COUNT]: sends random files to the repository anna/blobs of a media server on
// this machine, on several connections, until it is ended or the server is, or so many on each; and says of
// each that was answered with 200 "KIND ID", as soon as that is there. Without TLS.

#include "base/digest.h"
#include "host/descriptor.h"

#include <arpa/inet.h>
#include <charconv>
#include <cstdio>
#include <netinet/in.h>
#include <random>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace belay::media {
namespace {

constexpr unsigned senders = 4;

class Sender {
  public:
    Sender(uint16_t port, unsigned seed)
        : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), random_(seed)
    {
        sockaddr_in there{};
        there.sin_family = AF_INET;
        there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        there.sin_port = htons(port);
        if (::connect(socket_.number(), reinterpret_cast<const sockaddr*>(&there), sizeof there) != 0)
            socket_.close();
    }

    /// False where there is an end of it.
    bool send_one()
    {
        const std::string content = new_content();
        static constexpr const char* kinds[] = {"data", "data", "data", "keys", "index", "snapshots"};
        const std::string kind = kinds[random_() % std::size(kinds)];
        const std::string id = sha256(content);
        const std::string head = fmt::format(
            "POST /anna/blobs/{}/{} HTTP/1.1\r\nHost: here\r\nAuthorization: Basic "
            "YW5uYTpvcGVuIHNlc2FtZQ==\r\n"
            "Content-Length: {}\r\n\r\n",
            kind, id, content.size());
        if (!write_all(head) || !write_all(content)) return false;
        const std::string answer = read_head();
        if (!answer.starts_with("HTTP/1.1 200 ")) {
            fmt::print(stderr, "{} {}: {}\n", kind, id, answer);
            return false;
        }
        const std::string line = fmt::format("{} {}\n", kind, id);
        return ::write(STDOUT_FILENO, line.data(), line.size()) == static_cast<ssize_t>(line.size());
    }

  private:
    /// Small ones mostly, and some that take several writes.
    std::string new_content()
    {
        const size_t most = random_() % 20 == 0 ? 2 << 20 : 64 << 10;
        std::string content(1 + random_() % most, '\0');
        for (char& byte : content) byte = static_cast<char>(random_());
        return content;
    }

    bool write_all(std::string_view bytes) const
    {
        while (!bytes.empty()) {
            const ssize_t sent = ::send(socket_.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) return false;
            bytes.remove_prefix(static_cast<size_t>(sent));
        }
        return true;
    }

    /// The body of an answer that says 200 is empty.
    std::string read_head() const
    {
        std::string head;
        char letter = 0;
        while (!head.ends_with("\r\n\r\n") && ::recv(socket_.number(), &letter, 1, 0) == 1) head += letter;
        return head;
    }

    host::Descriptor socket_;
    std::minstd_rand random_;
};

unsigned number_of(const char* text)
{
    unsigned number = 0;
    std::from_chars(text, text + std::char_traits<char>::length(text), number);
    return number;
}

}  // namespace
}  // namespace belay::media

int main(int argc, char** argv)
{
    if (argc < 3) return 2;
    const auto port = static_cast<uint16_t>(belay::media::number_of(argv[1]));
    const unsigned seed = belay::media::number_of(argv[2]);
    const unsigned count = argc > 3 ? belay::media::number_of(argv[3]) : 0;
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < belay::media::senders; ++i)
        threads.emplace_back([=] {
            belay::media::Sender sender(port, seed * belay::media::senders + i + 1);
            for (unsigned sent = 0; (count == 0 || sent < count) && sender.send_one();) ++sent;
        });
    return 0;
}
