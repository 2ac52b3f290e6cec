#include "machine_limits.h"

#include "backup/repository/chunker.h"
#include "backup/repository/compression.h"
#include "backup/repository/config.h"
#include "backup/repository/crypto.h"
#include "backup/repository/id.h"
#include "host/descriptor.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <numeric>
#include <span>
#include <sys/stat.h>
#include <unistd.h>

namespace belay::bench {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t largest_sample = uint64_t{1} << 30;

enum class Part : uint8_t { walk, read, hash, cut, compress, seal, write, decompress, place };
constexpr size_t parts = 9;
constexpr std::array of_backup = {Part::walk,     Part::read, Part::hash, Part::cut,
                                  Part::compress, Part::seal, Part::write};
/// Of a file in which something has changed; what has not is not compressed again.
constexpr std::array of_look = {Part::read, Part::cut, Part::hash};
/// To open a seal takes what it took to make it.
constexpr std::array of_restore = {Part::seal, Part::decompress, Part::hash, Part::place};
/// What nobody can leave out who restores and verifies.
constexpr std::array of_reading_back = {Part::decompress, Part::hash};

class Sampling {
    Limit& limit(Part part) { return limits_.each[static_cast<size_t>(part)]; }

    template <typename Act>
    auto timed(Part part, uint64_t bytes, Act act)
    {
        // Processor time, so that whatever else runs here does not count; but a disk is waited for.
        const clockid_t clock = part == Part::write ? CLOCK_MONOTONIC : CLOCK_THREAD_CPUTIME_ID;
        const Nanoseconds begun = reading(clock);
        auto result = act();
        limit(part).time += reading(clock) - begun;
        limit(part).bytes += bytes;
        return result;
    }

