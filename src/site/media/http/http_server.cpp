#include "site/media/http/http_server.h"

#include "site/media/http/exchange.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cctype>
#include <charconv>
#include <cstdarg>
#include <netinet/in.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace belay::media {
namespace {

/// What the library keeps for one connection: head and a piece of the body.
constexpr size_t memory_of_connection = 64 << 10;

std::string text_or_empty(const char* text)
{
    return text == nullptr ? std::string() : std::string(text);
}

std::string header(MHD_Connection* connection, const char* name)
{
    return text_or_empty(MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name));
}

bool is_header(std::string_view one, std::string_view other)
{
    return std::ranges::equal(one, other, [](char a, char b) {
        return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
    });
}

std::string peer_of(MHD_Connection* connection)
{
    const MHD_ConnectionInfo* const info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (info == nullptr || info->client_addr == nullptr) return "unknown";
    std::array<char, INET6_ADDRSTRLEN> text{};
    const void* address = nullptr;
    if (info->client_addr->sa_family == AF_INET)
        address = &reinterpret_cast<const sockaddr_in*>(info->client_addr)->sin_addr;
    else
        address = &reinterpret_cast<const sockaddr_in6*>(info->client_addr)->sin6_addr;
    if (::inet_ntop(info->client_addr->sa_family, address, text.data(), text.size()) == nullptr)
        return "unknown";
    return text.data();
}

/// A header that may be said in several lines, and means all of them. Source: RFC 9110, section 5.3.
std::string list_header(MHD_Connection* connection, const char* name)
{
    struct Found {
        const char* name;
        std::string all;
    } found{.name = name, .all = {}};
    const auto take = [](void* into, MHD_ValueKind, const char* one, const char* value) {
        auto& wanted = *static_cast<Found*>(into);
        if (is_header(one, wanted.name))
            wanted.all += fmt::format("{}{}", wanted.all.empty() ? "" : ", ", text_or_empty(value));
        return MHD_YES;
    };
    MHD_get_connection_values(connection, MHD_HEADER_KIND, take, &found);
    return found.all;
}

/// Counts the headers that say how long a body is: of two of them a server in between may have believed the
/// other one. Source: RFC 9112, section 6.3.
MHD_Result count_lengths(void* count, MHD_ValueKind /*kind*/, const char* name, const char* /*value*/)
{
    if (is_header(name, MHD_HTTP_HEADER_CONTENT_LENGTH) || is_header(name, MHD_HTTP_HEADER_TRANSFER_ENCODING))
        ++*static_cast<unsigned*>(count);
    return MHD_YES;
}

Request request_of(MHD_Connection* connection, const char* path, const char* method)
{
    Request request;
    request.method = method;
    request.path = path;
    const char* const create = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "create");
    request.creates = text_or_empty(create) == "true";
    request.range = header(connection, MHD_HTTP_HEADER_RANGE);
    request.accept = header(connection, MHD_HTTP_HEADER_ACCEPT);
    request.if_none_match = list_header(connection, MHD_HTTP_HEADER_IF_NONE_MATCH);
    request.prefer = list_header(connection, MHD_HTTP_HEADER_PREFER);
    const std::string length = header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
    uint64_t bytes = 0;
    const auto read = std::from_chars(length.data(), length.data() + length.size(), bytes);
    if (!length.empty() && read.ec == std::errc()) request.length = bytes;
    request.has_body = bytes > 0 || !header(connection, MHD_HTTP_HEADER_TRANSFER_ENCODING).empty();
    request.awaits_word = !header(connection, MHD_HTTP_HEADER_EXPECT).empty();
    unsigned lengths = 0;
    MHD_get_connection_values(connection, MHD_HEADER_KIND, count_lengths, &lengths);
    request.is_ambiguous = lengths > 1;
    request.peer = peer_of(connection);
    char* password = nullptr;
    char* const user = MHD_basic_auth_get_username_password(connection, &password);
    request.user = text_or_empty(user);
    request.password = text_or_empty(password);
    MHD_free(user);
    MHD_free(password);
    return request;
}

}  // namespace

/// The library's calls, as it wants them.
struct HttpCallbacks {
    static MHD_Result step(void* server, MHD_Connection* connection, const char* path, const char* method,
                           const char* /*version*/, const char* bytes, size_t* size, void** context)
    {
        auto* exchange = static_cast<std::shared_ptr<Exchange>*>(*context);
        if (exchange == nullptr) {
            exchange = new std::shared_ptr<Exchange>(std::make_shared<Exchange>(
                *static_cast<HttpServer*>(server), connection, request_of(connection, path, method)));
            *context = exchange;
        }
        return (*exchange)->step(bytes, size);
    }

    static void end(void* /*server*/, MHD_Connection* /*connection*/, void** context,
                    MHD_RequestTerminationCode /*why*/)
    {
        const std::unique_ptr<std::shared_ptr<Exchange>> exchange(
            static_cast<std::shared_ptr<Exchange>*>(std::exchange(*context, nullptr)));
        if (exchange) (*exchange)->end();
    }

    /// Percent signs stay: whoever reads the path knows what they may hide.
    static size_t unescape(void* /*server*/, MHD_Connection* /*connection*/, char* text)
    {
        return std::char_traits<char>::length(text);
    }

    /// Tells certificate() whose the connection is: the library hands that nothing of ours.
    static void connect(void* server, MHD_Connection* /*connection*/, void** context,
                        MHD_ConnectionNotificationCode what)
    {
        if (what == MHD_CONNECTION_NOTIFY_STARTED) *context = server;
    }

