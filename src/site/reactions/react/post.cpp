// Mails and webhooks, by libcurl.

#include "base/invariant.h"
#include "site/reactions/react/react.h"

#include <array>
#include <cstring>
#include <curl/curl.h>
#include <memory>

namespace belay::site::react {
namespace {

constexpr long redirect_least = 300, redirect_most = 399;
constexpr long permanent_least = 500;  ///< of SMTP: 5yz is for good, 4yz for now

template <typename Value>
void give(CURL* easy, CURLoption option, Value value)
{
    // Only no memory, or a library without TLS, is a reason for it to say no.
    INVARIANT(::curl_easy_setopt(easy, option, value) == CURLE_OK);
}

struct Pieces {
    const std::string& text;
    size_t at = 0;
};

size_t read_piece(char* into, size_t size, size_t count, void* pieces)
{
    auto& from = *static_cast<Pieces*>(pieces);
    const size_t length = std::min(size * count, from.text.size() - from.at);
    std::memcpy(into, from.text.data() + from.at, length);
    from.at += length;
    return length;
}

/// What the receiver answers is of no interest, however much it is.
size_t drop_piece(char* /*from*/, size_t size, size_t count, void* /*nowhere*/)
{
    return size * count;
}

struct FreeList {
    void operator()(curl_slist* list) const { ::curl_slist_free_all(list); }
};
using List = std::unique_ptr<curl_slist, FreeList>;

void append(List& list, const std::string& text)
{
    curl_slist* const longer = ::curl_slist_append(list.release(), text.c_str());
    INVARIANT(longer != nullptr);
    list.reset(longer);
}

struct FreeEasy {
    void operator()(CURL* easy) const { ::curl_easy_cleanup(easy); }
};

/// What both have in common. `says`: room for libcurl's own sentence.
std::unique_ptr<CURL, FreeEasy> new_exchange(const Json& errand, std::array<char, CURL_ERROR_SIZE>& says)
{
    INVARIANT(::curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    std::unique_ptr<CURL, FreeEasy> easy(::curl_easy_init());
    INVARIANT(easy != nullptr);
    give(easy.get(), CURLOPT_ERRORBUFFER, says.data());
    give(easy.get(), CURLOPT_NOSIGNAL, 1L);
    give(easy.get(), CURLOPT_NETRC, long{CURL_NETRC_IGNORED});
    give(easy.get(), CURLOPT_PROXY, "");
    give(easy.get(), CURLOPT_SSL_VERIFYPEER, 1L);
    give(easy.get(), CURLOPT_SSL_VERIFYHOST, 2L);
    give(easy.get(), CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
    give(easy.get(), CURLOPT_WRITEFUNCTION, &drop_piece);
    give(easy.get(), CURLOPT_TIMEOUT_MS, static_cast<long>(errand.value("limit_ms", int64_t{60'000})));
    const std::string ca = errand.value("ca", "");
    if (!ca.empty()) {
        give(easy.get(), CURLOPT_CAINFO, ca.c_str());
        give(easy.get(), CURLOPT_CAPATH, nullptr);
    }
    return easy;
}

/// What will be so the next time as well.
bool is_for_good(CURLcode code)
{
    switch (code) {
        case CURLE_URL_MALFORMAT:
        case CURLE_UNSUPPORTED_PROTOCOL:
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_ISSUER_ERROR:
        case CURLE_USE_SSL_FAILED:
        case CURLE_LOGIN_DENIED:
            return true;
        default:
            return false;
    }
}

std::string said_of(CURLcode code, const std::array<char, CURL_ERROR_SIZE>& says)
{
    return says.front() == '\0' ? std::string(::curl_easy_strerror(code)) : std::string(says.data());
}

}  // namespace

Result<std::string> send_mail(const Json& errand)
{
    std::array<char, CURL_ERROR_SIZE> says{};
    const auto easy = new_exchange(errand, says);
    const std::string tls = errand.value("tls", "starttls");
    const std::string server = errand.value("server", "");
    const bool is_ipv6 = server.find(':') != std::string::npos;
    const std::string url = fmt::format("{}://{}{}{}:{}", tls == "tls" ? "smtps" : "smtp", is_ipv6 ? "[" : "",
                                        server, is_ipv6 ? "]" : "", errand.value("port", 0));
    const std::string message = errand.value("message", ""), from = errand.value("from", "");
    Pieces pieces{.text = message};
    List to;
    for (const Json& address : errand.value("to", Json::array())) append(to, address.get<std::string>());
    give(easy.get(), CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    give(easy.get(), CURLOPT_URL, url.c_str());
    give(easy.get(), CURLOPT_USE_SSL, tls == "none" ? long{CURLUSESSL_NONE} : long{CURLUSESSL_ALL});
    give(easy.get(), CURLOPT_MAIL_FROM, from.c_str());
    give(easy.get(), CURLOPT_MAIL_RCPT, to.get());
    give(easy.get(), CURLOPT_UPLOAD, 1L);
    give(easy.get(), CURLOPT_READFUNCTION, &read_piece);
    give(easy.get(), CURLOPT_READDATA, &pieces);
    if (const std::string account = errand.value("account", ""); !account.empty()) {
        give(easy.get(), CURLOPT_USERNAME, account.c_str());
        give(easy.get(), CURLOPT_PASSWORD, errand.value("password", "").c_str());
    }
    const CURLcode code = ::curl_easy_perform(easy.get());
    if (code == CURLE_OK) return std::string("the server took the mail");
    long answered = 0;
    ::curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &answered);
    const bool is_permanent = is_for_good(code) || answered >= permanent_least;
    return fail(is_permanent ? ErrorKind::refused : ErrorKind::unavailable,
                fmt::format("{}:{}: {}{}", server, errand.value("port", 0), said_of(code, says),
                            answered > 0 ? fmt::format(" (it answered {})", answered) : ""));
}

Result<std::string> post_webhook(const Json& errand)
{
    std::array<char, CURL_ERROR_SIZE> says{};
    const auto easy = new_exchange(errand, says);
    const std::string url = errand.value("url", ""), body = errand.value("body", "");
    List headers;
    append(headers, "Content-Type: application/json");
    append(headers, "User-Agent: belay/" BELAY_VERSION);
    append(headers, "Idempotency-Key: " + errand.value("key", ""));
    give(easy.get(), CURLOPT_PROTOCOLS_STR, "http,https");
    give(easy.get(), CURLOPT_FOLLOWLOCATION, 0L);
    give(easy.get(), CURLOPT_URL, url.c_str());
    give(easy.get(), CURLOPT_HTTPHEADER, headers.get());
    give(easy.get(), CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    give(easy.get(), CURLOPT_POSTFIELDS, body.c_str());
    if (const std::string token = errand.value("token", ""); !token.empty()) {
        give(easy.get(), CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BEARER));
        give(easy.get(), CURLOPT_XOAUTH2_BEARER, token.c_str());
    }
    const CURLcode code = ::curl_easy_perform(easy.get());
    if (code != CURLE_OK)
        return fail(is_for_good(code) ? ErrorKind::refused : ErrorKind::unavailable,
                    fmt::format("{}: {}", url, said_of(code, says)));
    long answered = 0;
    ::curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &answered);
    constexpr long good_least = 200, too_early = 425, too_many = 429, timed_out = 408, broken_least = 500;
    if (answered >= good_least && answered < redirect_least)
        return fmt::format("{} answered {}", url, answered);
    if (answered >= redirect_least && answered <= redirect_most)
        return fail(ErrorKind::refused,
                    fmt::format("{} leads elsewhere ({}), which is not followed", url, answered));
    const bool is_for_now =
        answered >= broken_least || answered == too_many || answered == timed_out || answered == too_early;
    return fail(is_for_now ? ErrorKind::unavailable : ErrorKind::refused,
                fmt::format("{} answered {}", url, answered));
}

}  // namespace belay::site::react
