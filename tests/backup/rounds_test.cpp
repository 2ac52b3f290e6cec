// Belay and Debian's restic in one repository in turn, round after round, over a tree with every kind of file
// that changes at random: what one writes the other restores to the last bit.

#include "backup/maintenance/copying.h"
#include "backup/maintenance/prune.h"
#include "backup/maintenance/repair.h"
#include "how_many.h"
#include "in_memory.h"
#include "random_tree.h"

#include <future>

namespace belay::backup {
namespace {

enum class Tool { belay, restic };
constexpr std::chrono::milliseconds no_wait{0};

struct QuietPrune final : PruneObserver {
    void begins(PrunePhase, uint64_t) override {}
    void advanced(PrunePhase, uint64_t) override {}
    void waits_for(const Error&) override {}
    void planned(const PruneFigures&) override {}
};

struct QuietCopy final : CopyingObserver {
    void skipped(const Snapshot&, const Id&) override {}
    void copied(const Snapshot&, const Id&) override {}
    void begins(uint64_t) override {}
    void pack_read() override {}
};

/// Some of the rounds: a repository, a tree, and what each snapshot has to give back.
class Lane {
  public:
    Lane(uint64_t seed, unsigned version)
        : seed_(seed), random_(seed), tree_(scratch_.path("tree"), seed), version_(version)
    {
        init_by_any(scratch_);
        init_by_any(other_);
    }

    void run(size_t rounds)
    {
        for (size_t round = 0; round < rounds; ++round) {
            where_ = fmt::format("seed {}, round {}", seed_, round);
            CAPTURE(where_);
            for (uint64_t i = 0; i < 1 + below(6); ++i) tree_.change();
            back_up(any_tool());
            if (below(4) == 0) restore(any_snapshot(), any_tool());
            if (below(4) == 0) forget();
            if (below(6) == 0) prune();
            if (below(8) == 0) tag();
            if (below(12) == 0) copy();
            if (below(12) == 0) repair_the_index();
            if (below(12) == 0 || round + 1 == rounds) check();
        }
    }

  private:
    struct Expected {
        SeenTree tree;
        Tool saved_by;
    };

    uint64_t below(uint64_t limit) { return random_() % limit; }
    Tool any_tool() { return below(2) == 0 ? Tool::belay : Tool::restic; }

    /// With a key that is as cheap for restic: it takes the cost from the file.
    void init_by_any(const Scratch& scratch) const
    {
        static_cast<void>(must(Repository::create(place(scratch), Scratch::password,
                                                  {.version = version_, .cost = {.n = 16, .r = 1, .p = 1}})));
    }

    std::vector<Snapshot> snapshots() const { return must(opened(scratch_).snapshots(no_problem)); }
    static Id origin(const Snapshot& snapshot) { return snapshot.original.value_or(snapshot.id); }
    Snapshot any_snapshot()
    {
        const std::vector<Snapshot> all = snapshots();
        return all[below(all.size())];
    }

    /// How many blobs of data were new; saved anew from the files, whatever is known from before, if `anew`.
    uint64_t save(Tool tool, bool anew)
    {
        if (tool == Tool::restic) {
            std::vector<std::string> words = {"backup", scratch_.path("tree"),        "--host", "host",
                                              "--tag",  fmt::format("t{}", below(3)), "--json"};
            if (anew) words.emplace_back("--force");
            const std::string said = restic(words);
            const size_t last = said.rfind("{\"message_type\":\"summary\"");
            REQUIRE_MESSAGE(last != std::string::npos, said);
            return must(parse_json(std::string_view(said).substr(last)))["data_blobs"].get<uint64_t>();
        }
        Repository repository = opened(scratch_);
        const auto lock = must(RepositoryLock::take(repository, Access::shared, no_wait));
        const std::vector<Snapshot> before = must(repository.snapshots(no_problem));
        SavingOptions options{.paths = {scratch_.path("tree")}, .tags = {fmt::format("t{}", below(3))}};
        options.hostname = "host";
        options.writer.pack_size = (64 << 10) << below(5);
        if (!anew && !before.empty()) options.parent = before.back();
        options.threads = 1 + below(3);
        SavingNotes notes;
        SavingSummary summary;
        must(save_paths(repository, options, notes, summary));
        CHECK(notes.problems.empty());
        return summary.written.data_blobs;
    }
    /// restic on the repository, with what it says of itself.
    std::string restic(const std::vector<std::string>& words) const
    {
        std::vector<std::string> argv = {"restic",
                                         "--no-cache",
                                         "-r",
                                         scratch_.path("repository"),
                                         "--password-file",
                                         scratch_.path("password")};
        argv.insert(argv.end(), words.begin(), words.end());
        return Scratch::run(std::move(argv));
    }