    static int certificate(gnutls_session_t session, const gnutls_cert_retr_st* /*asked*/,
                           gnutls_pcert_st** chain, unsigned* length, gnutls_ocsp_data_st** /*stapled*/,
                           unsigned* /*stapled_length*/, gnutls_privkey_t* key, unsigned* flags)
    {
        auto* const connection = static_cast<MHD_Connection*>(::gnutls_session_get_ptr(session));
        const MHD_ConnectionInfo* const info =
            connection == nullptr ? nullptr
                                  : MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
        if (info == nullptr || info->socket_context == nullptr) return GNUTLS_E_INTERNAL_ERROR;
        auto& server = *static_cast<HttpServer*>(info->socket_context);
        std::shared_ptr<const Certificate> shown;
        {
            const std::lock_guard lock(server.certificate_mutex_);
            shown = server.certificate_;
        }
        *flags = GNUTLS_CERT_RETR_DEINIT_ALL;
        const Result<void> copied = shown->copy_to(chain, length, key);
        if (!copied) server.log_.standard(copied.error().what);
        return copied ? 0 : GNUTLS_E_INTERNAL_ERROR;
    }

    __attribute__((format(printf, 2, 0))) static void log(void* server, const char* format, va_list arguments)
    {
        std::array<char, 512> line{};
        if (std::vsnprintf(line.data(), line.size(), format, arguments) <= 0) return;
        std::string text = line.data();
        while (!text.empty() && text.back() == '\n') text.pop_back();
        static_cast<HttpServer*>(server)->log_.detail(text);
    }
};

HttpServer::HttpServer(Options options, Handler& handler, Jobs& quick, Jobs& slow, site::Log& log)
    : options_(std::move(options)), handler_(handler), quick_(quick), slow_(slow), log_(log)
{
}

HttpServer::~HttpServer()
{
    stop(std::chrono::milliseconds(0));
}

Result<std::unique_ptr<HttpServer>> HttpServer::start(Options options, Handler& handler, Jobs& quick,
                                                      Jobs& slow, site::Log& log)
{
    std::unique_ptr<HttpServer> server(new HttpServer(std::move(options), handler, quick, slow, log));
    TRY(server->begin());
    return server;
}

Result<void> HttpServer::begin()
{
    certificate_ = options_.certificate;
    unsigned flags =
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG | MHD_USE_TURBO;
    std::vector<MHD_OptionItem> items;
    if (has_tls()) {
        flags |= MHD_USE_TLS;
        items.push_back(
            {MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, reinterpret_cast<void*>(&HttpCallbacks::certificate)});
        static char priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";
        items.push_back({MHD_OPTION_HTTPS_PRIORITIES, 0, priorities});
    }
    if (options_.most_of_one_address > 0)
        items.push_back({MHD_OPTION_PER_IP_CONNECTION_LIMIT, options_.most_of_one_address, nullptr});
    if (options_.threads > 1) items.push_back({MHD_OPTION_THREAD_POOL_SIZE, options_.threads, nullptr});
    items.push_back({MHD_OPTION_END, 0, nullptr});
    daemon_ = MHD_start_daemon(flags, 0, nullptr, nullptr, &HttpCallbacks::step, this,        //
                               MHD_OPTION_EXTERNAL_LOGGER, &HttpCallbacks::log, this,         //
                               MHD_OPTION_NOTIFY_COMPLETED, &HttpCallbacks::end, this,        //
                               MHD_OPTION_NOTIFY_CONNECTION, &HttpCallbacks::connect, this,   //
                               MHD_OPTION_UNESCAPE_CALLBACK, &HttpCallbacks::unescape, this,  //
                               MHD_OPTION_LISTEN_SOCKET, options_.listener.number(),          //
                               MHD_OPTION_CONNECTION_LIMIT, options_.most_connections,        //
                               MHD_OPTION_CONNECTION_MEMORY_LIMIT, memory_of_connection,      //
                               MHD_OPTION_CONNECTION_TIMEOUT,
                               static_cast<unsigned>(options_.stranger_may_idle.count()),  //
                               MHD_OPTION_ARRAY, items.data(), MHD_OPTION_END);
    if (daemon_ == nullptr) return fail(ErrorKind::failed, "the HTTP server cannot be started");
    return {};
}

void HttpServer::show(std::shared_ptr<const Certificate> certificate)
{
    const std::lock_guard lock(certificate_mutex_);
    certificate_ = std::move(certificate);
}

void HttpServer::quiesce()
{
    if (daemon_ != nullptr && !is_ending_.exchange(true)) MHD_quiesce_daemon(daemon_);
}

void HttpServer::stop(std::chrono::milliseconds patience)
{
    if (daemon_ == nullptr) return;
    constexpr std::chrono::milliseconds between_looks{20};
    quiesce();
    for (; patience > std::chrono::milliseconds(0) && under_way_ > 0; patience -= between_looks)
        std::this_thread::sleep_for(between_looks);
    // From here on no connection begins to rest, and the jobs wake those that do: the library ends only then.
    is_stopping_ = true;
    slow_.drain();
    quick_.drain();
    MHD_stop_daemon(std::exchange(daemon_, nullptr));
    quick_.drain();
}

unsigned HttpServer::connections() const
{
    if (daemon_ == nullptr) return 0;
    const MHD_DaemonInfo* const info = MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
    return info == nullptr ? 0 : info->num_connections;
}

}  // namespace belay::media
