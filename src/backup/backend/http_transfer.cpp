#include "backup/backend/http_transfer.h"

#include "base/invariant.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <curl/curl.h>

namespace belay::backup {

/// What a request has come to, while libcurl is at it.
struct HttpExchange {
    const HttpRequest& request;
    RateLimit& uploads;
    RateLimit& downloads;
    std::chrono::milliseconds stalled_after;
    CURL* easy = nullptr;
    HttpAnswer answer = {};
    size_t sent = 0;
    size_t header_bytes = 0;
    uint64_t body_bytes = 0;
    curl_off_t moved = 0;  ///< bytes to and fro
    std::chrono::steady_clock::time_point moved_at = std::chrono::steady_clock::now();
    bool is_stalled = false;

    /// What waits for its share of the speed has not stalled.
    void waits_for(RateLimit& limit, size_t bytes)
    {
        limit.wait_for(bytes);
        if (limit.is_limited()) moved_at = std::chrono::steady_clock::now();
    }
};

namespace {

constexpr size_t most_header_bytes = 64 << 10;
constexpr uint64_t trusted_room = 64 << 20;  ///< memory taken on the word of a server

void start_curl()
{
    static const CURLcode started = ::curl_global_init(CURL_GLOBAL_DEFAULT);
    INVARIANT(started == CURLE_OK);
}

template <typename Value>
void set(CURL* easy, CURLoption option, Value value)
{
    // Only no memory, or a library without TLS, is a reason for it to say no.
    INVARIANT(::curl_easy_setopt(easy, option, value) == CURLE_OK);
}

ErrorKind kind_of(CURLcode code, bool has_answered)
{
    switch (code) {
        case CURLE_COULDNT_RESOLVE_PROXY:
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_CONNECT:
        case CURLE_OPERATION_TIMEDOUT:
        case CURLE_ABORTED_BY_CALLBACK:  // by watch()
        case CURLE_GOT_NOTHING:
        case CURLE_SEND_ERROR:
        case CURLE_RECV_ERROR:
        case CURLE_SEND_FAIL_REWIND:
        case CURLE_PARTIAL_FILE:
            return ErrorKind::unavailable;
        case CURLE_SSL_CONNECT_ERROR:
            // A cut, of a server that is known to speak TLS; else it is none, and will be none.
            return has_answered ? ErrorKind::unavailable : ErrorKind::io;
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_ISSUER_ERROR:
            return ErrorKind::permission;
        case CURLE_SSL_CERTPROBLEM:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_URL_MALFORMAT:
            return ErrorKind::usage;
        case CURLE_UNSUPPORTED_PROTOCOL:  // among others: HTTP 0.9, which is what anything may pass for
        case CURLE_WEIRD_SERVER_REPLY:
        case CURLE_BAD_CONTENT_ENCODING:
            return ErrorKind::corrupt;
        default:
            return ErrorKind::io;
    }
}

std::string next_after(CURLcode code)
{
    switch (code) {
        case CURLE_PEER_FAILED_VERIFICATION:
            return "--cacert FILE names the certificate that the server's was signed by";
        case CURLE_SSL_CACERT_BADFILE:
            return "--cacert wants a file with certificates (PEM)";
        case CURLE_SSL_CERTPROBLEM:
            return "--tls-client-cert wants a file with a certificate and its key (PEM)";
        default:
            return {};
    }
}

std::optional<uint64_t> number_in(std::string_view text)
{
    uint64_t number = 0;
    const char* begin = text.data();
    const auto [end, error] = std::from_chars(begin, begin + text.size(), number);
    if (error != std::errc() || end != begin + text.size()) return std::nullopt;
    return number;
}

std::string_view trimmed(std::string_view text)
{
    constexpr std::string_view blank = " \t\r\n";
    const size_t begin = text.find_first_not_of(blank);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(blank) - begin + 1);
}

bool is_same_word(std::string_view one, std::string_view other)
{
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return std::ranges::equal(one, other, {}, lower, lower);
}

/// Takes what is of use from one line of the header.
void read_field(std::string_view line, HttpAnswer& answer)
{
    // An answer such as "100 Continue" may come before the true one.
    if (line.starts_with("HTTP/")) answer = {};
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) return;
    const std::string_view name = trimmed(line.substr(0, colon)), value = trimmed(line.substr(colon + 1));
    if (is_same_word(name, "content-length")) answer.content_length = number_in(value);
    if (is_same_word(name, "content-type")) answer.content_type = value;
    if (is_same_word(name, "content-range")) answer.content_range = value;
    if (is_same_word(name, "location")) answer.location = value;
    if (is_same_word(name, "server")) answer.server = value;
    if (is_same_word(name, "etag")) answer.etag = value;
    if (is_same_word(name, "preference-applied")) answer.preference_applied = value;
    // The other form, a date, is as good as none: our own pause is used.
    if (is_same_word(name, "retry-after"))
        answer.retry_after = std::chrono::seconds(std::min<uint64_t>(number_in(value).value_or(0), 3600));
}

