#include "iosxe/web.h"

#include "base/invariant.h"
#include "iosxe/texts.h"

#include <curl/curl.h>
#include <memory>

namespace belay::lab::iosxe {
namespace {

constexpr size_t most_bytes = 16U << 20;
constexpr long longest_ms = 10'000;
constexpr long not_found_code = 404;

size_t take_bytes(char* bytes, size_t one, size_t count, void* into)
{
    auto& fetched = *static_cast<Fetched*>(into);
    if (fetched.bytes.size() + count > most_bytes) return 0;
    fetched.bytes.append(bytes, count * one);
    return count * one;
}

}  // namespace

Fetched fetch_by_https(const std::string& url, const std::string& trust)
{
    Fetched fetched;
    const std::unique_ptr<CURL, void (*)(CURL*)> easy(curl_easy_init(), curl_easy_cleanup);
    const auto give = [&](CURLoption option, auto value) {
        INVARIANT(curl_easy_setopt(easy.get(), option, value) == CURLE_OK);
    };
    give(CURLOPT_URL, url.c_str());
    give(CURLOPT_PROTOCOLS_STR, "https");
    give(CURLOPT_CAINFO, trust.c_str());
    give(CURLOPT_CAPATH, nullptr);
    give(CURLOPT_PROXY, "");
    give(CURLOPT_NOSIGNAL, 1L);
    give(CURLOPT_FAILONERROR, 1L);
    give(CURLOPT_TIMEOUT_MS, longest_ms);
    give(CURLOPT_WRITEFUNCTION, &take_bytes);
    give(CURLOPT_WRITEDATA, &fetched);
    if (curl_easy_perform(easy.get()) == CURLE_OK) return fetched;
    long code = 0;
    curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &code);
    const bool has_begun = !fetched.bytes.empty();
    fetched.why = code == not_found_code ? text::no_such_file
                  : has_begun            ? text::connection_reset
                                         : text::io_error;
    return fetched;
}

}  // namespace belay::lab::iosxe
