#pragma once
// For tests: one run of config.change with one accident in it, from the plan to its end, and what was broken
// on the way.

#include "base/invariant.h"
#include "framework/configuration/key_file.h"
#include "framework/configuration/reader.h"
#include "framework/configuration/testing/sample.h"
#include "framework/configuration/toml_text.h"
#include "host/faulty.h"
#include "host/simulated.h"
#include "operation/engine.h"
#include "procedures/config_change.h"
#include "procedures/testing/faulty_store.h"
#include "store/memory.h"

namespace belay::procedures {

namespace configuration = framework::configuration;

enum class ConfigWish { commit, abort_when_added, abort_when_activated, let_the_timer_run_out };

/// The power goes between the keys in the store, which come first, and those in the file.
struct PowerCutAtKeys {
    size_t at = 0;          ///< the n-th time that they are written, from 1; 0: never
    bool in_store = false;  ///< the store has the new ones
};

/// What goes wrong: a call of the store, a contact with the host, or the power; nothing where all are empty.
struct ConfigAccident {
    store::StoreFault store = {};
    std::optional<host::Fault> contact = {};
    PowerCutAtKeys keys = {};
};

struct ConfigVerdict {
    std::vector<std::string> broken;  ///< the promises that were not kept
    operation::State ended = operation::State::planned;
    std::string reason;
    size_t calls = 0, contacts = 0, keys_written = 0;  ///< that the run had
    int held = 0;
};

/// The site before a trial, made once.
struct ConfigStart {
    store::MemoryStore::Data data;
    std::string text;  ///< what is to be changed; empty: the key of the secrets
    std::string before, wanted;
};

inline store::BootClock config_clock()
{
    return {.boot = "1", .now = [] { return Milliseconds{0}; }};
}

inline std::string site_text(store::Store& store)
{
    return toml_text(*must(configuration::ConfigurationReader(store).snapshot()).configuration);
}

/// A site that was written, and what a file would make of it.
inline ConfigStart config_start(const std::string& site, const std::string& text)
{
    store::MemoryStore store(config_clock());
    configuration::Register written(store);
    const auto import = [&](const std::string& file) {
        const configuration::Snapshot snapshot = must(written.snapshot());
        configuration::Imported imported =
            import_text(file, *snapshot.configuration, configuration::Mode::merge, nullptr);
        INVARIANT(!operation::runbook::any_error(imported.problems));
        return imported;
    };
    must(written.make(import(site).delta, "first", {.who = "root"}));
    ConfigStart start{.data = store.snapshot(), .text = text, .before = site_text(store), .wanted = ""};
    must(written.make(import(text).delta, "wanted", {.who = "root"}));
    start.wanted = site_text(store);
    return start;
}

class ConfigTrial {
  public:
    ConfigTrial(const ConfigStart& start, const std::string& key_file, ConfigWish wish,
                ConfigAccident accident)
        : start_(start),
          key_file_(key_file),
          wish_(wish),
          accident_(accident),
          memory_(config_clock(), start.data)
    {
        if (is_rotation()) shared_keys_ = must(configuration::read_key_file(key_file_)).view();
        open(accident_.store, accident_.contact);
    }

    ConfigVerdict run()
    {
        for (int turn = 0; turn < 500 && !over_ && broken_.empty(); ++turn) {
            take_turn();
            if (has_died()) restart();
        }
        if (!over_ && broken_.empty()) violated("it does not come to an end: " + operation_.reason);
        if (broken_.empty()) check_end();
        return {broken_,
                operation_.state,
                operation_.reason,
                calls_ + store_->calls(),
                contacts_ + host_->contacts(),
                keys_written_,
                held_};
    }

  private:
    using State = operation::State;
    using Verb = operation::Verb;

    void violated(std::string what) { broken_.push_back(std::move(what)); }

