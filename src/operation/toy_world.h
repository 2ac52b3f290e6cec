#pragma once
// For tests: a machine of a few files in /etc, actions that put text into them, and an engine that serves
// plans of such steps.

#include "base/invariant.h"
#include "host/simulated.h"
#include "operation/engine.h"
#include "store/memory.h"

namespace belay::operation {

using namespace std::chrono_literals;

inline const Asker anna{"anna", "uid 1000 by the local socket", "the disk is old"};

/// Puts a text into a file. What goes wrong is written in the machine itself: /break/apply/NAME and
/// /break/revert/NAME hold how many times it still fails, and a failed apply leaves "half".
class Put : public Action {
  public:
    Result<Inspection> inspect(host::Host& host, const Json& arguments) const override
    {
        const auto text = host.read(path(arguments), {4096});
        if (!text && text.error().kind != ErrorKind::not_found) return std::unexpected(text.error());
        if (!text) return Inspection{};
        return Inspection{*text == arguments.at("text").get<std::string>() ? Inspection::Found::done
                                                                           : Inspection::Found::partial};
    }
    Result<Json> remember(host::Host& host, const Json& arguments) const override
    {
        const auto text = host.read(path(arguments), {4096});
        if (!text && text.error().kind != ErrorKind::not_found) return std::unexpected(text.error());
        return Json{{"was", text ? Json(*text) : Json(nullptr)}};
    }
    Result<void> apply(host::Host& host, const Json& arguments) const override
    {
        TRY(host.replace(path(arguments), "half"));
        TRY(fail_if_told(host, "apply", arguments));
        return host.replace(path(arguments), arguments.at("text").get<std::string>());
    }
    Result<std::string> remains(host::Host& host, const Json& arguments,
                                const Json& remembered) const override
    {
        return TRY(remember(host, arguments)) == remembered ? "" : "the new text";
    }
    Result<void> revert(host::Host& host, const Json& arguments, const Json& remembered) const override
    {
        TRY(fail_if_told(host, "revert", arguments));
        if (remembered.at("was").is_null()) return host.remove(path(arguments));
        return host.replace(path(arguments), remembered.at("was").get<std::string>());
    }

  protected:
    static std::string path(const Json& arguments)
    {
        return "/etc/" + arguments.at("name").get<std::string>();
    }
    static Result<void> fail_if_told(host::Host& host, std::string_view act, const Json& arguments)
    {
        const std::string counter = fmt::format("/break/{}/{}", act, arguments.at("name").get<std::string>());
        const auto left = host.read(counter, {16});
        if (!left || *left == "0") return {};
        TRY(host.replace(counter, fmt::format("{}", std::stoi(*left) - 1)));
        return fail(ErrorKind::failed,
                    fmt::format("cannot {} {}", act, arguments.at("name").get<std::string>()));
    }
};

class PutOnce final : public Put {
  public:
    Repeat repeat() const override { return Repeat::never; }
};

/// Goes on by itself: /job/NAME is how much is done, and the file is there when it is through.
class Job final : public Put {
  public:
    Result<Inspection> inspect(host::Host& host, const Json& arguments) const override
    {
        const auto job = host.read("/job/" + arguments.at("name").get<std::string>(), {16});
        if (!job) return Put::inspect(host, arguments);
        return Inspection{.found = Inspection::Found::running,
                          .progress = Progress{.done = std::stoull(*job), .total = 100}};
    }
    Result<void> apply(host::Host& host, const Json& arguments) const override
    {
        return host.replace("/job/" + arguments.at("name").get<std::string>(), "0");
    }
    Result<void> revert(host::Host& host, const Json& arguments, const Json& remembered) const override
    {
        TRY(host.remove("/job/" + arguments.at("name").get<std::string>()));
        return Put::revert(host, arguments, remembered);
    }
    Result<std::string> remains(host::Host& host, const Json& arguments,
                                const Json& remembered) const override
    {
        if (host.read("/job/" + arguments.at("name").get<std::string>(), {16})) return "a running job";
        return Put::remains(host, arguments, remembered);
    }
};

/// Its way back goes on by itself: /back/NAME is how much is done; at 100 the old text is there again.
class SlowBack final : public Put {
  public:
    Result<void> revert(host::Host& host, const Json& arguments, const Json& remembered) const override
    {
        const auto back = host.read("/back/" + arguments.at("name").get<std::string>(), {16});
        if (!back) return host.replace("/back/" + arguments.at("name").get<std::string>(), "0");
        TRY(host.remove("/back/" + arguments.at("name").get<std::string>()));
        return Put::revert(host, arguments, remembered);
    }
    Result<std::optional<Inspection>> going_back(host::Host& host, const Json& arguments,
                                                 const Json&) const override
    {
        const auto back = host.read("/back/" + arguments.at("name").get<std::string>(), {16});
        if (!back || *back == "100") return std::optional<Inspection>();
        return Inspection{.found = Inspection::Found::running,
                          .progress = Progress{.done = std::stoull(*back), .total = 100}};
    }
};

/// A file in /etc holds a text.
inline Question file_is(std::string name, std::string text)
{
    return {"toy.file", {{"name", std::move(name)}, {"text", std::move(text)}}};
}

inline Step put(Phase phase, std::string name, std::string text, std::string action = "toy.put")
{
    Step step;
    step.name = name;
    step.title = "put " + name;
    step.phase = phase;
    step.action = std::move(action);
    step.arguments = {{"name", std::move(name)}, {"text", std::move(text)}};
    return step;
}

/// Prepares "new", switches "current" to it, lets "old" go.
inline Plan small_plan()
{
    Plan plan;
    plan.procedure = "toy.change";
    plan.title = "Change the toy";
    plan.steps = {put(Phase::add, "new", "prepared"), put(Phase::activate, "current", "new"),
                  put(Phase::commit, "old", "gone")};
    plan.locks = {"toy:1"};
    plan.fingerprints = {{"toy.etc"}};
    return plan;
}

struct ToyWorld {
    host::SimulatedHost machine;
    store::MemoryStore store{{.boot = "1", .now = [] { return 0ms; }}};
    Catalogue catalogue;
    Settings settings;
    std::unique_ptr<Engine> engine;

