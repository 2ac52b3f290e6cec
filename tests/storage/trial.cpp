#include "trial.h"

#include "storage/edges.h"

namespace belay::simulated {
namespace {

using host::Effect;
using host::FaultyHost;
using host::Node;
using operation::Id;
using operation::Next;
using operation::Operation;
using operation::State;
using operation::Verb;
using store::MemoryStore;

constexpr int most_turns = 1000;
constexpr uint64_t edge = 64 << 10;
const operation::Asker person{"root", "the trial"};

std::unique_ptr<SimulatedStorage> built(const Shape& shape, const Task& task)
{
    std::unique_ptr<SimulatedStorage> machine = build(shape);
    if (task.prepare) task.prepare(*machine);
    return machine;
}

class Trial {
  public:
    Trial(const Shape& shape, Wish wish, const Accident& accident, const Task& task)
        : shape_(shape),
          task_(task),
          wish_(wish),
          accident_(accident),
          machine_(built(shape, task)),
          before_(machine_->host().machine()),
          watched_(machine_->host(), [this](const host::Question& question) { after_contact(question); }),
          faulty_(std::make_unique<FaultyHost>(watched_, accident.contact)),
          asked_(std::make_unique<WatchedHost>(
              *faulty_, [this](const host::Question& question) { remember(question); })),
          store_({.boot = "1", .now = [] { return Milliseconds{0}; }})
    {
        procedures::fill(catalogue_);
        for (const std::string& disk : shape.serving_disks()) serving_.push_back("/dev/" + disk);
        for (const std::string& md : shape.mirrors()) expected_[md] = machine_->data_of(md).begin()->second;
        store_.set_fault_hook([this](const store::Transaction&) {
            return ++writes_ == accident_.store_at ? accident_.store : MemoryStore::Fault::none;
        });
    }

    Verdict run()
    {
        for (int turn = 0; turn < most_turns && !over_ && broken_.empty(); ++turn) {
            take_turn();
            if (has_died()) restart();
        }
        if (!over_ && broken_.empty()) violated("it does not come to an end");
        if (broken_.empty()) check_mirrors(true, [] { return std::string("the end"); });
        if (broken_.empty()) check_end();
        const bool whole = broken_.empty();
        return {.broken = std::move(broken_),
                .ended = operation_.state,
                .reason = operation_.reason,
                .contacts = contacts_ + faulty_->contacts(),
                .writes = writes_,
                .commands = std::move(commands_),
                .turned_at = turned_at_,
                .held = held_,
                .log = whole ? "" : past_log_ + faulty_->log()};
    }

  private:
    template <typename... Values>
    void violated(fmt::format_string<Values...> text, const Values&... values)
    {
        if (broken_.size() < 5) broken_.push_back(fmt::vformat(text, fmt::make_format_args(values...)));
    }

    // ---- what must hold at every moment

    void after_contact(const host::Question& question)
    {
        const bool changes = question.effect == Effect::changes;
        if (changes) check_planned(question);
        const Milliseconds boot = boot_clock();
        const bool compare = changes || boot != compared_at_;
        compared_at_ = boot;
        if (changes && !question.argv.empty() && question.argv.front() == "resize2fs") take_over_contents();
        check_mirrors(compare, [&] { return host::to_text(question); });
        if (changes) check_moment([&] { return host::to_text(question); });
        serve();
    }

    void check_moment(const std::function<std::string()>& when)
    {
        const std::string wrong = task_.wrong_at_any_moment ? task_.wrong_at_any_moment(*machine_) : "";
        if (!wrong.empty()) violated("{} after {}", wrong, when());
    }

    /// The filesystem itself has written: what it wrote must be on every member alike.
    void take_over_contents()
    {
        for (auto& [md, expected] : expected_)
            expected = machine_->data_of(md).begin()->second.substr(0, expected.size());
    }

    Milliseconds boot_clock() const
    {
        Milliseconds boot{0};
        machine_->host().look([&](const host::Machine& machine) { boot = machine.boot; });
        return boot;
    }

