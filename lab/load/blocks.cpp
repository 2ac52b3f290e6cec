#include "load/blocks.h"

#include "base/digest.h"
#include "base/invariant.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace belay::lab {
namespace {

constexpr size_t digest_size = 64;
constexpr size_t header_size = 48;

/// splitmix64: a number out of a number, well mixed.
uint64_t mixed(uint64_t x)
{
    x += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

std::string header_of(uint64_t number, uint64_t slot)
{
    return fmt::format("{:<{}}", fmt::format("slot {} write {}\n", slot, number), header_size);
}

}  // namespace

uint64_t slot_of(uint64_t number, uint64_t slots)
{
    // A step that shares no divisor with the number of slots visits each once.
    uint64_t step = slots * 5 / 8 + 1;
    const auto divisor = [](uint64_t a, uint64_t b) {
        while (b != 0) a = std::exchange(b, a % b);
        return a;
    };
    while (divisor(step, slots) != 1) ++step;
    return number % slots * step % slots;
}

std::string block_of(uint64_t number, uint64_t slot)
{
    std::string block = header_of(number, slot);
    uint64_t state = mixed(number ^ mixed(slot));
    while (block.size() < block_size - digest_size) {
        state = mixed(state);
        block.append(reinterpret_cast<const char*>(&state), sizeof state);
    }
    block.resize(block_size - digest_size);
    return block + sha256(block);
}

Result<uint64_t> number_in(std::string_view block, uint64_t slot)
{
    INVARIANT(block.size() == block_size);
    const std::string_view body = block.substr(0, block_size - digest_size);
    if (sha256(body) != block.substr(block_size - digest_size))
        return fail(ErrorKind::corrupt, fmt::format("the block in slot {} is damaged", slot));
    unsigned long long there = 0, number = 0;
    const std::string header(body.substr(0, header_size));
    if (std::sscanf(header.c_str(), "slot %llu write %llu", &there, &number) != 2 || there != slot)
        return fail(ErrorKind::corrupt,
                    fmt::format("the block in slot {} belongs to another place: {}", slot, header));
    return number;
}

Result<BlockFile> BlockFile::open(const std::string& path, uint64_t slots)
{
    INVARIANT(slots > 0);
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_DIRECT | O_DSYNC | O_CLOEXEC, 0600);
    if (file < 0) return std::unexpected(system_error("open " + path, errno));
    void* buffer = std::aligned_alloc(block_size, block_size);
    INVARIANT(buffer != nullptr);
    BlockFile blocks(file, slots, buffer);
    struct stat status = {};
    if (::fstat(file, &status) != 0) return std::unexpected(system_error("look at " + path, errno));
    const auto size = static_cast<uint64_t>(status.st_size);
    if (size == slots * block_size) return blocks;
    if (size != 0)
        return fail(ErrorKind::usage,
                    fmt::format("{} holds {} blocks, not {}", path, size / block_size, slots),
                    "give --slots as it was made");
    for (uint64_t slot = 0; slot < slots; ++slot) {
        std::memcpy(buffer, block_of(0, slot).data(), block_size);
        if (::pwrite(file, buffer, block_size, static_cast<off_t>(slot * block_size)) !=
            static_cast<ssize_t>(block_size))
            return std::unexpected(system_error("write " + path, errno));
    }
    if (::fsync(file) != 0) return std::unexpected(system_error("sync " + path, errno));
    return blocks;
}

BlockFile::~BlockFile()
{
    if (file_ >= 0) ::close(file_);
    std::free(buffer_);
}

BlockFile::BlockFile(BlockFile&& other) noexcept
    : file_(std::exchange(other.file_, -1)),
      slots_(other.slots_),
      buffer_(std::exchange(other.buffer_, nullptr))
{
}

Result<void> BlockFile::write(uint64_t number)
{
    const uint64_t slot = slot_of(number, slots_);
    std::memcpy(buffer_, block_of(number, slot).data(), block_size);
    const ssize_t written = ::pwrite(file_, buffer_, block_size, static_cast<off_t>(slot * block_size));
    if (written != static_cast<ssize_t>(block_size))
        return std::unexpected(
            system_error(fmt::format("write to slot {}", slot), written < 0 ? errno : EIO));
    return {};
}

Result<uint64_t> BlockFile::read(uint64_t slot) const
{
    const ssize_t got = ::pread(file_, buffer_, block_size, static_cast<off_t>(slot * block_size));
    if (got != static_cast<ssize_t>(block_size))
        return std::unexpected(system_error(fmt::format("read slot {}", slot), got < 0 ? errno : EIO));
    return number_in(std::string_view(static_cast<const char*>(buffer_), block_size), slot);
}

}  // namespace belay::lab
