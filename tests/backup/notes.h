#pragma once
// For tests: what a run has said, and the repository that it has worked on.

#include "backup/backend/local.h"
#include "backup/pipeline/checking.h"
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

struct CheckingNotes final : CheckingObserver {
    void error(const std::string& what) override
    {
        const std::lock_guard lock(mutex);
        errors.push_back(what);
    }
    void hint(const std::string& what) override
    {
        const std::lock_guard lock(mutex);
        hints.push_back(what);
    }

    std::mutex mutex;
    std::vector<std::string> errors, hints;
};

inline void no_problem(const Id& id, const Error& error)
{
    FAIL_CHECK(id.short_hex(), ": ", error.what);
}

inline std::unique_ptr<Backend> place(const Scratch& scratch)
{
    return std::make_unique<LocalBackend>(scratch.path("repository"));
}

/// A new repository whose key costs less than restic's: what takes time in tests is opening it.
inline void init(const Scratch& scratch)
{
    static_cast<void>(
        must(Repository::create(place(scratch), Scratch::password, {.cost = {.n = 1024, .r = 8, .p = 1}})));
}

/// The repository of a scratch folder, with its index.
inline Repository opened(const Scratch& scratch)
{
    Repository repository = must(Repository::open(place(scratch), Scratch::password));
    must(repository.load_index(no_problem));
    return repository;
}

}  // namespace belay::backup