    /// Nothing runs that the plan did not show.
    void check_planned(const host::Question& question)
    {
        if (question.call == host::Call::write_at) {
            if (planned_.contains(storage::edges_hint(question.path))) return;
        } else if (question.call == host::Call::run) {
            const std::string text = host::Command{.argv = question.argv, .input = question.input}.to_text();
            if (planned_.contains(text) || number_was_unknown(question)) return;
        } else if (question.call == host::Call::write) {
            if (planned_.contains(fmt::format("echo {} > {}", question.input, question.path))) return;
        } else if (question.call == host::Call::replace || question.call == host::Call::remove) {
            if (names_planned(question.path)) return;
        }
        violated("the plan did not show this: {}", host::to_text(question));
    }

    /// A file is written whole: the plan says which, and what of it changes.
    bool names_planned(const std::string& path) const
    {
        return std::ranges::any_of(
            planned_, [&](const std::string& text) { return text.find(path) != std::string::npos; });
    }

    /// The number of an entry is the firmware's to choose, so the plan calls it NEW; a snapshot's comes of
    /// what is in it.
    bool number_was_unknown(const host::Question& question) const
    {
        std::vector<std::string> words = question.argv;
        if (words.front() == "efibootmgr")
            words.back().replace(words.back().size() - 4, 4, "NEW");
        else if (words.size() > 3 && words[2] == "restore-device")
            words[3] = "SNAPSHOT";
        else
            return false;
        return planned_.contains(host::Command{.argv = words}.to_text());
    }

    /// No fewer members in sync than at first; `compare`: with what was written, which is asked only where it
    /// may have changed.
    void check_mirrors(bool compare, const std::function<std::string()>& when)
    {
        for (const auto& [md, expected] : expected_) {
            if (!machine_->is_assembled(md)) return violated("{} is not assembled after {}", md, when());
            const auto legs = machine_->data_of(md);
            if (legs.size() < shape_.members_at_first())
                violated("{} has {} members in sync after {}", md, legs.size(), when());
            for (const auto& [device, bytes] : legs) {
                if (compare && bytes.compare(0, expected.size(), expected) != 0)
                    violated("{} of {} holds other bytes after {}", device, md, when());
            }
        }
    }

    /// The mirrors are in use all the time.
    void serve()
    {
        constexpr uint64_t behind_filesystem = 2048;
        for (auto& [md, expected] : expected_) {
            if (!machine_->is_assembled(md)) continue;
            const std::string bytes = fmt::format("{:016x}", ++served_);
            const uint64_t room = expected.size() - behind_filesystem - bytes.size();
            const uint64_t at = behind_filesystem + served_ * 7919 % room;
            machine_->write_data(md, at, bytes);
            expected.replace(at, bytes.size(), bytes);
        }
    }

    // ---- the process and the person

    void remember(const host::Question& question)
    {
        if (question.call == host::Call::run && question.effect == Effect::changes)
            commands_.push_back(contacts_ + faulty_->contacts());
        if (!died_at_ && accident_.contact && faulty_->contacts() >= accident_.contact->at)
            died_at_ = question;
    }

    bool has_died() const
    {
        const bool by_contact = accident_.contact && accident_.contact->kind == host::Fault::Kind::dead &&
                                !restarted_ && faulty_->contacts() >= accident_.contact->at;
        return by_contact || store_.dead();
    }

    void restart()
    {
        restarted_ = true;
        engine_.reset();
        contacts_ += faulty_->contacts();
        past_log_ += faulty_->log();
        faulty_ = std::make_unique<FaultyHost>(watched_);
        asked_ = std::make_unique<WatchedHost>(*faulty_, [](const host::Question&) {});
        if (accident_.power_cut) {
            constexpr auto off = std::chrono::seconds(20);
            if (accident_.halfway && died_at_ && died_at_->call == host::Call::run)
                machine_->power_cut_in({.argv = died_at_->argv, .input = died_at_->input}, off);
            else
                machine_->host().power_cut(off);
            check_mirrors(true, [] { return std::string("the boot"); });
            check_moment([] { return std::string("the boot"); });
            if (task_.after_boot) task_.after_boot(*machine_);
        }
        store_.revive(accident_.power_cut ? "2" : "1");
    }

    void take_turn()
    {
        if (!engine_) {
            auto opened = operation::Engine::open(store_, *asked_, catalogue_, {});
            if (opened) engine_ = *std::move(opened);
            return;
        }
        if (id_.empty()) return plan();
        const Result<operation::View> view = engine_->show(id_);
        if (!view) return;
        operation_ = view->operation;
        go_on(*view);
    }

