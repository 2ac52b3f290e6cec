#include "site/conversation/conversation.h"

namespace belay::site {
namespace {

constexpr size_t most_answer = 64 << 10;

/// libcurl drops what is taken and not used; an answer may be of any length.
size_t take_piece(char* from, size_t size, size_t count, void* into)
{
    auto* const answer = static_cast<std::string*>(into);
    if (answer != nullptr)
        answer->append(from, std::min(size * count, most_answer - std::min(most_answer, answer->size())));
    return size * count;
}

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

}  // namespace

Conversation::Conversation(Milliseconds limit, const std::string& ca)
    : says_(std::make_unique<std::array<char, CURL_ERROR_SIZE>>())
{
    INVARIANT(::curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    easy_.reset(::curl_easy_init());
    INVARIANT(easy_ != nullptr);
    give(CURLOPT_ERRORBUFFER, says_->data());
    give(CURLOPT_NOSIGNAL, 1L);
    give(CURLOPT_NETRC, long{CURL_NETRC_IGNORED});
    give(CURLOPT_PROXY, "");
    give(CURLOPT_SSL_VERIFYPEER, 1L);
    give(CURLOPT_SSL_VERIFYHOST, 2L);
    give(CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
    give(CURLOPT_WRITEFUNCTION, &take_piece);
    give(CURLOPT_WRITEDATA, nullptr);
    give(CURLOPT_TIMEOUT_MS, static_cast<long>(limit.count()));
    if (ca.empty()) return;
    give(CURLOPT_CAINFO, ca.c_str());
    give(CURLOPT_CAPATH, nullptr);
}

Result<void> Conversation::perform()
{
    says_->front() = '\0';
    const CURLcode code = ::curl_easy_perform(easy_.get());
    if (code == CURLE_OK) return {};
    return std::unexpected(error_of(code));
}

Error Conversation::error_of(CURLcode code) const
{
    return {.kind = is_for_good(code) ? ErrorKind::refused : ErrorKind::unavailable,
            .what = says_->front() == '\0' ? ::curl_easy_strerror(code) : says_->data()};
}

long Conversation::answered() const
{
    long code = 0;
    ::curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &code);
    return code;
}

void LineList::add(const std::string& line)
{
    curl_slist* const longer = ::curl_slist_append(list.release(), line.c_str());
    INVARIANT(longer != nullptr);
    list.reset(longer);
}

Result<long> post(Conversation& conversation, const std::string& url, const LineList& headers,
                  const std::string& body, const std::string& bearer, std::string* answer)
{
    constexpr long good_least = 200, redirect_least = 300, redirect_most = 399;
    constexpr long timed_out = 408, too_early = 425, too_many = 429, broken_least = 500;
    conversation.give(CURLOPT_PROTOCOLS_STR, "http,https");
    conversation.give(CURLOPT_FOLLOWLOCATION, 0L);
    conversation.give(CURLOPT_URL, url.c_str());
    conversation.give(CURLOPT_HTTPHEADER, headers.list.get());
    conversation.give(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    conversation.give(CURLOPT_POSTFIELDS, body.c_str());
    conversation.give(CURLOPT_WRITEDATA, answer);
    if (!bearer.empty()) {
        conversation.give(CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BEARER));
        conversation.give(CURLOPT_XOAUTH2_BEARER, bearer.c_str());
    }
    const Result<void> performed = conversation.perform();
    if (!performed) return fail(performed.error().kind, fmt::format("{}: {}", url, performed.error().what));
    const long code = conversation.answered();
    if (code >= good_least && code < redirect_least) return code;
    if (code >= redirect_least && code <= redirect_most)
        return fail(ErrorKind::refused,
                    fmt::format("{} leads elsewhere ({}), which is not followed", url, code));
    const bool is_for_now =
        code >= broken_least || code == too_many || code == timed_out || code == too_early;
    return fail(is_for_now ? ErrorKind::unavailable : ErrorKind::refused,
                fmt::format("{} answered {}", url, code));
}

}  // namespace belay::site
