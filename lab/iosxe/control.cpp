#include "iosxe/control.h"

#include "iosxe/calendar.h"
#include "iosxe/image.h"

#include <cerrno>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace belay::lab::iosxe {
namespace {

constexpr size_t longest_request = 65536;

std::string iso_text(Time time)
{
    const Calendar at = calendar(time);
    return fmt::format("{:04}-{:02}-{:02}T{}.{:03}", at.year, at.month, at.day, at.time, at.thousandths);
}

Json refusal(std::string_view what)
{
    return {{"error", std::string(what)}};
}

Json done(const Result<void>& result)
{
    return result ? Json::object() : refusal(result.error().what);
}

std::string text_at(const Json& request, const char* name)
{
    const auto found = request.find(name);
    return found != request.end() && found->is_string() ? found->get<std::string>() : "";
}

double number_at(const Json& request, const char* name, double otherwise)
{
    const auto found = request.find(name);
    return found != request.end() && found->is_number() ? found->get<double>() : otherwise;
}

Json put(Pair& pair, const Json& request)
{
    const std::string name = text_at(request, "name");
    if (name.empty()) return refusal("\"put\" needs the name of a file");
    std::string text = text_at(request, "text");
    if (const std::string version = text_at(request, "version"); !version.empty()) {
        text = fmt::format("belay-lab-iosxe image version={}", version);
        if (request.contains("size"))
            text += fmt::format(" size={}", static_cast<uint64_t>(number_at(request, "size", 0)));
        text += "\n";
    }
    return done(pair.device().put_file(name, file_of(text, pair.now())));
}

}  // namespace

Json answer(Pair& pair, const Json& request)
{
    if (!request.is_object()) return refusal("a request is an object with \"do\"");
    const std::string verb = text_at(request, "do");
    if (verb == "state")
        return {{"now", iso_text(pair.now())},
                {"state", to_json_value(pair.device().state())},
                {"connections", pair.server().connections()}};
    if (verb == "typed") {
        Json lines = Json::array();
        for (const TypedLine& typed : pair.typed())
            lines.push_back({{"at", iso_text(typed.at)},
                             {"line", typed.line},
                             {"user", typed.user},
                             {"text", typed.text}});
        return {{"typed", lines}};
    }
    if (verb == "injure") return done(pair.injure(text_at(request, "failure"), request));
    if (verb == "mend") return done(pair.mend(text_at(request, "failure")));
    if (verb == "forward") {
        pair.clock().forward(Milliseconds(static_cast<int64_t>(number_at(request, "seconds", 0) * 1000)));
        return Json::object();
    }
    if (verb == "factor") {
        const double factor = number_at(request, "factor", -1);
        if (!(factor >= 0 && factor <= 1e6)) return refusal("\"factor\" is 0 to 1000000");
        pair.set_factor(factor);
        return Json::object();
    }
    if (verb == "put") return put(pair, request);
    if (verb == "log") {
        pair.device().log(text_at(request, "text"), pair.now());
        return Json::object();
    }
    return refusal(fmt::format(
        "\"{}\" is nothing that can be done: state, typed, injure, mend, forward, factor, put, log", verb));
}

Control::Control(std::string path, Pair& pair, host::Descriptor listener)
    : path_(std::move(path)), pair_(pair), listener_(std::move(listener))
{
    pair_.server().watch(listener_.number(), [this] { accept(); });
}

Control::~Control()
{
    for (const auto& client : clients_) pair_.server().unwatch(client->socket.number());
    pair_.server().unwatch(listener_.number());
    ::unlink(path_.c_str());
}

Result<std::unique_ptr<Control>> Control::listen(const std::string& path, Pair& pair)
{
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    if (path.size() >= sizeof name.sun_path)
        return fail(ErrorKind::usage, fmt::format("{} is too long for a socket", path), "a shorter folder");
    path.copy(name.sun_path, path.size());
    host::Descriptor listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!listener || bind(listener.number(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 ||
        ::listen(listener.number(), 16) != 0)
        return std::unexpected(system_error("cannot listen at " + path, errno));
    return std::unique_ptr<Control>(new Control(path, pair, std::move(listener)));
}

void Control::accept()
{
    host::Descriptor socket(accept4(listener_.number(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket) return;
    clients_.push_back(std::make_unique<Client>());
    Client& client = *clients_.back();
    client.socket = std::move(socket);
    pair_.server().watch(client.socket.number(), [this, &client] { receive(client); });
}

void Control::receive(Client& client)
{
    std::array<char, 4096> part;
    const ssize_t got = ::recv(client.socket.number(), part.data(), part.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0 || client.input.size() > longest_request) {
        client.gone = true;
        return;
    }
    client.input.append(part.data(), static_cast<size_t>(got));
    for (size_t end = client.input.find('\n'); end != std::string::npos; end = client.input.find('\n')) {
        const Result<Json> request = parse_json(std::string_view(client.input).substr(0, end));
        client.input.erase(0, end + 1);
        client.output += json_text(request ? answer(pair_, *request) : refusal(request.error().what)) + "\n";
    }
}

void Control::send(Client& client)
{
    // A client that asks and does not read is none; a test's buffer holds what it has asked for.
    int tries = 0;
    for (std::string_view rest = client.output; !rest.empty();) {
        const ssize_t sent = ::send(client.socket.number(), rest.data(), rest.size(), MSG_NOSIGNAL);
        if (sent > 0) {
            rest.remove_prefix(static_cast<size_t>(sent));
        } else if (errno != EAGAIN || ++tries > 1000) {
            client.gone = true;
            break;
        } else {
            usleep(1000);
        }
    }
    client.output.clear();
}

void Control::sweep()
{
    for (const auto& client : clients_) send(*client);
    for (const auto& client : clients_)
        if (client->gone) pair_.server().unwatch(client->socket.number());
    std::erase_if(clients_, [](const auto& client) { return client->gone; });
}

}  // namespace belay::lab::iosxe
