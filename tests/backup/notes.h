#pragma once
// For tests: what a run has said, and the repository that it has worked on.

#include "backup/backend/local.h"
#include "backup/pipeline/restoring.h"
#include "backup/pipeline/saving.h"
#include "scratch.h"

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

/// The repository of a scratch folder, with its index.
inline Repository opened(const Scratch& scratch)
{
    Repository repository =
        must(Repository::open(std::make_unique<LocalBackend>(scratch.path("repository")), Scratch::password));
    must(repository.load_index(no_problem));
    return repository;
}

}  // namespace belay::backup
