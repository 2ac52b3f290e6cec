// belay-bench-media: how fast packs go to a media server and come from it, over loopback TLS, beside
// rclone's.

#include "base/digest.h"
#include "media_servers.h"
#include "samples.h"
#include "scratch_folder.h"
#include "table.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <curl/curl.h>
#include <filesystem>
#include <fmt/format.h>
#include <map>
#include <random>

namespace belay::bench {
namespace {

struct MediaBench {
    std::string folder = ".";
    unsigned rounds = 5;
    unsigned packs = 48;
};

constexpr size_t pack_bytes = 16 << 20;

std::vector<Pack> random_packs(unsigned count)
{
    std::vector<Pack> packs;
    std::mt19937_64 dice(7);
    for (unsigned i = 0; i < count; ++i) {
        std::string content(pack_bytes, '\0');
        for (size_t at = 0; at < content.size(); at += sizeof(uint64_t)) {
            const uint64_t number = dice();
            std::copy_n(reinterpret_cast<const char*>(&number), sizeof number, content.data() + at);
        }
        packs.push_back({.id = sha256(content), .content = std::move(content)});
    }
    return packs;
}

Result<void> measure_media(const MediaBench& asked)
{
    const std::string here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
    const MediaPrograms programs{.belay = here + "/belay", .belayd_media = here + "/belayd-media"};
    const ScratchFolder folder = TRY(ScratchFolder::make(asked.folder));
    const std::vector<Pack> packs = random_packs(asked.packs);
    const double megabytes = static_cast<double>(pack_bytes) * asked.packs / 1e6;

    using Key = std::tuple<Direction, unsigned, BenchServer::Kind>;
    std::map<Key, std::vector<double>> times;
    for (unsigned round = 0; round < asked.rounds; ++round) {
        for (const unsigned clients : {1U, 8U}) {
            std::vector kinds = {BenchServer::Kind::belay, BenchServer::Kind::rclone};
            if (round % 2 == 1) std::ranges::reverse(kinds);
            for (const BenchServer::Kind kind : kinds) {
                const std::string place = folder / "server";
                {
                    const std::unique_ptr<BenchServer> server =
                        TRY(BenchServer::start(kind, programs, place));
                    for (const Direction direction : {Direction::upload, Direction::download})
                        times[{direction, clients, kind}].push_back(
                            TRY(transfer(*server, direction, packs, clients)));
                }
                std::filesystem::remove_all(place);
                ::sync();
            }
        }
    }
    std::vector<Row> rows;
    for (const Direction direction : {Direction::upload, Direction::download})
        for (const unsigned clients : {1U, 8U}) {
            const double ours = median(times.at({direction, clients, BenchServer::Kind::belay}));
            const double peer = median(times.at({direction, clients, BenchServer::Kind::rclone}));
            rows.push_back({.name = fmt::format("{}, {} client{}",
                                                direction == Direction::upload ? "upload" : "download",
                                                clients, clients == 1 ? "" : "s"),
                            .ours = fmt::format("{:.0f} MB/s", megabytes / ours),
                            .peer = fmt::format("{:.0f} MB/s", megabytes / peer),
                            .ratio = fmt::format("{:.2f}", peer / ours)});
        }
    const MediaLimits limits = TRY(measure_media_limits(packs, folder.path()));
    fmt::print("{}\n", to_text(rows));
    fmt::print("{}\n",
               aligned({{"The machine by itself", "MB/s"},
                        {"TLS: AES-256-GCM, one thread", fmt::format("{:.0f}", limits.tls)},
                        {"SHA-256, one thread", fmt::format("{:.0f}", limits.sha256)},
                        {"files written and synced, one writer", fmt::format("{:.0f}", limits.disk_1)},
                        {"files written and synced, eight writers", fmt::format("{:.0f}", limits.disk_8)}}));
    return {};
}

}  // namespace
}  // namespace belay::bench

int main(int argc, char** argv)
{
    belay::bench::MediaBench asked;
    CLI::App app(
        "Measures uploads to a media server and downloads from it, by Belay's and by rclone's in turns, and "
        "prints\ntables in Markdown. bench/media installs and builds everything and runs it.");
    app.footer("Exit codes: 0 it was measured, 1 it could not be, 2 wrong arguments.");
    app.add_option("--folder", asked.folder, "Folder on the disk to measure on")->capture_default_str();
    app.add_option("--rounds", asked.rounds, "How often each is measured")
        ->check(CLI::Range(1, 100))
        ->capture_default_str();
    app.add_option("--packs", asked.packs, "Packs of 16 MiB")
        ->check(CLI::Range(8, 1000))
        ->capture_default_str();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
        return app.exit(problem) == 0 ? 0 : 2;
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    const auto measured = belay::bench::measure_media(asked);
    curl_global_cleanup();
    if (measured) return 0;
    fmt::print(stderr, "belay-bench-media: {}\n", measured.error().what);
    return 1;
}
