#include "operation/journal.h"

#include "base/json.h"
#include "operation/toy_world.h"

#include <doctest/doctest.h>

namespace belay::operation {
namespace {

Plan as_it_is(const Id&)
{
    return small_plan();
}

using Strings = std::vector<std::string>;

Record planned()
{
    return {.number = 0,
            .at = 5s,
            .event = Event::planned,
            .detail = {{"title", "t"},
                       {"who", "anna"},
                       {"origin", "here"},
                       {"why", ""},
                       {"one_shot", false},
                       {"soak_ms", 0},
                       {"version", "1"},
                       {"before", Json::object()}}};
}

/// A journal on a store, with one operation.
struct Written {
    store::MemoryStore store{{.boot = "1", .now = [] { return 0ms; }}};
    std::unique_ptr<Journal> journal = std::move(Journal::open(store).value());
    Operation operation = journal->create(as_it_is, planned(), {{"verb", "plan"}}).value();

    /// Takes in a record and makes it durable.
    Result<void> write(Journal& to, Operation& of, Event event, Json detail, Entry entry = {})
    {
        const Record record{of.next_number, 6s, event, std::move(detail)};
        TRY(of.take(record));
        entry.records.push_back(record);
        return to.append(of, entry);
    }
    Result<void> move(State to, Entry entry = {})
    {
        return write(*journal, operation, Event::state, {{"to", name_of(to)}, {"reason", "r"}},
                     std::move(entry));
    }
};

TEST_CASE("an operation is what its records add up to, also for a journal that is opened anew")
{
    Written w;
    REQUIRE(w.move(State::adding));
    Entry entry;
    entry.remembered["new"] = {{"was", nullptr}};
    REQUIRE(w.write(*w.journal, w.operation, Event::intent, {{"step", "new"}}, entry));
    const auto again = Journal::open(w.store).value()->load("1").value();
    CHECK(again.state == State::adding);
    CHECK(again.steps[0].status == StepState::Status::intended);
    CHECK(again.steps[0].remembered == Json{{"was", nullptr}});
    CHECK(again.next_number == 3);
    CHECK(again.created == 5s);
}

TEST_CASE("operations are numbered one after another, and a number is never used again")
{
    Written w;
    CHECK(w.journal->create(as_it_is, planned(), {}).value().id == "2");
    CHECK(Journal::open(w.store).value()->create(as_it_is, planned(), {}).value().id == "3");
    CHECK(w.journal->all().value() == Strings{"1", "2", "3"});
    for (int i = 4; i <= 11; ++i) CHECK(w.journal->create(as_it_is, planned(), {}));
    CHECK(w.journal->unfinished().value().back() == "11");
}

TEST_CASE(
    "the operations of a site with a journal of its own have ids of their own, wherever they are listed")
{
    store::MemoryStore store{{.boot = "1", .now = [] { return 0ms; }}};
    const auto journal = Journal::open(store, "S").value();
    REQUIRE(journal->create(as_it_is, planned(), {}).value().id == "S1");
    CHECK(journal->all().value() == Strings{"S1"});
    CHECK(journal->unfinished().value() == Strings{"S1"});
    CHECK(journal->load("S1"));
}

TEST_CASE("two engines cannot both go on with one operation")
{
    Written w;
    const auto other = Journal::open(w.store).value();
    Operation theirs = other->load("1").value();
    REQUIRE(w.move(State::adding));
    const auto second = w.write(*other, theirs, Event::state, {{"to", "aborted"}, {"reason", ""}});
    REQUIRE_FALSE(second);
    CHECK(second.error().kind == ErrorKind::busy);
    CHECK(second.error().what.find("operation 1") != std::string::npos);
    CHECK(w.journal->load("1").value().state == State::adding);
}

TEST_CASE("a journal with a hole is corrupt, and says which record it lacks")
{
    Written w;
    REQUIRE(w.move(State::adding));
    REQUIRE(w.move(State::added));
    REQUIRE(w.store.commit({.when = {}, .then = {{"operation/1/record/00000001"}}})->succeeded);
    const auto loaded = w.journal->load("1");
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().kind == ErrorKind::corrupt);
    CHECK(loaded.error().what.find("record 1") != std::string::npos);
}

TEST_CASE("records that make no sense are corrupt, and end nothing")
{
    for (const char* record :
         {R"({"number": 1, "at_ms": 1, "event": "intent", "detail": {}})",
          R"({"number": 1, "at_ms": 1, "event": "intent", "detail": {"step": "none"}})",
          R"({"number": 1, "at_ms": 1, "event": "planned", "detail": {}})",
          R"({"number": 1, "at_ms": 1, "event": "state", "detail": {"to": "lost"}})",
          R"({"number": 1, "at_ms": 1, "event": "state", "detail": 7})",
          R"({"number": 1, "at_ms": 1, "event": "invented", "detail": {}})", "{}", "nothing"}) {
        CAPTURE(record);
        Written w;
        REQUIRE(w.store.commit({.when = {}, .then = {{"operation/1/record/00000001", record}}})->succeeded);
        const auto loaded = w.journal->load("1");
        REQUIRE_FALSE(loaded);
        CHECK(loaded.error().kind == ErrorKind::corrupt);
    }
    Written w;
    REQUIRE(w.store.commit({.when = {}, .then = {{"operation/1/record/00000000"}}})->succeeded);
    CHECK(w.journal->load("1").error().kind == ErrorKind::corrupt);
}

TEST_CASE("a taken lock is refused with its holder's name, and is free when the holder has ended")
{
    Written w;
    Operation second = w.journal->create(as_it_is, planned(), {}).value();
    REQUIRE(w.move(State::adding, {.records = {}, .takes_locks = true}));

    const auto held = w.journal->held_by_another(second).value();
    REQUIRE(held);
    CHECK(held->kind == ErrorKind::busy);
    CHECK(held->what.find("operation 1 (Change the toy)") != std::string::npos);
    CHECK(held->next == "belay show 1");
    CHECK_FALSE(w.journal->held_by_another(w.operation).value());

    const auto taken = w.write(*w.journal, second, Event::state, {{"to", "adding"}, {"reason", ""}},
                               {.records = {}, .takes_locks = true});
    REQUIRE_FALSE(taken);
    CHECK(taken.error().what.find("operation 1") != std::string::npos);
    CHECK(w.journal->load("2").value().state == State::planned);

    REQUIRE(w.move(State::aborted, {.records = {}, .ends = true}));
    CHECK(w.journal->unfinished().value() == Strings{"2"});
    CHECK_FALSE(w.journal->held_by_another(second).value());
}

TEST_CASE("the end of one operation does not free the locks of another on the same resource")
{
    Written w;
    Operation second = w.journal->create(as_it_is, planned(), {}).value();
    REQUIRE(w.move(State::adding, {.records = {}, .takes_locks = true}));
    REQUIRE(w.write(*w.journal, second, Event::state, {{"to", "aborted"}, {"reason", ""}},
                    {.records = {}, .ends = true}));
    CHECK(w.store.get("lock/toy:1").value());
}

TEST_CASE("the audit trail is only ever added to, over restarts, refusals included")
{
    Written w;
    REQUIRE(w.journal->write_audit({{"verb", "abort"}, {"answer", "no"}}));
    const auto later = Journal::open(w.store).value();
    REQUIRE(later->write_audit({{"verb", "commit"}}));
    const std::vector<Json> trail = later->audit().value();
    REQUIRE(trail.size() == 3);
    CHECK(trail[0].at("operation") == "1");
    CHECK(trail[1].at("answer") == "no");
    CHECK(trail[2].at("verb") == "commit");
}

TEST_CASE("what revert needed can be weighed and dropped")
{
    Written w;
    Entry entry;
    entry.remembered["new"] = {{"was", "x"}};
    REQUIRE(w.write(*w.journal, w.operation, Event::intent, {{"step", "new"}}, entry));
    CHECK(w.journal->remembered("1", false).value() == Bytes{11});
    CHECK(w.journal->remembered("1", true).value() == Bytes{11});
    CHECK(w.journal->remembered("1", false).value() == Bytes{0});
}

TEST_CASE("an id that is not a number is simply not found")
{
    Written w;
    for (const char* id : {"", "9", "1/plan", "../1", "x", "11111111111111111111"})
        CHECK(w.journal->load(id).error().kind == ErrorKind::not_found);
}

}  // namespace
}  // namespace belay::operation
