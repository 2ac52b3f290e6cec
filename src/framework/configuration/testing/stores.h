#pragma once
// For tests: registers on both local stores.

#include "framework/configuration/reader.h"
#include "framework/configuration/testing/sample.h"
#include "framework/configuration/toml_text.h"
#include "store/memory.h"
#include "store/scratch_folder.h"
#include "store/sqlite.h"

namespace belay::framework::configuration {

using namespace std::chrono_literals;

inline store::BootClock still_clock()
{
    return {.boot = "1", .now = [] { return 0ms; }};
}

struct InMemory {
    store::MemoryStore memory{still_clock()};
    store::Store& store = memory;
};

struct InSqlite {
    store::ScratchFolder folder;
    std::unique_ptr<store::Store> sqlite = must(store::open_sqlite(folder / "belay.db", still_clock()));
    store::Store& store = *sqlite;
};

#define FOR_EVERY_STORE(scenario) TEST_CASE_TEMPLATE(scenario, Fixture, InMemory, InSqlite)

inline const Author anna{.who = "anna", .why = "new hardware", .at_ms = 1'800'000'000'000};
inline const Author boris{.who = "boris", .operation = "7", .at_ms = 1'800'000'001'000};

inline Delta asked(Register& site, const std::string& text, Mode mode = Mode::merge)
{
    const Snapshot snapshot = must(site.snapshot());
    const Imported imported = import_text(text, *snapshot.configuration, mode, nullptr);
    REQUIRE_MESSAGE(!operation::runbook::any_error(imported.problems), all_problems(imported));
    return imported.delta;
}

inline std::string text_of(Register& site)
{
    return toml_text(*must(site.snapshot()).configuration);
}

}  // namespace belay::framework::configuration
