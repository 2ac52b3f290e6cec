// OTLP over HTTP: JSON is posted, and what is refused for good is told.
//
// Source: the OpenTelemetry protocol specification, "OTLP/HTTP": a 400 is not to be sent again, and a success
// may be in part.

#include "framework/messages/outputs/otlp_records.h"
#include "host/files.h"
#include "message_server/receivers.h"
#include "site/conversation/conversation.h"

#include <sys/stat.h>

namespace belay::message_server {
namespace {

constexpr Milliseconds patience_with_collector = std::chrono::seconds(10);
constexpr long wrong_content = 400, too_large = 413;
constexpr Bytes longest_token{8 << 10};

/// Errors: those of the system; permission, where others may read it.
Result<std::string> token_in(const std::string& path)
{
    if (path.empty()) return "";
    struct stat found = {};
    if (::stat(path.c_str(), &found) != 0) return std::unexpected(system_error("read " + path, errno));
    if ((found.st_mode & S_IRWXO) != 0)
        return fail(ErrorKind::permission, fmt::format("everybody may read the token in {}", path),
                    "chmod o= " + path);
    std::string token = TRY(host::files::read(path, longest_token));
    token.resize(token.find_last_not_of(" \r\n\t") + 1);
    return token;
}

struct Answer {
    uint64_t refused = 0;
    std::string reason = {};
};

/// {"partialSuccess": {"rejectedLogRecords": "3", "errorMessage": "..."}}; anything else is a success.
Answer answer_in(const std::string& text)
{
    Answer answer;
    const Result<Json> json = parse_json(text);
    if (!json || !json->is_object()) return answer;
    const auto part = json->find("partialSuccess");
    if (part == json->end() || !part->is_object()) return answer;
    // A 64-bit number is a text in protobuf's JSON, and is read as either.
    if (const auto count = part->find("rejectedLogRecords"); count != part->end()) {
        if (count->is_number_unsigned()) answer.refused = count->get<uint64_t>();
        if (count->is_string())
            answer.refused = std::strtoull(count->get_ref<const std::string&>().c_str(), nullptr, 10);
    }
    if (const auto why = part->find("errorMessage"); why != part->end() && why->is_string())
        answer.reason = why->get<std::string>();
    return answer;
}

class OtlpReceiver final : public Receiver {
  public:
    explicit OtlpReceiver(framework::messages::OtlpPlan plan) : plan_(std::move(plan)) {}

    Taken take(std::span<const framework::messages::StoredMessage> messages) override
    {
        Taken taken;
        take_all(messages, taken);
        return taken;
    }

  private:
    /// Of a batch that is refused as a whole each half is tried by itself, down to those that it is about.
    void take_all(std::span<const framework::messages::StoredMessage> messages, Taken& taken)
    {
        bool is_about_content = false;
        const Result<Answer> posted = post(messages, is_about_content);
        if (posted) {
            taken.count += messages.size();
            taken.refused += std::min<uint64_t>(posted->refused, messages.size());
            if (posted->refused > 0) taken.reason = posted->reason;
            return;
        }
        if (!is_about_content) {
            taken.problem = posted.error();
            return;
        }
        if (messages.size() == 1) {
            ++taken.count;
            ++taken.refused;
            taken.reason = posted.error().what;
            return;
        }
        take_all(messages.first(messages.size() / 2), taken);
        if (!taken.problem) take_all(messages.subspan(messages.size() / 2), taken);
    }

    Result<Answer> post(std::span<const framework::messages::StoredMessage> messages, bool& is_about_content)
    {
        const std::string token = TRY(token_in(plan_.token_file));
        // One that is kept alive is used again.
        if (!conversation_)
            conversation_ = std::make_unique<site::Conversation>(patience_with_collector, plan_.ca);
        site::LineList headers;
        headers.add("Content-Type: application/json");
        headers.add("User-Agent: belay/" BELAY_VERSION);
        std::string answer;
        const std::string body = json_text(framework::messages::otlp_request(messages));
        const Result<long> code = site::post(*conversation_, plan_.url, headers, body, token, &answer);
        if (code) return answer_in(answer);
        const long answered = conversation_->answered();
        is_about_content = answered == wrong_content || answered == too_large;
        if (!is_about_content) conversation_.reset();
        return std::unexpected(code.error());
    }

    const framework::messages::OtlpPlan plan_;
    std::unique_ptr<site::Conversation> conversation_;
};

}  // namespace

std::unique_ptr<Receiver> make_otlp_receiver(const framework::messages::OtlpPlan& plan)
{
    return std::make_unique<OtlpReceiver>(plan);
}

}  // namespace belay::message_server
