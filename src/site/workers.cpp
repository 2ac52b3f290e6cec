#include "site/workers.h"

#include "base/invariant.h"

#include <system_error>

namespace belay::site {

Workers::~Workers()
{
    INVARIANT(threads_.empty());
}

Result<void> Workers::run(Job job)
{
    const uint64_t id = ++last_id_;
    const auto work = [this, id, job = std::move(job)] {
        loop_.post([this, id, then = job()] {
            const auto ended = threads_.find(id);
            ended->second.join();
            threads_.erase(ended);
            then();
            if (threads_.empty() && when_idle_) when_idle_();
        });
    };
    try {
        threads_.emplace(id, std::thread(work));
    } catch (const std::system_error& problem) {
        return fail(ErrorKind::unavailable, fmt::format("cannot start a thread: {}", problem.what()));
    }
    return {};
}

}  // namespace belay::site