    ToyWorld()
    {
        machine.change([](host::Machine& m) {
            m.put_file("/etc/current", "old");
            m.put_file("/etc/old", "precious");
            m.put_folder("/break/apply");
            m.put_folder("/break/revert");
            m.put_folder("/job");
            m.put_folder("/back");
        });
        catalogue.add("toy.put", std::make_unique<Put>());
        catalogue.add("toy.once", std::make_unique<PutOnce>());
        catalogue.add("toy.job", std::make_unique<Job>());
        catalogue.add("toy.slow-back", std::make_unique<SlowBack>());
        catalogue.add_condition("toy.file", [](host::Host& host, const Json& arguments) -> Result<Finding> {
            const std::string text =
                TRY(host.read("/etc/" + arguments.at("name").get<std::string>(), {4096}));
            const std::string wanted = arguments.at("text");
            return Finding{text == wanted ? Verdict::pass : Verdict::fail, text, wanted, "put it there"};
        });
        catalogue.add_fingerprint("toy.etc", [](host::Host& host, const Json&) -> Result<Fingerprint> {
            Fingerprint lines;
            const std::vector<std::string> names = TRY(host.list("/etc"));
            for (const std::string& name : names) lines[name] = TRY(host.read("/etc/" + name, {4096}));
            return lines;
        });
        start();
    }

    /// A new process: what the old one knew beyond the journal is gone.
    void start()
    {
        engine.reset();
        store.revive();
        auto opened = Engine::open(store, machine, catalogue, settings);
        INVARIANT(opened);
        engine = std::move(*opened);
    }

    Id keep(const Plan& plan, OneShot one_shot = {})
    {
        const auto kept = engine->keep(plan, anna, one_shot);
        INVARIANT(kept);
        return kept->id;
    }
    /// Asks, and serves what follows at once.
    Result<Operation> ask(const Id& id, Verb verb)
    {
        const auto answer = engine->request(id, verb, anna);
        if (answer) serve(id);
        return answer;
    }
    /// Steps until the engine wants to wait.
    Next serve(const Id& id)
    {
        while (true) {
            const Result<Next> next = engine->step(id);
            if (!next) return {};
            if (next->when != Next::When::now) return *next;
        }
    }
    /// Lets time pass, and serves whatever becomes due meanwhile.
    void pass(const Id& id, Milliseconds span)
    {
        const Milliseconds end = boot() + span;
        for (Next next = serve(id); next.when == Next::When::at && next.boot <= end; next = serve(id))
            machine.advance(std::max(next.boot - boot(), 1ms));
        machine.advance(std::max(end - boot(), 0ms));
        serve(id);
    }
    /// A plan, brought to where its steps of the activate phase are done.
    Id activated(const Plan& plan)
    {
        const Id id = keep(plan);
        INVARIANT(ask(id, Verb::add));
        INVARIANT(ask(id, Verb::activate));
        return id;
    }

    Milliseconds boot() { return machine.now()->boot; }
    Operation operation(const Id& id) { return engine->show(id).value().operation; }
    State state(const Id& id) { return operation(id).state; }
    std::string etc(const std::string& name) { return machine.read("/etc/" + name, {4096}).value_or("-"); }
    void put_file(const std::string& path, const std::string& text)
    {
        machine.change([&](host::Machine& m) { m.put_file(path, text); });
    }
    void fill_store(bool full)
    {
        store.set_fault_hook([full](const store::Transaction&) {
            return full ? store::MemoryStore::Fault::refuse : store::MemoryStore::Fault::none;
        });
    }
    /// The events in an operation's journal, each with its step: "intent new".
    std::vector<std::string> events(const Id& id)
    {
        std::vector<std::string> events;
        const std::vector<Record> records = engine->records(id).value();
        for (const Record& record : records) {
            const std::string about = record.event == Event::state ? record.detail.value("to", "")
                                                                   : record.detail.value("step", "");
            events.push_back(std::string(name_of(record.event)) + (about.empty() ? "" : " " + about));
        }
        return events;
    }
    std::vector<std::string> commands_on(const Id& id)
    {
        std::vector<std::string> commands;
        for (const WayOn& way : operation(id).ways_on()) commands.push_back(way.command);
        return commands;
    }
};

}  // namespace belay::operation