    /// A new process.
    void open(store::StoreFault fault, std::optional<host::Fault> contact)
    {
        engine_.reset();
        host_.emplace(machine_, contact);
        store_.emplace(memory_, fault, [this](const store::Transaction& written) { after_write(written); });
        register_.emplace(*store_);
        const configuration::Site site{*store_, *register_, key_file_,
                                       [this](std::string_view text) { return share(text); }};
        catalogue_.emplace();
        fill_configuration(*catalogue_, site);
        procedure_ = is_rotation() ? config_rotate_key(site) : config_change(site);
    }

    bool has_died() const
    {
        const bool by_contact = accident_.contact && accident_.contact->kind == host::Fault::Kind::dead &&
                                host_->contacts() >= accident_.contact->at;
        return !restarted_ && (store_->dead() || by_contact || lost_power_);
    }

    void restart()
    {
        restarted_ = true;
        calls_ += store_->calls();
        contacts_ += host_->contacts();
        // As a controller does before it leads.
        if (is_rotation()) must(configuration::write_key_file(key_file_, shared_keys_));
        open({}, std::nullopt);
    }

    Result<void> share(std::string_view text)
    {
        lost_power_ = ++keys_written_ == accident_.keys.at;
        if (!lost_power_ || accident_.keys.in_store) shared_keys_ = text;
        if (lost_power_) return fail(ErrorKind::dead, "the power is gone");
        return {};
    }

    /// Whoever reads sees the site as it was or as it is wanted, and nothing between.
    void after_write(const store::Transaction& written)
    {
        const auto is_of_site = [](const store::Write& write) { return write.key.starts_with("config/"); };
        if (std::ranges::none_of(written.then, is_of_site)) return;
        if (is_rotation()) return check_secrets();
        const std::string text = site_text(memory_);
        if (text != start_.before && text != start_.wanted) violated("a reader saw half of the change");
    }

    bool is_rotation() const { return start_.text.empty(); }

    /// Whatever is there, and whatever may come back, can be opened.
    void check_secrets()
    {
        const configuration::KeyRing keys = must(configuration::KeyRing::read(key_file_));
        const auto check = [&](const configuration::ObjectPointer& object) {
            if (object && object->type == "storage" && !keys.unseal(object->text("password")))
                violated("a secret cannot be opened");
        };
        const configuration::Loaded loaded = must(configuration::load(memory_));
        for (const auto& [id, object] : loaded.configuration.objects()) check(object);
        const std::map<std::string, configuration::Version> pending =
            must(configuration::read_pending(memory_));
        for (const auto& [key, version] : pending) {
            const configuration::HistoryEntry entry = must(configuration::read_history(memory_, version));
            for (const configuration::ObjectDelta& one : entry.delta.objects) check(one.before);
        }
    }

    /// All sealed by one key, which is another than before; or everything as it was.
    void check_rotated(bool committed)
    {
        const configuration::KeyRing keys = must(configuration::KeyRing::read(key_file_));
        const std::string text = site_text(memory_);
        if (committed && (keys.size() != 1 || text == start_.before)) violated("the old key is still there");
        if (!committed && text != start_.before) violated("the site is another");
        check_secrets();
    }

    void take_turn()
    {
        if (!engine_) {
            auto opened = operation::Engine::open(*store_, *host_, *catalogue_, {});
            if (opened) engine_ = *std::move(opened);
            return;
        }
        if (id_.empty()) return plan();
        const auto view = engine_->show(id_);
        if (!view) return;
        operation_ = view->operation;
        go_on();
    }

    void plan()
    {
        const auto all = engine_->all();
        if (!all) return;
        if (!all->empty()) {
            id_ = all->front();
            return;
        }
        std::map<std::string, std::string> arguments;
        if (!is_rotation()) arguments["text"] = start_.text;
        const auto plan = procedure_.make(*host_, arguments);
        if (!plan) return note_refusal(plan.error());
        const auto kept = engine_->keep(*plan, {"anna", "the trial", "because"});
        if (kept)
            id_ = kept->id;
        else
            note_refusal(kept.error());
    }

    void note_refusal(const Error& error)
    {
        if (++refusals_ > 2) violated("it is refused again and again: " + error.what);
    }