/// libcurl's questions. Its own watch over a slow speed takes the mean of some seconds, and a stall is none.
int watch(void* of, curl_off_t, curl_off_t received, curl_off_t, curl_off_t sent)
{
    HttpExchange& exchange = *static_cast<HttpExchange*>(of);
    const auto now = std::chrono::steady_clock::now();
    if (received + sent != exchange.moved) {
        exchange.moved = received + sent;
        exchange.moved_at = now;
    }
    exchange.is_stalled = now - exchange.moved_at > exchange.stalled_after;
    return exchange.is_stalled ? 1 : 0;
}

size_t take_header(char* text, size_t, size_t size, void* of)
{
    HttpExchange& exchange = *static_cast<HttpExchange*>(of);
    exchange.header_bytes += size;
    if (exchange.header_bytes > most_header_bytes) return 0;
    read_field({text, size}, exchange.answer);
    return size;
}

size_t take_body(char* text, size_t, size_t size, void* of)
{
    HttpExchange& exchange = *static_cast<HttpExchange*>(of);
    exchange.waits_for(exchange.downloads, size);
    HttpAnswer& answer = exchange.answer;
    if (exchange.body_bytes == 0) ::curl_easy_getinfo(exchange.easy, CURLINFO_RESPONSE_CODE, &answer.status);
    exchange.body_bytes += size;
    if (exchange.body_bytes > exchange.request.largest_answer) {
        answer.is_too_large = true;
        return 0;
    }
    if (!answer.is_good()) return size;
    if (answer.body.empty())
        answer.body.reserve(
            std::min({answer.content_length.value_or(0), exchange.request.largest_answer, trusted_room}));
    answer.body.append(text, size);
    return size;
}

size_t give_body(char* room, size_t, size_t size, void* of)
{
    HttpExchange& exchange = *static_cast<HttpExchange*>(of);
    const std::string_view rest = exchange.request.body.substr(exchange.sent);
    size_t length = std::min(size, rest.size());
    if (exchange.uploads.is_limited()) {
        length = std::min(length, RateLimit::largest_share);
        exchange.waits_for(exchange.uploads, length);
    }
    if (length != 0) std::memcpy(room, rest.data(), length);
    exchange.sent += length;
    return length;
}

int go_back(void* of, curl_off_t offset, int origin)
{
    HttpExchange& exchange = *static_cast<HttpExchange*>(of);
    if (origin != SEEK_SET || offset < 0 || static_cast<uint64_t>(offset) > exchange.request.body.size())
        return CURL_SEEKFUNC_CANTSEEK;
    exchange.sent = static_cast<size_t>(offset);
    return CURL_SEEKFUNC_OK;
}

/// This machine's own servers are behind no proxy.
bool is_loopback(const std::string& url)
{
    const size_t slashes = url.find("://");
    if (slashes == std::string::npos) return false;
    std::string_view host = std::string_view(url).substr(slashes + 3);
    host = host.substr(0, host.find('/'));
    return host == "localhost" || host.starts_with("localhost:") || host.starts_with("127.") ||
           host.starts_with("[::1]");
}

}  // namespace

HttpTransfer::HttpTransfer()
{
    static_assert(sizeof problem_ == CURL_ERROR_SIZE);
    start_curl();
    easy_ = ::curl_easy_init();
    INVARIANT(easy_ != nullptr);
}

HttpTransfer::~HttpTransfer()
{
    ::curl_easy_cleanup(easy_);
    ::curl_slist_free_all(fields_);
}

void HttpTransfer::prepare(const HttpOptions& options, const HttpRequest& request, RateLimit& uploads,
                           RateLimit& downloads)
{
    ::curl_easy_reset(easy_);
    problem_[0] = '\0';
    exchange_ = std::make_unique<HttpExchange>(HttpExchange{.request = request,
                                                            .uploads = uploads,
                                                            .downloads = downloads,
                                                            .stalled_after = options.stalled_after,
                                                            .easy = easy_});
    set_line(options, request.url);
    set_identity(options);
    set_request();
}

