#include "backup/backend/http_questions.h"

#include "backup/backend/http_transfer.h"
#include "base/invariant.h"

#include <algorithm>
#include <curl/curl.h>

namespace belay::backup {

struct HttpQuestions::Question {
    HttpRequest request;
    bool is_open = false;
    std::atomic<bool> has_answered = false;
    std::unique_ptr<HttpTransfer> transfer;
};

HttpQuestions::HttpQuestions()
{
    // libcurl is started by the first of them.
    const HttpTransfer first;
    multi_ = ::curl_multi_init();
    INVARIANT(multi_ != nullptr);
}

HttpQuestions::~HttpQuestions()
{
    while (!questions_.empty()) drop(questions_.begin()->first);
    ::curl_multi_cleanup(multi_);
}

void HttpQuestions::ask(uint64_t key, const HttpOptions& options, HttpRequest request)
{
    std::unique_ptr<Question>& question = questions_[key];
    if (question == nullptr) question = std::make_unique<Question>();
    INVARIANT(!question->is_open);
    question->request = std::move(request);
    question->transfer = std::make_unique<HttpTransfer>();
    question->transfer->prepare(options, question->request, unlimited_, unlimited_);
    question->is_open = true;
    INVARIANT(::curl_multi_add_handle(multi_, question->transfer->easy()) == CURLM_OK);
}

void HttpQuestions::drop(uint64_t key)
{
    const auto found = questions_.find(key);
    if (found == questions_.end()) return;
    if (found->second->is_open) ::curl_multi_remove_handle(multi_, found->second->transfer->easy());
    questions_.erase(found);
}

std::vector<HttpQuestions::Answered> HttpQuestions::take_answers()
{
    std::vector<Answered> all;
    int running = 0, rest = 0;
    INVARIANT(::curl_multi_perform(multi_, &running) == CURLM_OK);
    while (const CURLMsg* const message = ::curl_multi_info_read(multi_, &rest)) {
        if (message->msg != CURLMSG_DONE) continue;
        const auto found = std::ranges::find_if(questions_, [&](const auto& one) {
            return one.second->is_open && one.second->transfer->easy() == message->easy_handle;
        });
        INVARIANT(found != questions_.end());
        Question& question = *found->second;
        // The message goes with the handle.
        const CURLcode code = message->data.result;
        ::curl_multi_remove_handle(multi_, question.transfer->easy());
        question.is_open = false;
        all.push_back({found->first, question.transfer->finish(code, question.has_answered)});
        question.transfer.reset();
    }
    return all;
}

std::vector<HttpQuestions::Answered> HttpQuestions::wait(std::span<const int> descriptors,
                                                         Clock::time_point until)
{
    std::vector<curl_waitfd> others;
    for (const int descriptor : descriptors) others.push_back({descriptor, CURL_WAIT_POLLIN, 0});
    for (;;) {
        std::vector<Answered> answers = take_answers();
        if (!answers.empty()) return answers;
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
        if (left.count() <= 0) return {};
        constexpr std::chrono::milliseconds longest = std::chrono::hours(1);
        INVARIANT(::curl_multi_poll(multi_, others.data(), static_cast<unsigned>(others.size()),
                                    static_cast<int>(std::min(left, longest).count()), nullptr) == CURLM_OK);
        if (std::ranges::any_of(others, [](const curl_waitfd& one) { return one.revents != 0; })) return {};
    }
}

}  // namespace belay::backup