    /// By one tool, restored by the other; and sometimes saved by the other as well, which finds all data
    /// there.
    void back_up(Tool tool)
    {
        const SeenTree seen = look_at_tree(scratch_.path("tree"));
        save(tool, below(3) == 0);
        for (const Snapshot& snapshot : snapshots()) expected_.try_emplace(origin(snapshot), seen, tool);
        const Tool other = tool == Tool::belay ? Tool::restic : Tool::belay;
        restore(snapshots().back(), other);
        if (below(4) != 0) return;
        CHECK_MESSAGE(save(other, true) == 0, where_, ": the same files have other chunks");
        for (const Snapshot& snapshot : snapshots()) expected_.try_emplace(origin(snapshot), seen, other);
    }

    void restore(const Snapshot& snapshot, Tool tool) { restore(scratch_, snapshot, tool); }
    void restore(const Scratch& from, const Snapshot& snapshot, Tool tool)
    {
        const std::string target = scratch_.path("back");
        if (tool == Tool::restic) {
            from.restic({"restore", snapshot.id.hex(), "--target", target});
        } else {
            const Repository repository = opened(from);
            RestoringNotes notes;
            RestoringSummary summary;
            must(restore_tree(repository, snapshot.tree,
                              {.target = target, .sparse = below(2) == 0, .threads = 1 + below(3)}, notes,
                              summary));
            for (const auto& [path, error] : notes.problems) FAIL_CHECK(where_, ": ", path, ": ", error);
        }
        REQUIRE(expected_.contains(origin(snapshot)));
        compare(expected_.at(origin(snapshot)), look_at_tree(target + scratch_.path("tree")), tool);
        std::filesystem::remove_all(target);
    }

    /// restic 0.14 passes over sockets, and keeps no target of a link that is not UTF-8.
    void compare(const Expected& expected, SeenTree restored, Tool restored_by) const
    {
        SeenTree wanted = expected.tree;
        const bool by_restic = restored_by == Tool::restic;
        const bool through_restic = by_restic || expected.saved_by == Tool::restic;
        const auto is_beyond = [&](const auto& file) {
            return through_restic && (file.second.is_socket || file.second.has_raw_target);
        };
        for (auto file = wanted.begin(); file != wanted.end();) {
            if (is_beyond(*file)) restored.erase(file->first);
            file = is_beyond(*file) ? wanted.erase(file) : std::next(file);
        }
        const std::string how = fmt::format("{}, saved by {}, restored by {}: ", where_,
                                            expected.saved_by == Tool::belay ? "Belay" : "restic",
                                            by_restic ? "restic" : "Belay");
        for (const auto& [path, file] : wanted) {
            const auto found = restored.find(path);
            CHECK_MESSAGE(found != restored.end(), how, path, " is not there");
            if (found == restored.end()) continue;
            CHECK_MESSAGE(found->second.text == file.text, how, path, " was ", file.text);
            restored.erase(found);
        }
        for (const auto& [path, file] : restored) FAIL_CHECK(how, path, " never was there");
    }

    void forget()
    {
        const size_t keep = 2 + below(4);
        if (any_tool() == Tool::restic) {
            scratch_.restic({"forget", "--group-by", "", "--keep-last", std::to_string(keep)});
            return;
        }
        const Repository repository = opened(scratch_);
        const auto lock = must(RepositoryLock::take(repository, Access::shared, no_wait));
        std::vector<Id> old;
        const std::vector<Snapshot> all = must(repository.snapshots(no_problem));
        for (size_t i = 0; i + keep < all.size(); ++i) old.push_back(all[i].id);
        must(forget_snapshots(repository, *lock, old, [](const Id&) {}));
    }

