// belayd-mortal: belayd with a store that ends or stops the whole process just before or just after its n-th
// commit.
//
//     BELAY_MORTAL="before 7 kill" belayd-mortal ...     SIGKILL before the seventh commit is made
//     BELAY_MORTAL="after 7 stop" belayd-mortal ...      stopped after it, until somebody cuts the power

#include "daemon/command_line.h"
#include "mortal_store.h"

#include <cstdlib>

int main(int argc, char** argv)
{
    // Outlives whatever still runs when main ends.
    static auto& fate = *new belay::Fate;
    // There is one thread yet.
    const char* wanted = std::getenv("BELAY_MORTAL");  // NOLINT(concurrency-mt-unsafe)
    fate.set(belay::Fate::order_in(wanted));
    belay::daemon::Parts parts{belay::procedures::all(), belay::procedures::fill, belay::procedures::views(),
                               belay::procedures::gate_kinds()};
    parts.open_store = [](const std::string& path) -> belay::Result<std::unique_ptr<belay::store::Store>> {
        const auto describe = [](const belay::store::Transaction&) { return std::string("a commit"); };
        return std::make_unique<belay::MortalStore>(TRY(belay::store::open_sqlite(path)), fate, describe);
    };
    return belay::daemon::run(argc, argv, parts);
}
