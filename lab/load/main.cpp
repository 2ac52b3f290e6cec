// belay-load: a service that would notice. It writes blocks that prove what they are, durably, reads others
// back past the cache the whole time, and says how many writes were verified and how many were lost.

#include "load/blocks.h"

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <thread>

namespace belay::lab {
namespace {

volatile std::sig_atomic_t asked_to_end = 0;

int complain(const Error& error)
{
    std::fprintf(stderr, "belay-load: %s\n", error.what.c_str());
    return 2;
}

/// What every slot must hold: the write whose answer came last. Where answers may have been lost on their way
/// (after a power cut), a later whole write is as good.
class Ledger {
  public:
    enum class Answers { all, some };
    Ledger(uint64_t slots, Answers answers) : written_(slots, 0), answers_(answers) {}

    void answered(uint64_t number) { written_[slot_of(number, written_.size())] = number; }

    /// Whether a slot holds what it must; says on standard output what is wrong.
    bool holds(const BlockFile& blocks, uint64_t slot) const
    {
        const Result<uint64_t> found = blocks.read(slot);
        const uint64_t wanted = written_[slot];
        if (found && (*found == wanted || (answers_ == Answers::some && *found > wanted))) return true;
        const std::string instead = found ? fmt::format("write {}", *found) : found.error().what;
        fmt::print("LOST slot {}: wanted write {}, found {}\n", slot, wanted, instead);
        return false;
    }

    uint64_t losses(const BlockFile& blocks) const
    {
        uint64_t lost = 0;
        for (uint64_t slot = 0; slot < blocks.slots(); ++slot) lost += holds(blocks, slot) ? 0 : 1;
        return lost;
    }

  private:
    std::vector<uint64_t> written_;
    Answers answers_;
};

int summary(uint64_t verified, uint64_t lost)
{
    std::printf("%llu writes verified, %llu lost\n", static_cast<unsigned long long>(verified),
                static_cast<unsigned long long>(lost));
    std::fflush(stdout);
    return lost == 0 ? 0 : 1;
}

int run(const std::string& path, uint64_t slots, uint64_t a_second, bool report)
{
    Result<BlockFile> blocks = BlockFile::open(path, slots);
    if (!blocks) return complain(blocks.error());
    Ledger ledger(slots, Ledger::Answers::all);
    std::puts("ready");
    std::fflush(stdout);
    uint64_t lost = 0, number = 0;
    const auto pause = std::chrono::nanoseconds(1'000'000'000 / a_second);
    while (asked_to_end == 0) {
        if (const Result<void> written = blocks->write(++number); !written) return complain(written.error());
        ledger.answered(number);
        if (report) {
            std::printf("ack %llu\n", static_cast<unsigned long long>(number));
            std::fflush(stdout);
        }
        lost += ledger.holds(*blocks, number * 7 % slots) ? 0 : 1;
        std::this_thread::sleep_for(pause);
    }
    lost += ledger.losses(*blocks);
    return summary(number, lost);
}

/// After a power cut: `last` is the last write whose answer was seen; later ones may be there.
int check(const std::string& path, uint64_t slots, uint64_t last)
{
    Result<BlockFile> blocks = BlockFile::open(path, slots);
    if (!blocks) return complain(blocks.error());
    Ledger ledger(slots, Ledger::Answers::some);
    for (uint64_t number = 1; number <= last; ++number) ledger.answered(number);
    return summary(last, ledger.losses(*blocks));
}

}  // namespace
}  // namespace belay::lab

int main(int argc, char** argv)
{
    CLI::App app{"Writes and verifies checksummed blocks, the whole time."};
    app.footer(
        "Example: belay-load run /srv/data/blocks --slots 2048   (ends on SIGTERM, and says what was lost)");
    app.require_subcommand(1);
    std::string path;
    uint64_t slots = 2048, a_second = 200, last = 0;
    bool report = false;
    CLI::App* run = app.add_subcommand("run", "write and verify until SIGTERM");
    CLI::App* check = app.add_subcommand("check", "verify what a run has left, after a power cut");
    for (CLI::App* command : {run, check}) {
        command->add_option("FILE", path, "the file of blocks; made where it is not there")->required();
        command->add_option("--slots", slots, "blocks of 4 KiB in it")->check(CLI::Range(1, 1 << 24));
    }
    run->add_option("--rate", a_second, "writes a second")->check(CLI::Range(1, 100000));
    run->add_flag("--report", report, "say each answered write, as \"ack 17\"");
    check->add_option("--last", last, "the last answered write")->required();
    CLI11_PARSE(app, argc, argv);

    struct sigaction action = {};
    action.sa_handler = [](int) { belay::lab::asked_to_end = 1; };
    sigaction(SIGTERM, &action, nullptr);
    sigaction(SIGINT, &action, nullptr);
    if (run->parsed()) return belay::lab::run(path, slots, a_second, report);
    return belay::lab::check(path, slots, last);
}