    void prune()
    {
        const std::string unused = below(2) == 0 ? "0" : "5%";
        if (any_tool() == Tool::restic) {
            scratch_.restic({"prune", "--max-unused", unused});
            return;
        }
        PruneOptions options;
        options.limits.max_unused = must(MaxUnused::from_text(unused));
        options.limits.repack_small = below(2) == 0;
        options.settle = options.look_again = no_wait;
        Repository repository = opened(scratch_);
        QuietPrune notes;
        PruneSummary summary;
        must(prune_repository(repository, options, notes, summary));
    }

    void tag()
    {
        const Snapshot chosen = any_snapshot();
        if (any_tool() == Tool::restic) {
            scratch_.restic({"tag", "--add", "theirs", chosen.id.hex()});
            return;
        }
        const Repository repository = opened(scratch_);
        const auto lock = must(RepositoryLock::take(repository, Access::shared, no_wait));
        must(change_tags(repository, *lock, {&chosen, 1}, must(repository.snapshots(no_problem)),
                         {.add = {"ours"}, .remove = {"t1"}}, [](const Id&, const Id&) {}));
    }

    /// To the other repository by one tool, and restored from there by any.
    void copy()
    {
        const Snapshot chosen = any_snapshot();
        if (any_tool() == Tool::restic) {
            Scratch::run({"restic", "--no-cache", "-q", "-r", scratch_.path("repository"), "--password-file",
                          scratch_.path("password"), "copy", "--repo2", other_.path("repository"),
                          "--password-file2", other_.path("password"), chosen.id.hex()});
        } else {
            const Repository from = opened(scratch_);
            Repository to = opened(other_);
            QuietCopy notes;
            must(copy_snapshots(from, to, {&chosen, 1}, {}, notes));
        }
        const std::vector<Snapshot> there = must(opened(other_).snapshots(no_problem));
        const auto copied = std::ranges::find_if(
            there, [&](const Snapshot& snapshot) { return origin(snapshot) == origin(chosen); });
        REQUIRE(copied != there.end());
        restore(other_, *copied, any_tool());
    }

    /// After an index was lost.
    void repair_the_index()
    {
        std::vector<std::filesystem::path> files;
        for (const auto& file : std::filesystem::directory_iterator(scratch_.path("repository/index")))
            files.push_back(file.path());
        std::ranges::sort(files);
        std::filesystem::remove(files[below(files.size())]);
        if (any_tool() == Tool::restic) {
            scratch_.restic({"rebuild-index"});
            return;
        }
        Repository repository = opened(scratch_);
        const auto lock = must(RepositoryLock::take(repository, Access::exclusive, no_wait));
        RepairNotes notes;
        IndexRepairSummary summary;
        must(repair_index(repository, *lock, {.read_all_packs = below(2) == 0}, notes, summary));
    }

    void check()
    {
        scratch_.restic({"check", "--read-data"});
        CHECK(is_sound(opened(scratch_), where_) == snapshots().size());
        is_sound(opened(other_), where_ + ", the copies");
    }

    uint64_t seed_;
    std::mt19937_64 random_;
    Scratch scratch_, other_;
    RandomTree tree_;
    unsigned version_;
    std::string where_;
    std::map<Id, Expected> expected_;  ///< by the first of the snapshots that are the same
};

TEST_CASE("rounds of backup, restore, forget, prune, tags, copies and repair by Belay and restic in turn")
{
    const size_t rounds = how_many("BELAY_ROUNDS", 200, 20);
    // Beside each other, since restic sleeps for a while whenever it takes a lock.
    constexpr size_t lanes = 5;
    const size_t first_seed = how_many("BELAY_SEED", 1, 1);
    std::vector<std::future<void>> running;
    for (size_t i = 0; i < lanes; ++i) {
        const size_t mine = rounds / lanes + (i < rounds % lanes ? 1 : 0);
        running.push_back(
            std::async(std::launch::async, [=] { Lane(first_seed + i, i == 0 ? 1 : 2).run(mine); }));
    }
    MESSAGE(rounds << " rounds, seeds from " << first_seed);
    for (std::future<void>& lane : running) lane.wait();
    for (std::future<void>& lane : running) lane.get();
}

}  // namespace
}  // namespace belay::backup
