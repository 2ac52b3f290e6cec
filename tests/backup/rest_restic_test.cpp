// A repository on Debian's rclone, shared by Belay and Debian's restic.

#include "backup/pipeline/checking.h"
#include "backup/repository/repository_lock.h"
#include "notes.h"
#include "rest_server.h"

#include <atomic>
#include <future>
#include <mutex>
#include <thread>

namespace belay::backup {
namespace {

void init_at(const RestServer& server)
{
    static_cast<void>(
        must(Repository::create(server.place(), Scratch::password, {.cost = {.n = 1024, .r = 8, .p = 1}})));
}

Repository opened_at(std::unique_ptr<Backend> place)
{
    Repository repository = must(Repository::open(std::move(place), Scratch::password));
    must(repository.load_index(no_problem));
    return repository;
}

void compare_trees(const Scratch& scratch, const std::string& restored)
{
    Scratch::run({"diff", "--recursive", "--no-dereference", "--exclude=fifo", scratch.path("tree"),
                  restored + scratch.path("tree")});
}

TEST_CASE("what Belay saves to a REST server, restic checks and restores, and the other way round")
{
    const Scratch scratch;
    scratch.make_tree();
    const RestServer server(scratch, {.tls = true});
    init_at(server);
    Repository repository = opened_at(server.place());
    SavingNotes notes;
    SavingSummary summary;
    must(save_paths(repository, {.paths = {scratch.path("tree")}}, notes, summary));
    CHECK(notes.problems.empty());
    const Id saved = summary.snapshot.value();
    CHECK(server.restic({"snapshots", "--json"}).find(saved.hex()) != std::string::npos);
    server.restic({"check", "--read-data"});
    server.restic({"restore", saved.hex(), "--target", scratch.path("by-restic")});
    compare_trees(scratch, scratch.path("by-restic"));

    scratch.write("tree/new", "new\n");
    server.restic({"backup", scratch.path("tree")});
    const Repository again = opened_at(server.place());
    const std::vector<Snapshot> snapshots = must(again.snapshots(no_problem));
    REQUIRE(snapshots.size() == 2);
    RestoringNotes restoring;
    RestoringSummary restored;
    must(restore_tree(again, snapshots[1].tree, {.target = scratch.path("by-belay")}, restoring, restored));
    CHECK(restoring.problems.empty());
    compare_trees(scratch, scratch.path("by-belay"));
}

/// Ends the server as soon as a pack has reached it.
struct EndsServer final : SavingObserver {
    EndsServer(const Scratch& of, RestServer& ends) : scratch(of), server(ends) {}
    void problem(const std::string& path, const Error& error) override { FAIL_CHECK(path, ": ", error.what); }
    void changed_while_read(const std::string&) override {}
    void done(const std::string&, const Node&, Compared) override
    {
        const std::lock_guard lock(mutex);
        if (is_ended || !has_packs()) return;
        is_ended = true;
        server.end();
    }
    bool has_packs() const
    {
        for (const auto& entry :
             std::filesystem::recursive_directory_iterator(scratch.path("served/repository/data")))
            if (entry.is_regular_file()) return true;
        return false;
    }

    const Scratch& scratch;
    RestServer& server;
    std::mutex mutex;
    bool is_ended = false;
};

/// Starts the server when it is asked to, from a thread that lives as long as this: so does the server.
class StartsAgain {
  public:
    explicit StartsAgain(RestServer& server)
        : thread_([this, &server] {
              if (!asked_.get_future().get()) return;
              server.start();
              up_.set_value();
              over_.get_future().wait();
          })
    {
    }
    ~StartsAgain()
    {
        std::call_once(once_, [&] { asked_.set_value(false); });
        over_.set_value();
        thread_.join();
    }
    StartsAgain(const StartsAgain&) = delete;
    StartsAgain& operator=(const StartsAgain&) = delete;

    /// Threads: any, any number of times.
    void ask()
    {
        std::call_once(once_, [&] { asked_.set_value(true); });
        is_asked_ = true;
    }
    bool is_asked() const { return is_asked_; }
    void wait() { up_.get_future().wait(); }

