#pragma once
// Cuts what comes by a socket into lines. A line that is too long, or for which there is no room, is skipped
// to its end and counted: whoever sends it is not held up, and nothing piles up.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace belay::message_server {

/// Room for the beginnings of long lines of all connections.
struct LineRoom {
    size_t left = 16 << 20;
};

/// Threads: one at a time; all that share a room in the same.
class Lines {
  public:
    /// A message of a mebibyte, with what JSON needs to say it.
    static constexpr size_t longest = 2 << 20;
    /// A beginning so long needs no room of the others.
    static constexpr size_t always = 16 << 10;

    explicit Lines(LineRoom& room) : room_(room) {}
    ~Lines() { give_back(); }
    Lines(const Lines&) = delete;
    Lines& operator=(const Lines&) = delete;

    /// Calls for each line that has ended, without its end ("\n" or "\r\n"); empty ones are none.
    template <typename Each>
    void feed(std::string_view bytes, const Each& each)
    {
        while (!bytes.empty()) {
            const size_t end = bytes.find('\n');
            if (end == std::string_view::npos) return keep(bytes);
            if (!begun_.empty() || skipping_) {
                keep(bytes.substr(0, end));
                if (!skipping_) give(begun_, each);
                forget();
            } else {
                give(bytes.substr(0, end), each);
            }
            bytes.remove_prefix(end + 1);
        }
    }
    /// What stands there without an end, at the end.
    template <typename Each>
    void finish(const Each& each)
    {
        if (!skipping_) give(begun_, each);
        forget();
    }
    /// Lines that were skipped since the last call.
    uint64_t take_skipped() { return std::exchange(skipped_, 0); }

  private:
    template <typename Each>
    static void give(std::string_view line, const Each& each)
    {
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (!line.empty()) each(line);
    }
    void keep(std::string_view more);
    void forget();
    void give_back();

    LineRoom& room_;
    std::string begun_;
    size_t taken_ = 0;  ///< of the room
    bool skipping_ = false;
    uint64_t skipped_ = 0;
};

}  // namespace belay::message_server