  public:
    static Result<Sampling> make(const DataSet& data, const std::string& folder)
    {
        const backup::MasterKey key = TRY(backup::MasterKey::make());
        const backup::Config config = TRY(backup::Config::make(backup::Config::newest_version));
        const auto new_file = [&] {
            return host::Descriptor(::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
        };
        host::Descriptor out = new_file(), restored = new_file();
        if (!out || !restored)
            return std::unexpected(system_error(fmt::format("make a file in {}", folder), errno));
        return Sampling(data, key, config.polynomial, std::move(out), std::move(restored));
    }

    Result<MachineLimits> run()
    {
        TRY(walk_all());
        TRY(visit(
            [&](const fs::path& path, uint64_t size) -> Result<void> { return sample_file(path, size); }));
        TRY(write_pack());
        TRY(timed(Part::write, 0, [&]() -> Result<void> {
            if (::fdatasync(out_.number()) != 0) return std::unexpected(system_error("sync a file", errno));
            return {};
        }));
        return std::move(limits_);
    }

  private:
    Sampling(const DataSet& data, const backup::MasterKey& key, backup::Polynomial polynomial,
             host::Descriptor out, host::Descriptor restored)
        : data_(data),
          key_(key),
          chunker_(polynomial),
          out_(std::move(out)),
          restored_(std::move(restored)),
          stride_(data.bytes / largest_sample + 1)
    {
        limits_.each.resize(parts);
        const char* names[parts] = {
            "walk (stat of all)", "reading, from memory",     "SHA-256",         "chunker",
            "zstd, level 3",      "AES-256-CTR and Poly1305", "writing, synced", "zstd, decompression",
            "writing, not synced"};
        for (size_t part = 0; part < parts; ++part) limits_.each[part].name = names[part];
        limit(Part::walk).bytes = data.bytes;
    }

    Result<void> walk_all()
    {
        return timed(Part::walk, 0, [&]() -> Result<void> {
            std::error_code problem;
            fs::recursive_directory_iterator at(data_.path, problem);
            for (; !problem && at != fs::recursive_directory_iterator(); at.increment(problem)) {
                struct stat status = {};
                if (::lstat(at->path().c_str(), &status) != 0)
                    return std::unexpected(system_error("look at " + at->path().string(), errno));
                ++limits_.entries;
            }
            if (problem) return std::unexpected(system_error("walk " + data_.path, problem.value()));
            return {};
        });
    }

    template <typename Each>
    Result<void> visit(Each each)
    {
        std::error_code problem;
        fs::recursive_directory_iterator at(data_.path, problem);
        for (; !problem && at != fs::recursive_directory_iterator(); at.increment(problem)) {
            if (at->is_symlink(problem) || !at->is_regular_file(problem)) continue;
            TRY(each(at->path(), at->file_size(problem)));
        }
        if (problem) return std::unexpected(system_error("walk " + data_.path, problem.value()));
        return {};
    }

    /// Its pieces that are of the sample. A piece is what the chunker is given at once.
    Result<void> sample_file(const fs::path& path, uint64_t size)
    {
        constexpr uint64_t piece = backup::Chunker::max_size;
        for (uint64_t offset = 0; offset < size; offset += piece) {
            if (pieces_++ % stride_ != 0) continue;
            const uint64_t length = std::min(piece, size - offset);
            buffer_.resize(length);
            TRY(timed(Part::read, length, [&]() -> Result<void> {
                const host::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
                const ssize_t got =
                    ::pread(file.number(), buffer_.data(), length, static_cast<off_t>(offset));
                if (got != static_cast<ssize_t>(length))
                    return std::unexpected(system_error("read " + path.string(), errno));
                return {};
            }));
            limits_.sampled += length;
            TRY(process(buffer_));
        }
        return {};
    }

    Result<void> process(std::string_view rest)
    {
        while (!rest.empty()) {
            const size_t size = timed(Part::cut, 0, [&] { return chunker_.first_chunk(rest); });
            const std::string_view chunk = rest.substr(0, size);
            rest.remove_prefix(size);
            limit(Part::cut).bytes += size;
            timed(Part::hash, size, [&] { return backup::Id::of(chunk); });
            const std::string frame = timed(Part::compress, size, [&] {
                return backup::compress(chunk, backup::Compression::automatic);
            });
            const std::string again =
                TRY(timed(Part::decompress, size, [&] { return backup::decompress(frame, size); }));
            TRY(timed(Part::place, size, [&] { return place(again); }));
            const std::string sealed =
                TRY(timed(Part::seal, frame.size(), [&] { return backup::seal(key_, frame); }));
            TRY(write(sealed));
        }
        return {};
    }

    Result<void> place(std::string_view plain) const
    {
        if (::write(restored_.number(), plain.data(), plain.size()) == static_cast<ssize_t>(plain.size()))
            return {};
        return std::unexpected(system_error("write a file", errno));
    }

    /// As packs are written: not blob by blob.
    Result<void> write(const std::string& sealed)
    {
        constexpr size_t enough = 4 << 20;
        pack_ += sealed;
        return pack_.size() < enough ? Result<void>() : write_pack();
    }

    Result<void> write_pack()
    {
        TRY(timed(Part::write, pack_.size(), [&]() -> Result<void> {
            if (::write(out_.number(), pack_.data(), pack_.size()) != static_cast<ssize_t>(pack_.size()))
                return std::unexpected(system_error("write a file", errno));
            return {};
        }));
        pack_.clear();
        return {};
    }

    const DataSet& data_;
    backup::MasterKey key_;
    backup::Chunker chunker_;
    host::Descriptor out_, restored_;
    uint64_t stride_, pieces_ = 0;
    std::string buffer_, pack_;
    MachineLimits limits_;
};

/// What a part takes for a byte of the data.
double seconds_a_byte(const MachineLimits& limits, const Limit& limit)
{
    const uint64_t of = &limit == &limits.each.front() ? limit.bytes : limits.sampled;
    return of == 0 ? 0 : seconds(limit.time) / static_cast<double>(of);
}

double seconds_a_byte(const MachineLimits& limits, std::span<const Part> which)
{
    return std::accumulate(which.begin(), which.end(), 0.0, [&](double sum, Part part) {
        return sum + seconds_a_byte(limits, limits.each[static_cast<size_t>(part)]);
    });
}

}  // namespace

Result<MachineLimits> measure_limits(const DataSet& data, const std::string& folder)
{
    Sampling sampling = TRY(Sampling::make(data, folder));
    return sampling.run();
}

std::vector<std::vector<std::string>> to_lines(const MachineLimits& limits)
{
    std::vector<std::vector<std::string>> lines = {{"One thread alone", "MB/s", "Share"}};
    const double all = seconds_a_byte(limits, of_backup);
    for (size_t part = 0; part < limits.each.size(); ++part) {
        const Limit& one = limits.each[part];
        const double rate = static_cast<double>(one.bytes) / 1e6 / std::max(seconds(one.time), 1e-9);
        lines.push_back({one.name, fmt::format("{:.0f}", rate),
                         part < of_backup.size()
                             ? fmt::format("{:.0f} %", 100 * seconds_a_byte(limits, one) / all)
                             : std::string()});
    }
    lines[1][0] +=
        fmt::format(", {:.0f} entries a second",
                    static_cast<double>(limits.entries) / std::max(seconds(limits.each.front().time), 1e-9));
    return lines;
}

std::string sentences_of(const MachineLimits& limits, const DataSet& data, const Took& took)
{
    const auto* const most = std::ranges::max_element(of_backup, {}, [&](Part part) {
        return seconds_a_byte(limits, limits.each[static_cast<size_t>(part)]);
    });
    const auto least = [&](std::span<const Part> which) {
        return seconds_a_byte(limits, which) * static_cast<double>(data.bytes);
    };
    std::string text = fmt::format(
        "What binds is {}. For all of the data what has a share comes to {:.1f} s of one thread; Belay's "
        "first "
        "backup took {:.1f} s of processor time.",
        limits.each[static_cast<size_t>(*most)].name, least(of_backup), seconds(took.first));
    if (data.files == 1)
        text += fmt::format(
            " A file in which something has changed is read, cut and hashed as a whole: {:.1f} s; Belay's "
            "backup "
            "with 1 % changed took {:.1f} s.",
            least(of_look), seconds(took.changed));
    return text +
           fmt::format(
               " A restore opens, decompresses, hashes and writes: {:.1f} s; Belay's took {:.1f} s, and "
               "restic's {:.1f} s. To decompress and to hash alone, which nobody can leave out who verifies, "
               "takes {:.1f} s.",
               least(of_restore), seconds(took.restore), seconds(took.restore_by_restic),
               least(of_reading_back));
}

}  // namespace belay::bench