void HttpTransfer::set_line(const HttpOptions& options, const std::string& url)
{
    set(easy_, CURLOPT_NOSIGNAL, 1L);
    set(easy_, CURLOPT_ERRORBUFFER, problem_.data());
    set(easy_, CURLOPT_URL, url.c_str());
    set(easy_, CURLOPT_PROTOCOLS_STR, "http,https");
    set(easy_, CURLOPT_FOLLOWLOCATION, 0L);
    // One connection a transfer: frames of HTTP/2 would only cost.
    set(easy_, CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
    if (is_loopback(url)) set(easy_, CURLOPT_PROXY, "");
    set(easy_, CURLOPT_USERAGENT, "belay/" BELAY_VERSION);
    set(easy_, CURLOPT_CONNECTTIMEOUT, long{options.connects_within.count()});
    set(easy_, CURLOPT_TCP_KEEPALIVE, 1L);
    set(easy_, CURLOPT_BUFFERSIZE, 256L << 10);
    set(easy_, CURLOPT_UPLOAD_BUFFERSIZE, 256L << 10);
}

void HttpTransfer::set_identity(const HttpOptions& options)
{
    set(easy_, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    if (!options.user.empty()) {
        set(easy_, CURLOPT_USERNAME, options.user.c_str());
        set(easy_, CURLOPT_PASSWORD, options.password.c_str());
    }
    if (options.trusts_any_server) {
        set(easy_, CURLOPT_SSL_VERIFYPEER, 0L);
        set(easy_, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    // Else who asks again and again would trust for a day what the file said once.
    set(easy_, CURLOPT_CA_CACHE_TIMEOUT, 0L);
    if (!options.ca_file.empty()) {
        set(easy_, CURLOPT_CAINFO, options.ca_file.c_str());
        set<const char*>(easy_, CURLOPT_CAPATH, nullptr);
    }
    if (!options.certificate_file.empty()) {
        set(easy_, CURLOPT_SSLCERT, options.certificate_file.c_str());
        set(easy_, CURLOPT_SSLKEY, options.certificate_file.c_str());
    }
}

void HttpTransfer::set_request()
{
    const HttpRequest& request = exchange_->request;
    ::curl_slist_free_all(std::exchange(fields_, nullptr));
    add_field("Accept: application/vnd.x.restic.rest.v2");
    switch (request.method) {
        case HttpMethod::get:
            break;
        case HttpMethod::head:
            set(easy_, CURLOPT_NOBODY, 1L);
            break;
        case HttpMethod::post:
            set(easy_, CURLOPT_POST, 1L);
            set(easy_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
            add_field("Content-Type: application/octet-stream");
            // No waiting for a leave to send, which many servers never give.
            add_field("Expect:");
            break;
        case HttpMethod::remove:
            set(easy_, CURLOPT_CUSTOMREQUEST, "DELETE");
            break;
    }
    if (request.range) {
        const uint64_t first = request.range->offset, length = request.range->length;
        const std::string range =
            length == 0 ? fmt::format("{}-", first) : fmt::format("{}-{}", first, first + length - 1);
        set(easy_, CURLOPT_RANGE, range.c_str());
    }
    for (const std::string& field : request.fields) add_field(field.c_str());
    set(easy_, CURLOPT_HTTPHEADER, fields_);
    if (request.ends_within.count() > 0) set(easy_, CURLOPT_TIMEOUT, long{request.ends_within.count()});
    set_callbacks();
}

void HttpTransfer::set_callbacks()
{
    set(easy_, CURLOPT_NOPROGRESS, 0L);
    set(easy_, CURLOPT_XFERINFOFUNCTION, watch);
    set(easy_, CURLOPT_XFERINFODATA, exchange_.get());
    set(easy_, CURLOPT_HEADERFUNCTION, take_header);
    set(easy_, CURLOPT_HEADERDATA, exchange_.get());
    set(easy_, CURLOPT_WRITEFUNCTION, take_body);
    set(easy_, CURLOPT_WRITEDATA, exchange_.get());
    set(easy_, CURLOPT_READFUNCTION, give_body);
    set(easy_, CURLOPT_READDATA, exchange_.get());
    set(easy_, CURLOPT_SEEKFUNCTION, go_back);
    set(easy_, CURLOPT_SEEKDATA, exchange_.get());
}

void HttpTransfer::add_field(const char* line)
{
    curl_slist* longer = ::curl_slist_append(fields_, line);
    INVARIANT(longer != nullptr);
    fields_ = longer;
}

Result<HttpAnswer> HttpTransfer::finish(int code, std::atomic<bool>& has_answered)
{
    const auto result = static_cast<CURLcode>(code);
    HttpAnswer answer = std::move(exchange_->answer);
    ::curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &answer.status);
    // A no is a no, whatever became of the rest of it.
    if (result == CURLE_OK || answer.is_too_large || answer.status >= 400) {
        has_answered = true;
        if (answer.is_too_large) answer.body.clear();
        return answer;
    }
    const std::string problem = problem_.data();
    std::string what = problem.empty() ? ::curl_easy_strerror(result) : problem;
    if (exchange_->is_stalled)
        what = fmt::format("the server has said nothing for {} s",
                           std::chrono::ceil<std::chrono::seconds>(exchange_->stalled_after).count());
    // TLS 1.3 says only after the handshake that our certificate is not good enough, or that there is none.
    if (result == CURLE_RECV_ERROR && !has_answered && what.find(" alert ") != std::string::npos)
        return fail(ErrorKind::permission, std::move(what), next_after(CURLE_SSL_CERTPROBLEM));
    // After a failure a connection is in no good state: its handle goes with it.
    return fail(kind_of(result, has_answered), std::move(what), next_after(result));
}

}  // namespace belay::backup
