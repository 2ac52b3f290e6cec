#pragma once
// What the lab and the agent inside the guest say to each other, over one serial line. A serial line is a
// stream of bytes without boundaries, so everything travels in frames, and several commands share the line
// by their number:
//
//     payload size  4 bytes, little endian, at most frame_limit
//     type          1 byte
//     command       4 bytes, little endian; 0 where no command is meant
//     payload
//
// Text fields in a payload are separated by a zero byte (join, split). There is no version: both ends come
// from the same build.

#include "base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace belay::lab {

/// The largest payload, in bytes.
constexpr size_t frame_limit = size_t{64} * 1024;

/// How many bytes the lab may have sent that the guest has not yet `taken`. The guest's line discipline holds
/// 4 KiB and then throttles the line, from which the kernel's driver of the line does not always recover.
constexpr size_t window = size_t{3} * 1024;

enum class FrameType : uint8_t {
    // to the guest
    prepare,  ///< once, after hello: fields of "name NAME", "module NAME", "share PATH"
    start,    ///< rows, columns ("0" "0": pipes in place of a terminal), then the argv
    input,
    input_end,
    signal,  ///< the number, in decimal; to the command's whole process group
    resize,  ///< rows, columns
    power_off,
    // from the guest
    hello,   ///< the line is open: what came before is lost
    taken,   ///< so many bytes, in decimal, have been read from the line since the last
    ready,   ///< udev has settled; commands may come
    broken,  ///< the guest cannot be made ready: a sentence
    out,
    err,
    exited,       ///< exit code, 128 + signal; nothing of this command follows
    not_started,  ///< errno, in decimal; nothing of this command follows
};

struct Frame {
    FrameType type;
    uint32_t command = 0;
    std::string payload = {};
};

/// The frame as bytes; a payload over frame_limit is a programming error.
std::string encode(const Frame& frame);

/// Cuts a stream of bytes into frames. Threads: one at a time.
class Decoder {
  public:
    void feed(std::string_view bytes) { bytes_ += bytes; }
    /// The next whole frame; nothing while it is incomplete. Errors: corrupt.
    Result<std::optional<Frame>> next();

  private:
    std::string bytes_;
};

std::string join(const std::vector<std::string>& fields);
std::vector<std::string> split(std::string_view fields);

}  // namespace belay::lab
