#pragma once
// What a terminal would show of the bytes that a device sends: lines of text.

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace belay::upgrade::iosxe::vty {

/// A terminal of one endless line: carriage returns and backspaces move in it and what follows overwrites,
/// "erase to the end of the line" does so, all other sequences of ECMA-48 and all other control characters
/// but the tabulator go. Bytes may come in pieces that are cut anywhere. Threads: one.
class PlainText {
  public:
    /// `finished`: is told each line that was ended, without blanks at its end.
    using Finished = std::function<void(std::string_view line)>;
    void hear(std::string_view bytes, const Finished& finished);
    /// The line that is not ended yet, as it is now, without blanks at its end.
    std::string_view unfinished() const;

  private:
    enum class Within { text, escape, intermediate, sequence, string, string_escape };

    void hear(unsigned char byte, const Finished& finished);
    void put(char c);
    void control(unsigned char byte, const Finished& finished);
    void end_sequence(unsigned char last);

    std::string line_;
    size_t column_ = 0;
    Within within_ = Within::text;
    std::string arguments_;  ///< of a sequence, the first few
    size_t length_ = 0;      ///< of the sequence so far
};

}  // namespace belay::upgrade::iosxe::vty