    void plan()
    {
        const auto kept_before = engine_->all();
        if (!kept_before) return;
        if (!kept_before->empty()) {
            id_ = kept_before->front();
            if (const auto view = engine_->show(id_)) take_in(view->operation.plan);
            return;
        }
        planned_.clear();
        const auto procedure =
            std::ranges::find(procedures::all(), task_.procedure, &procedures::Procedure::name);
        auto arguments = task_.arguments;
        if (shape_.leaving == Shape::Leaving::gone) arguments.erase("leaving");
        const auto plan = procedure->make(*asked_, arguments);
        if (!plan) return put_off(plan.error());
        const auto kept = engine_->keep(*plan, person);
        if (!kept) return put_off(kept.error());
        take_in(kept->plan);
        id_ = kept->id;
    }

    void take_in(const operation::Plan& plan)
    {
        const bool writes = std::ranges::any_of(plan.locks, [](const std::string& lock) {
            return lock.starts_with("disk:") || lock.starts_with("md:");
        });
        const bool keeps = plan.steps.front().action == "restore-point.keep";
        const std::set<std::string> write_nothing = {"disk.unplug", "array.sync-speed", "array.sync-pause"};
        if (writes && !keeps && !write_nothing.contains(plan.procedure))
            violated("{} begins without a restore point", plan.procedure);
        for (const operation::Step& step : plan.steps) {
            planned_.insert(step.commands.begin(), step.commands.end());
            planned_.insert(step.undo_commands.begin(), step.undo_commands.end());
        }
    }

    /// What md is at after a boot may be in the way for a while.
    void put_off(const Error& error)
    {
        note_refusal(error);
        if (is_taken_up_again()) machine_->host().advance(std::chrono::seconds(10));
    }

    /// One accident may make the person ask once more, and no oftener.
    void note_refusal(const Error& error)
    {
        if (++refusals_ > 2) violated("it is refused again and again: {}", error.what);
    }

    void ask(Verb verb)
    {
        if (verb == Verb::abort && turned_at_ == 0) turned_at_ = contacts_ + faulty_->contacts();
        const auto answer = engine_->request(id_, verb, person);
        if (!answer) note_refusal(answer.error());
        if (!answer && is_taken_up_again()) gives_up_ = true;
    }

    /// A boot has made a member of the failed disk again: nothing is missing that could be replaced.
    bool is_taken_up_again() const
    {
        if (shape_.leaving != Shape::Leaving::failed || !restarted_ || !accident_.power_cut) return false;
        const std::vector<std::string> mirrors = shape_.mirrors();
        for (size_t i = 0; i < mirrors.size(); ++i) {
            if (machine_->members(mirrors[i]).contains(shape_.member(leaving_disk, i))) return true;
        }
        return false;
    }

    /// Time passes until the engine wants to go on, at most so much.
    void step(Milliseconds most = Milliseconds::max())
    {
        const Result<Next> next = engine_->step(id_);
        if (!next || next->when != Next::When::at) return;
        const Milliseconds boot = boot_clock();
        if (next->boot > boot) machine_->host().advance(std::min(next->boot - boot, most));
    }

