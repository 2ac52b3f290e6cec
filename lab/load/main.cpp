// belay-load: a service that would notice. It writes blocks that prove what they are, durably, reads others
// back past the cache the whole time, and says how many writes were verified and how many were lost.

#include "load/ledger.h"

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

uint64_t say_losses(const std::vector<std::string>& losses)
{
    for (const std::string& loss : losses) fmt::print("LOST {}\n", loss);
    return losses.size();
}

std::vector<Result<uint64_t>> read_all(const BlockFile& blocks)
{
    std::vector<Result<uint64_t>> found;
    for (uint64_t slot = 0; slot < blocks.slots(); ++slot) found.push_back(blocks.read(slot));
    return found;
}

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
        const uint64_t slot = number * 7 % slots;
        if (const std::string loss = ledger.loss(slot, blocks->read(slot)); !loss.empty())
            lost += say_losses({loss});
        std::this_thread::sleep_for(pause);
    }
    lost += say_losses(ledger.losses(read_all(*blocks)));
    return summary(number, lost);
}

/// After a power cut: `last` is the last write whose answer was seen.
int check(const std::string& path, uint64_t slots, uint64_t last)
{
    Result<BlockFile> blocks = BlockFile::open(path, slots);
    if (!blocks) return complain(blocks.error());
    Ledger ledger(slots, Ledger::Answers::some);
    for (uint64_t number = 1; number <= last; ++number) ledger.answered(number);
    return summary(last, say_losses(ledger.losses(read_all(*blocks))));
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
