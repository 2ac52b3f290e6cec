#pragma once
// One line of a device, from the side of whoever types: takes the bytes that come, apart from any socket and
// any clock, and says what they mean.
//
//     Conversation talk(secrets);
//     talk.hear(bytes);  ...                        // until talk.at_prompt(), and nothing came for a moment
//     send(talk.type("show redundancy", {}));
//     talk.hear(bytes);  send(talk.take_replies()); // until talk.at_prompt() again
//     talk.take_answer();

#include "base/result.h"
#include "base/units.h"
#include "upgrade/iosxe/vty/plain_text.h"
#include "upgrade/iosxe/vty/prompt.h"

#include <string>
#include <string_view>
#include <vector>

namespace belay::upgrade::iosxe::vty {

/// A question that was foreseen.
struct Foreseen {
    std::string asked;  ///< how it ends
    std::string say;
    bool is_used = false;
};

/// Threads: one.
class Conversation {
  public:
    static constexpr size_t most_answer = 16 << 20;  ///< bytes, with all that comes beside it

    /// `secrets` of four bytes and more are replaced by asterisks wherever the device shows them.
    explicit Conversation(std::vector<std::string> secrets);
    ~Conversation();
    Conversation(const Conversation&) = delete;
    Conversation& operator=(const Conversation&) = delete;

    /// Takes what came. More than the limit: problem() says so, and nothing more is taken.
    void hear(std::string_view bytes);
    /// What is to be sent now: to questions that were foreseen, and where an output waits for a key.
    std::string take_replies();

    /// Begins a line; what came back for the one before is forgotten. What is to be sent.
    std::string type(const std::string& text, std::vector<Foreseen> replies);
    /// Begins to wait for a prompt that comes without an echo, as after a password.
    void await_prompt();

    /// The last prompt that was seen; the first one tells the name of the device.
    const std::optional<Prompt>& prompt() const { return prompt_; }
    /// All of the answer is there, unless more comes in a moment: an output may look like a prompt where it
    /// is cut.
    bool at_prompt() const;
    /// The question that the device waits with, unless more comes; nothing: it asks none, or none that is
    /// not answered.
    std::optional<std::string> open_question() const;
    bool wants_password() const;
    /// The line that is not ended yet.
    std::string unfinished() const;
    /// The device has shown what was typed.
    bool has_echoed() const { return echo_left_.empty(); }

    /// Without echo, prompt and log; lines end with \n.
    std::string take_answer();
    /// Every line that was shown since the last call, as it was: for the transcript.
    std::vector<std::string> take_shown();
    /// Why nothing more is taken. Kind: corrupt.
    const std::optional<Error>& problem() const { return problem_; }

  private:
    enum class Waits { greeting, echo, answer, prompt };

    void finish(std::string_view line);
    void take_line(std::string_view line);
    bool takes_echo(std::string_view line);
    void look_at_unfinished();
    std::string without_secrets(std::string_view line) const;
    std::optional<Prompt> own_prompt(std::string_view line) const;

    std::vector<std::string> secrets_;
    PlainText text_;
    Waits waits_ = Waits::greeting;
    std::optional<Prompt> prompt_;
    std::string host_;            ///< of the first prompt
    bool prompt_passed_ = false;  ///< one was shown on a line that was ended, and no answer after it
    bool log_passed_ = false;     ///< it was the log that ended that line: nothing else will come
    std::string typed_, echo_left_;
    std::vector<Foreseen> replies_;
    bool is_answered_ = false;  ///< the unfinished line has got its reply
    bool key_was_sent_ = false;
    std::string to_send_;
    std::string answer_;
    std::vector<std::string> shown_;
    size_t heard_ = 0;  ///< bytes since the line was begun
    std::optional<Error> problem_;
};

}  // namespace belay::upgrade::iosxe::vty
