#pragma once
// For tests: a plan that upgrades the simulated pair, and an engine that serves it.

#include "base/invariant.h"
#include "operation/engine.h"
#include "operation/plan_builder.h"
#include "simulated_device.h"
#include "store/memory.h"
#include "upgrade/iosxe/device_actions.h"

#include <doctest/doctest.h>

namespace belay::devices {

using operation::State;
using operation::Verb;
using upgrade::iosxe::DeviceImage;

inline const operation::Asker anna{"anna", "uid 1000 by the local socket", "the release is old"};
inline constexpr const char* old_release = "16.9.2";
inline constexpr const char* new_release = "16.9.3";

inline const std::string image_bytes = "belay-lab-iosxe image version=16.9.3.0.3127 size=812345678\n";

inline DeviceImage image()
{
    return {.file = "/images/cat9k_iosxe.16.09.03.SPA.bin",
            .to = "flash:cat9k_iosxe.16.09.03.SPA.bin",
            .bytes = image_bytes.size(),
            .algorithm = "md5",
            .digest = lab::iosxe::file_of(image_bytes, {}).md5,
            .release = new_release};
}

/// The same, which the device fetches.
inline DeviceImage fetched_image()
{
    DeviceImage image = devices::image();
    image.url = "https://images.example.net/cat9k_iosxe.16.09.03.SPA.bin";
    image.file.clear();
    image.bytes = 0;
    return image;
}

/// As a procedure would make it.
inline operation::Plan upgrade_plan(const DeviceImage& brought = image(),
                                    const std::string& transcript = "/transcript")
{
    using namespace upgrade::iosxe;
    const std::string device = "core";
    operation::PlanBuilder plan("pair.upgrade", "Upgrade core", Json::object());
    const Json it = {{"device", device}};
    plan.check("device.reachable", "reachable", {"iosxe.reachable", it});
    plan.check("device.install-mode", "install mode", {"iosxe.install-mode", it});
    plan.check("device.redundant", "redundant", {"iosxe.redundant", it});
    plan.check("device.starts-by-itself", "autoboot", {"iosxe.starts-by-itself", it});
    plan.check_once("device.quiet", "quiet", {"iosxe.quiet", it});
    plan.check_once("device.room", "room", {"iosxe.room", {{"device", device}, {"bytes", 1'700'000'000}}});
    plan.check_once("device.may-follow", "may follow",
                    {"iosxe.may-follow", {{"device", device}, {"release", new_release}}});
    plan.add("carry", "carry", carry(device, brought, transcript)).stalled_after = 1h;
    plan.add("add", "add", add(device, brought, old_release, transcript)).stalled_after = 1h;
    plan.activate("activate", "activate", activate(device, brought, old_release, transcript)).stalled_after =
        1h;
    operation::Step& keep = plan.commit("commit", "commit", commit(device, brought, old_release, transcript));
    keep.stalled_after = 1h;
    keep.one_way = "the old release is removed";
    operation::Step& tidy = plan.commit("tidy", "tidy", remove_inactive(device, brought, transcript));
    tidy.one_way = "nothing of it is needed";
    plan.plan().gates.push_back({.name = "runs",
                                 .title = "runs",
                                 .question = {"iosxe.runs", {{"device", device}, {"release", new_release}}},
                                 .every = 10s,
                                 .grace = 5min});
    plan.plan().fingerprints = {{"iosxe.device", it}};
    plan.plan().timer = 2h;
    auto built = plan.build();
    REQUIRE_MESSAGE(built, built.error().what);
    return *std::move(built);
}

struct World {
    explicit World(lab::iosxe::Beginning beginning = {}) : device(machine, std::move(beginning))
    {
        device.files[image().file] = device.files[fetched_image().url] = image_bytes;
        start();
    }

    host::SimulatedHost machine;
    SimulatedDevice device;
    store::MemoryStore store{{.boot = "1", .now = [] { return 0ms; }}};
    std::unique_ptr<upgrade::iosxe::Console> console;
    std::unique_ptr<operation::Catalogue> catalogue;
    std::unique_ptr<operation::Engine> engine;
    Milliseconds settles = 60s;

    /// A new belayd: what the old one knew beyond the journal is gone.
    void start()
    {
        engine.reset();
        catalogue.reset();
        console.reset();
        device.is_dead = false;
        store.revive();
        console = std::make_unique<upgrade::iosxe::Console>(upgrade::iosxe::Console::Options{
            .terminal = [this](const std::string& name, const std::string& transcript)
                -> Result<std::unique_ptr<upgrade::iosxe::Terminal>> {
                if (name != "core") return fail(ErrorKind::not_found, "no such device");
                return std::make_unique<SimulatedTerminal>(device, transcript);
            },
            .fresh = 3s,
            .pace = 10s,
            .settles = settles,
            .at_once = true,
            .rest = [this](Milliseconds span) { device.advance(span); },
            .now = [this] { return upgrade::iosxe::Console::Clock::time_point(boot()); }});
        catalogue = std::make_unique<operation::Catalogue>();
        upgrade::iosxe::add_device_actions(*catalogue, *console);
        auto opened = operation::Engine::open(store, machine, *catalogue, {});
        INVARIANT(opened);
        engine = std::move(*opened);
    }

    Milliseconds boot() const { return const_cast<host::SimulatedHost&>(machine).now()->boot; }
    operation::Id keep(operation::OneShot one_shot = {}, const DeviceImage& brought = image())
    {
        const auto kept = engine->keep(upgrade_plan(brought), anna, one_shot);
        const std::string why = kept ? "" : kept.error().what;
        REQUIRE_MESSAGE(kept, why);
        return kept->id;
    }
    void ask(const operation::Id& id, Verb verb)
    {
        const auto answer = engine->request(id, verb, anna);
        const std::string why = answer ? "" : answer.error().what;
        REQUIRE_MESSAGE(answer, why);
    }
    operation::Operation operation(const operation::Id& id) { return engine->show(id).value().operation; }
    State state(const operation::Id& id) { return operation(id).state; }
    std::string reason(const operation::Id& id)
    {
        const auto all = operation(id).transitions;
        return all.empty() ? std::string() : all.back().reason;
    }
    /// Serves it until it waits for a person, or for so long. A belayd that dies is started again.
    void serve(const operation::Id& id, Milliseconds most = 24h)
    {
        const Milliseconds end = boot() + most;
        while (boot() < end) {
            const auto next = engine->step(id);
            if (device.is_dead) {
                device.advance(100ms);
                start();
                continue;
            }
            if (!next) {
                device.advance(1s);
                if (next.error().kind == ErrorKind::dead) start();
                continue;
            }
            if (next->when == operation::Next::When::idle) return;
            if (next->when == operation::Next::When::at) {
                if (next->boot > end) return;
                device.advance(std::max(next->boot - boot(), Milliseconds{1}));
            }
        }
    }
    upgrade::iosxe::DeviceLook look()
    {
        const size_t at = std::exchange(device.fault.at, 0);
        auto look = console->look("core");
        device.fault.at = at;
        const std::string why = look ? "" : look.error().what;
        REQUIRE_MESSAGE(look, why);
        return *std::move(look);
    }
    /// What must hold of every end: both members on one release, hot, and nothing pending.
    void is_whole_on(const char* release)
    {
        const auto now = look();
        CAPTURE(now.to_text());
        CHECK(now.both_run(release));
        CHECK(now.is_redundant());
        CHECK_FALSE(now.issu.in_progress);
        for (const auto& member : now.members) {
            REQUIRE(member.packages.size() == 1);
            CHECK(member.packages.front().state == upgrade::iosxe::show::PackageState::committed);
        }
    }
};

}  // namespace belay::devices
