#pragma once
// For tests: what a run has said.

#include "backup/pipeline/restoring.h"
#include "backup/pipeline/saving.h"
#include "base/testing/must.h"

#include <mutex>

namespace belay::backup {

struct SavingNotes final : SavingObserver {
    void problem(const std::string& path, const Error& error) override
    {
        const std::lock_guard lock(mutex);
        problems[path] = error.what;
    }
    void changed_while_read(const std::string& path) override
    {
        const std::lock_guard lock(mutex);
        changed.insert(path);
    }
    void done(const std::string&, const Node&, Compared) override {}

    std::mutex mutex;
    std::map<std::string, std::string> problems;
    std::set<std::string> changed;
};

struct RestoringNotes final : RestoringObserver {
    void problem(const std::string& path, const Error& error) override
    {
        const std::lock_guard lock(mutex);
        problems[path] = error.what;
    }

    std::mutex mutex;
    std::map<std::string, std::string> problems;
};

inline void no_problem(const Id& id, const Error& error)
{
    FAIL_CHECK(id.short_hex(), ": ", error.what);
}

}  // namespace belay::backup