    void ask(Verb verb)
    {
        const auto answer = engine_->request(id_, verb, {"anna", "the trial"});
        if (!answer) note_refusal(answer.error());
    }

    void step()
    {
        const auto next = engine_->step(id_);
        if (!next || next->when != operation::Next::When::at) return;
        const Milliseconds boot = machine_.machine().boot;
        // Whoever has yet to see that it is activated must not be too late.
        constexpr Milliseconds most = std::chrono::seconds(20);
        if (next->boot > boot) machine_.advance(std::min(next->boot - boot, most));
    }

    void go_on()
    {
        switch (operation_.state) {
            case State::planned:
                return ask(Verb::add);
            case State::added:
                return ask(wish_ == ConfigWish::abort_when_added ? Verb::abort : Verb::activate);
            case State::activated:
                if (!soaked_ && !is_rotation() && site_text(memory_) != start_.wanted)
                    violated("it is activated, and the site is as before");
                soaked_ = true;
                if (wish_ == ConfigWish::let_the_timer_run_out) return step();
                return ask(wish_ == ConfigWish::commit ? Verb::commit : Verb::abort);
            case State::adding:
            case State::activating:
            case State::committing:
            case State::aborting:
                return step();
            case State::held:
                return lead_on();
            case State::committed:
            case State::aborted:
                over_ = true;
        }
    }

    /// The one command that the operation itself names.
    void lead_on()
    {
        if (++held_ > 1) return violated("held a second time: " + operation_.reason);
        for (const operation::WayOn& way : operation_.ways_on()) {
            if (way.verb != Verb::clear) return ask(way.verb);
        }
        violated("held without a way on: " + operation_.reason);
    }

    // ---- what must hold at the end

    void check_end()
    {
        configuration::Register site(memory_);
        const std::vector<configuration::HistoryEntry> history = must(site.history());
        size_t made = 0, back = 0;
        for (const configuration::HistoryEntry& entry : history) {
            if (entry.version == 1) continue;
            ++(entry.takes_back == 0 ? made : back);
            if (entry.author.who != "anna" || entry.author.why != "because" || entry.author.operation != id_)
                violated(fmt::format("the history says {} of operation {} for {}", entry.author.who,
                                     entry.author.operation, entry.author.why));
        }
        const bool committed = operation_.state == State::committed;
        if (committed && wish_ != ConfigWish::commit) violated("it was committed unasked");
        if (is_rotation())
            check_rotated(committed);
        else if (site_text(memory_) != (committed ? start_.wanted : start_.before))
            violated("the site is another");
        if (made > 1 || back > 1 || (committed && (made != 1 || back != 0)) || (!committed && made != back))
            violated(fmt::format("made {} times and taken back {} times", made, back));
        if (!must(memory_.list(configuration::pending_prefix, "", 10)).empty())
            violated("something is unconfirmed");
        if (!must(memory_.list("lock/", "", 10)).empty()) violated("a lock is left");
        const auto placed = must(memory_.list(configuration::object_prefix, "", 10'000)).size();
        if (placed != must(site.snapshot()).configuration->size())
            violated("objects are not in their places");
        if (!committed && (!operation_.verified || !operation_.differences.empty()))
            violated("it did not prove that all is as before");
    }

    const ConfigStart& start_;
    const std::string key_file_;
    const ConfigWish wish_;
    const ConfigAccident accident_;
    store::MemoryStore memory_;
    host::SimulatedHost machine_;
    std::optional<host::FaultyHost> host_;
    std::optional<store::FaultyStore> store_;
    std::optional<configuration::Register> register_;
    std::optional<operation::Catalogue> catalogue_;
    Procedure procedure_;
    std::unique_ptr<operation::Engine> engine_;
    operation::Id id_;
    operation::Operation operation_;
    std::vector<std::string> broken_;
    std::string shared_keys_;  ///< as the store has them
    size_t calls_ = 0, contacts_ = 0, keys_written_ = 0;
    int refusals_ = 0, held_ = 0;
    bool restarted_ = false, over_ = false, soaked_ = false, lost_power_ = false;
};

}  // namespace belay::procedures
