#pragma once
// The tools that are held against each other, each with a repository of its own.

#include "measured_run.h"

#include <array>

namespace belay::bench {

/// What is measured, in the order in which it can be done.
enum class Work : uint8_t { first, unchanged, changed, restore, check, check_data };
constexpr std::array all_works = {Work::first,   Work::unchanged, Work::changed,
                                  Work::restore, Work::check,     Work::check_data};

/// As "first backup".
std::string_view name_of(Work work);

enum class Tool : uint8_t { belay, restic, borg };
constexpr std::array all_tools = {Tool::belay, Tool::restic, Tool::borg};
std::string_view name_of(Tool tool);

/// A repository of a tool, in a folder of its own together with the tool's cache and, while there is one,
/// what was restored from it. Threads: one.
class ToolAtWork {
  public:
    /// `program` is the tool's, by its path or its name. Nothing is made yet.
    ToolAtWork(Tool tool, std::string program, std::string folder);

    Tool tool() const { return tool_; }
    std::string repository() const { return folder_ + "/repository"; }
    /// Where `source` lies when it was restored.
    std::string restored(const std::string& source) const { return folder_ + "/restored" + source; }

    /// Makes the repository; one that was there goes. Errors: those of the tool and of the system.
    Result<void> init();
    /// Does it, with the tool's own defaults and zstd at level 3. `source` is an absolute path. Errors: as
    /// init().
    Result<Cost> run(Work work, const std::string& source) const;
    /// Reads the repository, so that it lies in memory whichever way the tool has written it. Errors: those
    /// of the system.
    Result<void> read_repository() const;
    /// Bytes of the files of the repository.
    uint64_t size_of_repository() const;
    /// Removes everything.
    void remove() const;

  private:
    Call call(std::vector<std::string> words) const;
    std::vector<std::string> words_of(Work work, const std::string& source) const;

    Tool tool_;
    std::string program_, folder_;
};

}  // namespace belay::bench
