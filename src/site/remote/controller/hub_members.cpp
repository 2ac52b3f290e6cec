#include "site/remote/controller/hub_members.h"

#include <condition_variable>
#include <mutex>
#include <optional>

namespace belay::site {
namespace {

/// What came so far; answers may come when nobody waits for them any more.
struct Answers {
    explicit Answers(size_t size) : came(size) {}

    std::mutex mutex;
    std::condition_variable all_there;
    std::vector<std::optional<Result<Json>>> came;
    size_t missing = came.size();
};

Error no_answer(const MemberQuestion& question, Milliseconds limit)
{
    return {.kind = ErrorKind::timeout,
            .what = fmt::format("the host {} has not answered {} within {}", question.member, question.method,
                                to_text(limit))};
}

}  // namespace

std::vector<Result<Json>> HubMembers::ask(const std::vector<MemberQuestion>& questions,
                                          const std::string& asker, Milliseconds limit)
{
    const auto answers = std::make_shared<Answers>(questions.size());
    Hub* const hub = hub_();
    for (size_t at = 0; at < questions.size(); ++at) {
        const auto then = [answers, at](const Result<Json>& answer) {
            const std::lock_guard lock(answers->mutex);
            if (answers->came[at]) return;
            answers->came[at] = answer;
            if (--answers->missing == 0) answers->all_there.notify_all();
        };
        const MemberQuestion& question = questions[at];
        if (hub == nullptr)
            then(fail(ErrorKind::unavailable, "this controller does not lead the site"));
        else
            hub->ask(question.member, question.method, json_text(question.parameters), asker, then);
    }
    std::unique_lock lock(answers->mutex);
    answers->all_there.wait_for(lock, limit, [&] { return answers->missing == 0; });
    std::vector<Result<Json>> all;
    all.reserve(questions.size());
    for (size_t at = 0; at < questions.size(); ++at) {
        // One that comes after this counts for nobody.
        if (!answers->came[at]) answers->came[at] = std::unexpected(no_answer(questions[at], limit));
        all.push_back(*answers->came[at]);
    }
    return all;
}

}  // namespace belay::site
