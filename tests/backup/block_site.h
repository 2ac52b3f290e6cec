#pragma once
// For tests: a host of the lab with a disk for volumes, which saves them into a repository on this machine.

#include "backup/backend/local.h"
#include "backup/repository/repository.h"
#include "base/json.h"
#include "host.h"
#include "scratch.h"

namespace belay::backup {

using Words = std::vector<std::string>;

constexpr Bytes disk_size = {1 << 30};

/// The folder of the running program.
inline std::string program_folder()
{
    return std::filesystem::read_symlink("/proc/self/exe").parent_path();
}

struct Site {
    Scratch scratch;
    lab::Folder folder = must(lab::Folder::make());
    std::unique_ptr<lab::Host> host;
    std::string repository = scratch.path("repository");

    Site()
    {
        static_cast<void>(must(Repository::create(std::make_unique<LocalBackend>(repository),
                                                  Scratch::password, {.cost = {.n = 1024, .r = 8, .p = 1}})));
        boot();
    }

    void boot()
    {
        host = must(lab::Host::boot(folder, {.memory = {512 << 20},
                                             .disks = {{"a", disk_size}},
                                             .modules = {"dm-mod", "dm-snapshot", "dm-thin-pool"},
                                             .shares = {scratch.path("")}}));
    }

    std::string run(const Words& argv)
    {
        const host::Outcome outcome = must(host->run(argv, {}, std::chrono::minutes(3)));
        REQUIRE_MESSAGE(outcome.exit_code == 0, host::Command{.argv = argv}.to_text(), "\n", outcome.out,
                        outcome.err);
        return outcome.out;
    }
    std::string shell(const std::string& script) { return run({"sh", "-c", script}); }

    host::Outcome program(Words words)
    {
        words.insert(words.begin(), program_folder() + "/belay-block-guest");
        return must(host->run(words, {}, std::chrono::minutes(3)));
    }
    Json ask(const Words& words)
    {
        const host::Outcome outcome = program(words);
        INFO(outcome.out, outcome.err);
        REQUIRE(outcome.exit_code == 0);
        return must(parse_json(outcome.out));
    }
    Json refusal(const Words& words)
    {
        const host::Outcome outcome = program(words);
        INFO(outcome.out, outcome.err);
        REQUIRE(outcome.exit_code == 1);
        return must(parse_json(outcome.out));
    }

    /// Volumes that bear our tag.
    std::string snapshots()
    {
        return run({"lvm", "lvs", "--noheadings", "--options", "lv_name", "--select",
                    "lv_tags=belay.block-snapshot"});
    }
};

}  // namespace belay::backup
