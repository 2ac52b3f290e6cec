// Mails and webhooks, by libcurl.

#include "site/conversation/conversation.h"
#include "site/reactions/react/react.h"

#include <cstring>

namespace belay::site::react {
namespace {

constexpr long permanent_least = 500;  ///< of SMTP: 5yz is for good, 4yz for now

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

Conversation new_conversation(const Json& errand)
{
    return {Milliseconds(errand.value("limit_ms", int64_t{60'000})), errand.value("ca", "")};
}

}  // namespace

Result<std::string> send_mail(const Json& errand)
{
    Conversation conversation = new_conversation(errand);
    const std::string tls = errand.value("tls", "starttls");
    const std::string server = errand.value("server", "");
    const bool is_ipv6 = server.find(':') != std::string::npos;
    const std::string url = fmt::format("{}://{}{}{}:{}", tls == "tls" ? "smtps" : "smtp", is_ipv6 ? "[" : "",
                                        server, is_ipv6 ? "]" : "", errand.value("port", 0));
    const std::string message = errand.value("message", ""), from = errand.value("from", "");
    Pieces pieces{.text = message};
    LineList to;
    for (const Json& address : errand.value("to", Json::array())) to.add(address.get<std::string>());
    conversation.give(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    conversation.give(CURLOPT_URL, url.c_str());
    conversation.give(CURLOPT_USE_SSL, tls == "none" ? long{CURLUSESSL_NONE} : long{CURLUSESSL_ALL});
    conversation.give(CURLOPT_MAIL_FROM, from.c_str());
    conversation.give(CURLOPT_MAIL_RCPT, to.list.get());
    conversation.give(CURLOPT_UPLOAD, 1L);
    conversation.give(CURLOPT_READFUNCTION, &read_piece);
    conversation.give(CURLOPT_READDATA, &pieces);
    if (const std::string account = errand.value("account", ""); !account.empty()) {
        conversation.give(CURLOPT_USERNAME, account.c_str());
        conversation.give(CURLOPT_PASSWORD, errand.value("password", "").c_str());
    }
    const Result<void> sent = conversation.perform();
    if (sent) return std::string("the server took the mail");
    const long answered = conversation.answered();
    return fail(answered >= permanent_least ? ErrorKind::refused : sent.error().kind,
                fmt::format("{}:{}: {}{}", server, errand.value("port", 0), sent.error().what,
                            answered > 0 ? fmt::format(" (it answered {})", answered) : ""));
}

Result<std::string> post_webhook(const Json& errand)
{
    Conversation conversation = new_conversation(errand);
    const std::string url = errand.value("url", "");
    LineList headers;
    headers.add("Content-Type: application/json");
    headers.add("User-Agent: belay/" BELAY_VERSION);
    headers.add("Idempotency-Key: " + errand.value("key", ""));
    const long answered =
        TRY(post(conversation, url, headers, errand.value("body", ""), errand.value("token", ""), nullptr));
    return fmt::format("{} answered {}", url, answered);
}

}  // namespace belay::site::react
