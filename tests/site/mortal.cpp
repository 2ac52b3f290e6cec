// belayd-site-mortal: belayd-site that stops or ends where the lab tells it to, by lines on its standard
// input:
//
//     after 7 stop     stopped after the seventh record of an operation from now on, of its own journal or of
//                      the site's, until it is told to go on (SIGCONT)
//     before 7 kill    SIGKILL before it
//     never            it lives
//
// It answers each with "mortal: heard, N before", N records since the last one. When that happens it says
// "mortal: at WHAT" and "mortal: now".

#include "base/json.h"
#include "daemon/command_line.h"
#include "daemon/network/network.h"
#include "power/mortal_store.h"

#include <iostream>
#include <thread>

namespace belay {
namespace {

/// "operation/7 outcome add, intent wave-1"; empty where no operation moves by it.
std::string of_operations(const store::Transaction& transaction)
{
    std::string what;
    for (const store::Write& write : transaction.then) {
        const bool is_record = write.key.find("/record/") != std::string::npos;
        const bool is_other = write.key.starts_with("rollout/") || write.key.starts_with("part/");
        if (!is_record && !is_other) continue;
        if (what.empty()) what = is_record ? write.key.substr(0, write.key.find("/record/")) : write.key;
        const Result<Json> json = is_record ? parse_json(write.value.value_or("")) : Result<Json>(Json());
        if (!json || !json->is_object()) continue;
        const Json detail = json->value("detail", Json::object());
        what += fmt::format("{} {} {}", what.find(' ') == std::string::npos ? "" : ",",
                            json->value("event", ""), detail.value("step", detail.value("to", "")));
    }
    return what;
}

void obey(Fate& fate)
{
    for (std::string line; std::getline(std::cin, line);) {
        const unsigned before = fate.counted();
        fate.set(Fate::order_in(line.c_str()));
        say_to_lab(fmt::format("mortal: heard, {} before\n", before));
    }
}

}  // namespace
}  // namespace belay

int main(int argc, char** argv)
{
    // Outlives whatever still runs when main ends.
    static auto& fate = *new belay::Fate;
    // Signals are for the daemon's own thread.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    std::thread([] { belay::obey(fate); }).detach();
    pthread_sigmask(SIG_SETMASK, &before, nullptr);

    using Opened = belay::Result<std::unique_ptr<belay::store::Store>>;
    const auto open_of_site = [](const belay::daemon::SiteStoreAddress& address) -> Opened {
        return std::make_unique<belay::MortalStore>(TRY(belay::daemon::open_site_store(address)), fate,
                                                    belay::of_operations);
    };
    belay::daemon::Parts parts{belay::procedures::all(),     belay::procedures::fill,
                               belay::procedures::views(),   belay::procedures::gate_kinds(),
                               belay::procedures::watched(), belay::daemon::site_parts(open_of_site)};
    parts.open_store = [](const std::string& path) -> Opened {
        return std::make_unique<belay::MortalStore>(TRY(belay::store::open_sqlite(path)), fate,
                                                    belay::of_operations);
    };
    return belay::daemon::run(argc, argv, parts);
}
