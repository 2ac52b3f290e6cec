// Members that are simulated: each has the uplink and the copy of a real one, its own key and connection, and
// its store in memory; they share a process and its loop.

#include "dialogue.h"
#include "site/remote/agent/copy_answers.h"
#include "site/remote/agent/uplink.h"
#include "site_members.h"
#include "store/memory.h"

#include <algorithm>
#include <fstream>
#include <thread>

namespace belay::bench {
namespace {

using framework::configuration::Copy;
using site::boot_now;

host::Moment moment_now()
{
    return {
        .wall = std::chrono::duration_cast<Milliseconds>(std::chrono::system_clock::now().time_since_epoch()),
        .boot = boot_now(),
        .boot_id = "this boot"};
}

class Agent {
  public:
    static Result<std::unique_ptr<Agent>> open(site::Loop& loop, site::Workers& workers, const Json& line);

    void start() { uplink_->start(); }
    bool is_attached() const { return uplink_->state().attached; }
    void stop() { uplink_->stop(); }

  private:
    Agent() = default;

    store::MemoryStore store_{{.boot = "this boot", .now = boot_now}};
    std::unique_ptr<Copy> copy_;
    site::Methods methods_;
    std::unique_ptr<site::Uplink> uplink_;
};

Result<std::unique_ptr<Agent>> Agent::open(site::Loop& loop, site::Workers& workers, const Json& line)
{
    std::unique_ptr<Agent> agent(new Agent);
    agent->copy_ = TRY(Copy::open(agent->store_, {.now = moment_now}));
    Copy* copy = agent->copy_.get();
    agent->methods_.emplace("ConfigTake", site::Method{"ConfigTake", site::Right::administer,
                                                       [copy](const site::Call& call) -> Result<site::Reply> {
                                                           return site::Reply{TRY(site::take_configuration(
                                                               *copy, call.parameters))};
                                                       }});
    const auto text = [&](const char* name) { return line.at(name).get<std::string>(); };
    site::Membership membership{
        .identity = {.site = text("site"), .role = site::Role::agent, .id = text("id")},
        .name = text("name"),
        .controllers = {text("controller")},
        .authority_pem = text("authority"),
        .certificate_pem = text("certificate"),
        .key_pem = text("key")};
    agent->uplink_ = std::make_unique<site::Uplink>(
        loop, workers, std::move(membership),
        site::UplinkOptions{.host_name = text("name"),
                            .boot_id = "this boot",
                            .wall = [] { return moment_now().wall; },
                            .methods = &agent->methods_,
                            .next_key = [] { return site::make_key(); },
                            .changed = [](const site::Membership&) {},
                            .heard = [copy](std::optional<int64_t> newest) { copy->heard(newest); }});
    return agent;
}

Result<std::vector<std::unique_ptr<Agent>>> agents_in(const std::string& file, size_t from, size_t count,
                                                      site::Loop& loop, site::Workers& workers)
{
    std::vector<std::unique_ptr<Agent>> agents;
    std::ifstream in(file);
    std::string line;
    for (size_t i = 0; i < from + count && std::getline(in, line); ++i) {
        if (i < from) continue;
        const Json json = TRY(parse_json(line));
        agents.push_back(TRY(Agent::open(loop, workers, json)));
    }
    if (agents.size() == count) return agents;
    return fail(ErrorKind::corrupt, fmt::format("{} has not so many members", file));
}

/// Starts them so that only some are dialling at any time: that they all dial on the processors of the
/// controller that is measured is the simulation's own doing.
class Pace {
  public:
    Pace(site::Loop& loop, const std::vector<std::unique_ptr<Agent>>& agents) : loop_(loop), agents_(agents)
    {
    }

    void go_on()
    {
        const auto is_dialling = [](const auto& agent) { return !agent->is_attached(); };
        const auto begun = agents_.begin() + static_cast<std::ptrdiff_t>(started_);
        auto dialling = static_cast<size_t>(std::count_if(agents_.begin(), begun, is_dialling));
        for (; dialling < at_once && started_ < agents_.size(); ++dialling) agents_[started_++]->start();
        if (started_ < agents_.size()) loop_.at(boot_now() + look_every, [this] { go_on(); });
    }

  private:
    static constexpr size_t at_once = 16;
    static constexpr Milliseconds look_every{20};

    site::Loop& loop_;
    const std::vector<std::unique_ptr<Agent>>& agents_;
    size_t started_ = 0;
};

}  // namespace

Result<void> serve_as_agents(const std::string& file, size_t from, size_t count)
{
    const auto loop = TRY(site::Loop::open());
    site::Workers workers(*loop);
    const auto agents = TRY(agents_in(file, from, count, *loop, workers));
    Pace pace(*loop, agents);
    loop->post([&] { pace.go_on(); });
    // The other side says nothing, and ends.
    std::thread listener([&] {
        static_cast<void>(answer_all([](const Json&) { return Json::object(); }).has_value());
        loop->post([&] {
            for (const auto& agent : agents) agent->stop();
            if (workers.idle()) return loop->stop();
            workers.when_idle([&] { loop->stop(); });
        });
    });
    const Result<void> ran = loop->run();
    listener.join();
    return ran;
}

}  // namespace belay::bench