  private:
    std::once_flag once_;
    std::promise<bool> asked_;
    std::promise<void> up_, over_;
    std::atomic<bool> is_asked_ = false;
    std::thread thread_;
};

TEST_CASE("a server that dies in the middle of a backup, and comes again, does it no harm")
{
    for (const bool tls : {false, true}) {
        INFO("tls ", tls);
        const Scratch scratch;
        std::filesystem::create_directory(scratch.path("tree"));
        for (unsigned file = 0; file < 60; ++file)
            scratch.write(fmt::format("tree/{}", file), Scratch::random_text(400'000, file));
        RestServer server(scratch, {.tls = tls});
        init_at(server);
        EndsServer observer(scratch, server);
        PlaceOptions options = server.options();
        StartsAgain again(server);
        options.rest.retries.tells = [&](const Error& error, std::chrono::milliseconds) {
            CHECK(error.kind == ErrorKind::unavailable);
            again.ask();
        };
        Repository repository = opened_at(must(open_place(server.location(), options)));
        SavingOptions saving{.paths = {scratch.path("tree")}};
        saving.writer.pack_size = 1 << 20;
        SavingSummary summary;
        const Result<void> saved = save_paths(repository, saving, observer, summary);
        CHECK_MESSAGE(saved, (saved ? "" : saved.error().what));
        CHECK(observer.is_ended);
        REQUIRE(again.is_asked());
        again.wait();
        server.restic({"check", "--read-data"});
        server.restic({"restore", summary.snapshot->hex(), "--target", scratch.path("back")});
        compare_trees(scratch, scratch.path("back"));
    }
}

TEST_CASE("locks on a REST server hold off restic, and restic's hold off Belay")
{
    const Scratch scratch;
    const RestServer server(scratch);
    init_at(server);
    const Repository repository = opened_at(server.place());
    const auto unlocked = [&] { return must(locks_of(repository)).empty(); };
    {
        const auto lock = must(RepositoryLock::take(repository, Access::exclusive));
        const host::Command prune{.argv = {"restic", "--no-cache", "-r", server.location(), "--password-file",
                                           scratch.path("password"), "prune"},
                                  .effect = host::Effect::changes};
        const host::Outcome outcome = must(host::real_host()->run(prune));
        CHECK(outcome.exit_code != 0);
        CHECK(outcome.err.find("already locked") != std::string::npos);
        CHECK(RepositoryLock::take(repository, Access::shared).error().kind == ErrorKind::busy);
    }
    CHECK(unlocked());
    server.restic({"prune"});
    CHECK(unlocked());
    // As one of restic's that works elsewhere leaves it.
    LockFile theirs = LockFile::of_this_process(true);
    theirs.hostname = "elsewhere";
    const Id lock = must(repository.save_text(FileKind::lock, theirs.to_text()));
    const Error error = RepositoryLock::take(repository, Access::shared).error();
    CHECK(error.kind == ErrorKind::busy);
    CHECK(error.what.find("elsewhere") != std::string::npos);
    must(repository.backend().remove({FileKind::lock, lock}));
}

TEST_CASE("a server that only lets add is added to, and says what it does not let")
{
    const Scratch scratch;
    scratch.make_tree();
    const RestServer server(scratch, {.append_only = true});
    init_at(server);
    Repository repository = opened_at(server.place());
    SavingNotes notes;
    SavingSummary summary;
    must(save_paths(repository, {.paths = {scratch.path("tree")}}, notes, summary));
    const Id snapshot = summary.snapshot.value();
    const FileName name{FileKind::snapshot, snapshot};
    const std::string sealed = must(repository.backend().load(name));
    must(repository.backend().save(name, sealed));
    const Result<void> removed = repository.backend().remove(name);
    REQUIRE(!removed);
    CHECK(removed.error().kind == ErrorKind::permission);
    CHECK(Repository::create(server.place(), Scratch::password, {}).error().kind == ErrorKind::refused);
    const auto lock = must(RepositoryLock::take(repository, Access::shared));
    CHECK(must(locks_of(repository)).size() == 1);
}

TEST_CASE("who the server is, and who we are, is proven by certificates and a password")
{
    const Scratch scratch;
    const RestServer server(scratch, {.tls = true, .wants_certificate = true});
    init_at(server);
    const auto error_with = [&](const std::function<void(PlaceOptions&)>& changes) {
        PlaceOptions options = server.options();
        options.rest.retries.tells = [](const Error& error, std::chrono::milliseconds) {
            FAIL_CHECK("tried again after: ", error.what);
        };
        changes(options);
        const Result<std::string> loaded = must(open_place(server.location(), options))->load({});
        return loaded ? Error{.what = "loaded"} : loaded.error();
    };
    CHECK(error_with([](PlaceOptions&) {}).what == "loaded");
    CHECK(error_with([](PlaceOptions& options) {
              options.rest.http.ca_file.clear();
              options.rest.http.trusts_any_server = true;
          }).what == "loaded");
    const Error untrusted = error_with([](PlaceOptions& options) { options.rest.http.ca_file.clear(); });
    CHECK(untrusted.kind == ErrorKind::permission);
    CHECK(untrusted.what.find("certificate") != std::string::npos);
    CHECK(untrusted.next.starts_with("--cacert"));
    CHECK(error_with([](PlaceOptions& options) { options.rest.http.ca_file = "/nowhere"; }).kind ==
          ErrorKind::usage);
    CHECK(error_with([](PlaceOptions& options) { options.rest.http.certificate_file = "/nowhere"; }).kind ==
          ErrorKind::usage);
    const Error nobody =
        error_with([](PlaceOptions& options) { options.rest.http.certificate_file.clear(); });
    CHECK(nobody.kind == ErrorKind::permission);
    CHECK(nobody.what.find("certificate") != std::string::npos);
    CHECK(nobody.next.starts_with("--tls-client-cert"));

    std::string location = server.location();
    location.replace(location.find("open%20"), 7, "closed%20");
    const Error unknown = must(open_place(location, server.options()))->load({}).error();
    CHECK(unknown.kind == ErrorKind::permission);
    CHECK(unknown.what.find("sesame") == std::string::npos);
    // No TLS where there is some, and the other way round.
    location = server.location();
    location.erase(location.find("https") + 4, 1);
    CHECK(must(open_place(location, server.options()))->load({}).error().kind == ErrorKind::io);
    const RestServer plain(scratch);
    location = plain.location();
    location.insert(location.find("http") + 4, "s");
    CHECK(must(open_place(location, server.options()))->load({}).error().kind == ErrorKind::io);
}

}  // namespace
}  // namespace belay::backup