    void go_on(const operation::View& view)
    {
        const bool copying = view.progress && view.progress->done > 0;
        switch (operation_.state) {
            case State::planned:
                return ask(gives_up_ ? Verb::abort : Verb::add);
            case State::added:
                return ask(wish_ == Wish::abort_when_added || gives_up_ ? Verb::abort : Verb::activate);
            case State::activating:
                return (wish_ == Wish::abort_in_copy && copying) || is_impatient() ? ask(Verb::abort)
                                                                                   : step();
            case State::activated:
                // Without a gate the engine would sleep until its timer.
                if (++soaked_ < 3) return step(std::chrono::seconds(10));
                return ask(wish_ == Wish::commit ? Verb::commit : Verb::abort);
            case State::adding:
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

    bool is_impatient() const
    {
        return accident_.abort_at > 0 && contacts_ + faulty_->contacts() >= accident_.abort_at;
    }

    /// The one command that the operation itself names.
    void lead_on()
    {
        const std::vector<operation::WayOn> ways = operation_.ways_on();
        const auto way = std::ranges::find_if(ways, [](const auto& one) { return one.verb != Verb::clear; });
        if (way == ways.end()) return violated("held without a way on: {}", operation_.reason);
        if (++held_ > 1) return violated("held a second time: {}", operation_.reason);
        ask(way->verb);
    }

    // ---- what must hold at the end

    void check_end()
    {
        const auto locks = store_.list("lock/", "", 10);
        if (!locks || !locks->empty()) violated("a lock is left");
        const bool crash_only = !accident_.contact || accident_.contact->kind == host::Fault::Kind::dead;
        const bool store_refused = accident_.store == MemoryStore::Fault::refuse;
        const bool crash_may = task_.crash_may_go_back && task_.crash_may_go_back(accident_);
        const bool may_go_back = wish_ != Wish::commit || !crash_only || store_refused || crash_may ||
                                 accident_.abort_at > 0 || is_taken_up_again();
        if (operation_.state == State::committed) {
            if (wish_ != Wish::commit) violated("it was to be aborted");
            return check_committed();
        }
        if (!may_go_back) violated("a crash must not change how it ends: {}", operation_.reason);
        check_aborted();
    }

    void check_committed()
    {
        if (task_.wrong) {
            const std::string wrong = task_.wrong(*machine_, restarted_ && accident_.power_cut);
            if (!wrong.empty()) violated("{}", wrong);
            return;
        }
        check_starts();
        const std::vector<std::string> mirrors = shape_.mirrors();
        for (size_t i = 0; i < mirrors.size(); ++i) {
            const std::string leaving = shape_.member(leaving_disk, i);
            std::set<std::string> wanted = {shape_.member(joining_disk, i)};
            for (const std::string& disk : shape_.staying_disks()) wanted.insert(shape_.member(disk, i));
            if (machine_->legs_in_sync(mirrors[i]) != wanted || machine_->members(mirrors[i]) != wanted ||
                machine_->legs_wanted(mirrors[i]) != shape_.disks)
                violated("{} does not stand on {}", mirrors[i], fmt::join(wanted, " and "));
            const bool there = shape_.leaving != Shape::Leaving::gone;
            if (there && machine_->has_superblock(leaving)) violated("{} still has its superblock", leaving);
        }
    }

    /// What started the host from the leaving disk starts it from the joining one.
    void check_starts()
    {
        const host::Machine world = machine_->world();
        const auto text = [&](const std::string& path) { return world.text(path).value_or("nothing"); };
        const bool boot_code = world.find("/dev/" + joining_disk)->bytes.find("GRUB ") == 0x180;
        if (shape_.start == Shape::Start::bios && !boot_code) violated("the joining disk has no boot code");
        const std::string renewed = text("/var/cache/debconf/config.dat");
        if (shape_.start == Shape::Start::bios &&
            renewed.find("Value: /dev/disk/by-id/ata-SIMULATED_SIM0003\n") == std::string::npos)
            violated("grub-pc is told {}", renewed);
        if (shape_.start != Shape::Start::efi) return;
        if (text("/boot/efi/EFI/debian/grubx64.efi") != "the loader" ||
            text("/boot/efi/EFI/BOOT/BOOTX64.EFI") != "the loader")
            violated("what is mounted on /boot/efi does not start the host");
        const std::string fstab = text("/etc/fstab");
        if (fstab.find("1B2C-3D4E") != std::string::npos ||
            fstab.find("/boot/efi vfat") == std::string::npos ||
            fstab.find("/boot/efi2") != std::string::npos)
            violated("/etc/fstab is {}", fstab);
        if (text("/sys/firmware/efi/efivars/Boot0001") != "nothing" ||
            !text("/sys/firmware/efi/efivars/Boot0002").starts_with("debian (SIM0003)\t"))
            violated("the firmware does not know the joining disk alone");
    }

    /// A boot leaves nothing of a member that failed, or makes one of it that serves.
    bool forgot_failed_member() const
    {
        return shape_.leaving == Shape::Leaving::failed && restarted_ && accident_.power_cut;
    }

    void check_members_of_aborted()
    {
        const std::vector<std::string> mirrors = shape_.mirrors();
        for (size_t i = 0; i < mirrors.size(); ++i) {
            std::set<std::string> wanted;
            for (const std::string& disk : shape_.staying_disks()) wanted.insert(shape_.member(disk, i));
            std::set<std::string> found = machine_->members(mirrors[i]);
            found.erase(shape_.member(leaving_disk, i));
            if (found != wanted || machine_->legs_wanted(mirrors[i]) != shape_.disks)
                violated("{} stands on {}", mirrors[i], fmt::join(found, " and "));
        }
    }

    void check_aborted()
    {
        if (!operation_.verified) violated("it did not prove that all is as before");
        const std::string wrong = task_.wrong_when_aborted ? task_.wrong_when_aborted(*machine_) : "";
        if (!wrong.empty()) violated("{}", wrong);
        const bool other_members = forgot_failed_member();
        if (!is_taken_up_again()) {
            for (const std::string& difference : operation_.differences) violated("differs: {}", difference);
        }
        if (other_members) check_members_of_aborted();
        const host::Machine after = machine_->host().machine();
        std::set<std::string> paths;
        for (const host::Machine* machine : {&before_, &after}) {
            for (const auto& [path, node] : machine->nodes) paths.insert(path);
        }
        const auto may_stay = [&](const std::string& path) {
            return std::ranges::any_of(task_.may_stay,
                                       [&](const std::string& part) { return path.contains(part); });
        };
        for (const std::string& path : paths) {
            if (path.starts_with("/restore-points") || may_stay(path) ||
                (other_members && path.starts_with("/sys/")))
                continue;
            if (comparable(before_, path) != comparable(after, path)) violated("{} is not as before", path);
        }
    }

    /// What must be the same: of the serving disks all but the mirrors' data and what md counts in the
    /// superblocks; of the joining disk all but the blocks behind its table, which the plan names.
    std::string comparable(const host::Machine& machine, const std::string& path) const
    {
        const auto found = machine.nodes.find(path);
        if (found == machine.nodes.end()) return "nothing";
        std::string bytes = found->second.bytes;
        const bool is_scratch = std::ranges::any_of(
            task_.scratch, [&](const std::string& disk) { return path == "/dev/" + disk; });
        if (is_scratch) {
            bytes.erase(edge, bytes.size() - 2 * edge);
        } else if (std::ranges::find(serving_, path) != serving_.end()) {
            const bool table = !shape_.label.empty();
            const uint64_t from = table ? edge : 4096;
            const uint64_t to = table ? end_of_partitions(shape_) * shape_.logical_sector : bytes.size();
            bytes.erase(from, to - from);
        }
        return bytes;
    }

    const Shape& shape_;
    std::vector<std::string> serving_;  ///< devices of the disks that the arrays stand on
    const Task& task_;
    const Wish wish_;
    const Accident accident_;
    std::unique_ptr<SimulatedStorage> machine_;
    const host::Machine before_;
    WatchedHost watched_;
    std::unique_ptr<FaultyHost> faulty_;
    std::unique_ptr<WatchedHost> asked_;     ///< before the faults
    std::optional<host::Question> died_at_;  ///< what was asked when all was over
    MemoryStore store_;
    operation::Catalogue catalogue_;
    std::unique_ptr<operation::Engine> engine_;
    std::map<std::string, std::string> expected_;  ///< the bytes of each mirror
    std::set<std::string> planned_;                ///< the commands that the plan shows
    std::vector<std::string> broken_;
    std::vector<size_t> commands_;
    Id id_;
    Operation operation_;
    std::string past_log_;
    size_t contacts_ = 0, writes_ = 0, turned_at_ = 0;
    Milliseconds compared_at_{-1};
    uint64_t served_ = 0;
    int refusals_ = 0, held_ = 0, soaked_ = 0;
    bool restarted_ = false, over_ = false, gives_up_ = false;
};

}  // namespace

std::string_view name_of(Wish wish)
{
    constexpr std::string_view names[] = {"commit", "abort when added", "abort in the middle of the copy",
                                          "abort when activated"};
    return names[static_cast<size_t>(wish)];
}

Verdict try_out(const Shape& shape, Wish wish, const Accident& accident, const Task& task)
{
    return Trial(shape, wish, accident, task).run();
}

}  // namespace belay::simulated
