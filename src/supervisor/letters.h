#pragma once
// What supervisors of different hosts send each other by datagrams: nobody else can read it, make it, or send
// it a second time (libsodium's crypto_box). Everyone has a key pair that is made on its machine; the public
// keys come from the controller.
//
// A letter names the program that it is for, by a number that this one chose at its start: so what was
// written for an earlier one counts no more, and one that was started anew is told that number in the answer.

#include "base/result.h"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace belay::supervisor {

using HostId = int64_t;

/// Threads: one.
class Letters {
  public:
    /// The pair of keys is in the file; made where it is not there. Errors: those of read_key_file() and
    /// write_key_file(), corrupt.
    static Result<Letters> open(const std::string& key_file);

    /// In base64.
    const std::string& public_key() const { return public_key_; }

    /// Whose letters are read. Errors: usage, it is no key.
    Result<void> meet(HostId self, HostId other, std::string_view public_key);
    void forget(HostId other) { others_.erase(other); }

    /// Empty: that one is not known.
    std::string seal(HostId to, std::string_view text);

    struct Opened {
        HostId from = 0;
        std::string text = {};
        bool wants_answer = false;  ///< it does not know who we are yet: seal() something, be it empty
    };
    /// Nothing: it is not for us, not from anybody whom we know, damaged, or not new.
    std::optional<Opened> open(std::string_view letter);

  private:
    struct Other {
        std::array<unsigned char, 32> shared{};
        uint64_t writes_as = 0;  ///< 0: not known yet
        uint64_t last = 0;       ///< the number of what it wrote last
    };
    Letters() = default;

    std::string public_key_;
    std::array<unsigned char, 32> secret_{};
    HostId self_ = 0;
    uint64_t writes_as_ = 0, number_ = 0;
    std::map<HostId, Other> others_;
};

}  // namespace belay::supervisor
