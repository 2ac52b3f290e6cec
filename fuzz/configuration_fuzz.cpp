// Whatever a site's file may say: each problem has a place in it; what has none becomes a change that can be
// made, written down and read back; and the export of what then is there says the same again.

#include "base/invariant.h"
#include "framework/configuration/change.h"
#include "framework/configuration/import.h"
#include "framework/configuration/register.h"
#include "framework/configuration/toml_text.h"
#include "store/memory.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace {

using namespace belay;
using namespace belay::framework::configuration;

/// Something to refer to, to change and to remove.
Configuration known_site()
{
    const Imported imported = import_text(R"(
[host.h1]
address = "1"
[template.t]
options = [{ section = "log", name = "level", kind = "number", least = 1, effect = "at once", standard = "3" }]
[application.a]
host = "h1"
template = "t"
command = ["/a"]
ports = [{ name = "p", port = 1 }]
[application.b]
host = "h1"
command = ["/b"]
[pair.p]
primary = "a"
backup = "b"
redundancy = "cold"
)",
                                          {}, Mode::whole, nullptr);
    INVARIANT(!operation::runbook::any_error(imported.problems));
    store::MemoryStore store({.boot = "1", .now = [] { return std::chrono::milliseconds(0); }});
    Register site(store);
    INVARIANT(site.make(imported.delta, "first", {.who = "root"}));
    return *site.snapshot().value().configuration;
}

void hold_to_promises(std::string_view text, const Configuration& site, Mode mode)
{
    const Imported imported = import_text(text, site, mode, nullptr);
    const bool wrong = operation::runbook::any_error(imported.problems);
    INVARIANT(!wrong || imported.delta.empty());
    const size_t lines = static_cast<size_t>(std::ranges::count(text, '\n')) + 1;
    for (const Problem& problem : imported.problems) {
        INVARIANT(problem.place.line >= 1 && problem.place.line <= lines && problem.place.column >= 1);
        INVARIANT(!problem.what.empty());
    }
    if (wrong) return;
    for (const auto& [id, object] : imported.wanted.objects()) INVARIANT(fits(*object));
    const Json change = describe(site, imported.delta);
    INVARIANT(change.at("objects").size() == imported.delta.objects.size());
    const Delta again = unpack(*pack(imported.delta)).value();
    Configuration made = site;
    apply(made, again);
    INVARIANT(toml_text(made) == toml_text(imported.wanted));
    apply(made, again.inverse());
    INVARIANT(toml_text(made) == toml_text(site));
    const Imported exported = import_text(toml_text(imported.wanted), imported.wanted, Mode::whole, nullptr);
    INVARIANT(!operation::runbook::any_error(exported.problems) && exported.delta.empty());
}

}  // namespace

// libFuzzer gives the name. NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    static const Configuration site = known_site();
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    for (const Mode mode : {Mode::merge, Mode::objects, Mode::whole}) hold_to_promises(text, site, mode);
    return 0;
}
