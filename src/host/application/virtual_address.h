#pragma once
// An address that a host has while an application on it serves. It is given for a time (address lifetimes,
// ip-address(8)), so the kernel takes it away where nobody renews it.

#include "base/result.h"
#include "host/descriptor.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace belay::host {

/// By rtnetlink(7); for root alone. Its end may take some milliseconds, for which the kernel waits until no
/// processor looks at its socket any more. Threads: any, one at a time.
class VirtualAddress {
  public:
    /// "192.0.2.7/24", "2001:db8::7/64". Errors: usage; not_found, no such interface.
    static Result<VirtualAddress> of(const std::string& address, const std::string& interface);

    /// The host has it from now on, for that long, or for that long again. Errors: those of the system.
    Result<void> take(std::chrono::seconds lifetime) const;
    /// Others on the network learn that it is here now (gratuitous ARP, unsolicited neighbour advertisement).
    /// Errors: those of the system.
    Result<void> announce();
    /// Nothing happens where it is not there.
    void give_up() const;
    /// With all TCP connections to it: their callers learn that, and find the next one who has it when they
    /// call again.
    void give_up_with_connections() const;

    /// For a person who does the same by hand.
    const std::string& text() const { return text_; }

  private:
    VirtualAddress() = default;
    Result<void> change(uint16_t type, uint16_t flags, uint32_t lifetime) const;
    void hear_no_more() const;
    std::string number() const { return text_.substr(0, text_.find('/')); }
    Result<void> announce_by_arp();
    Result<void> announce_by_neighbour_discovery() const;
    size_t size() const { return is_6_ ? 16 : 4; }

    std::string text_;
    std::array<unsigned char, 16> bytes_{};
    bool is_6_ = false;
    uint8_t length_ = 0;
    unsigned interface_ = 0;
    std::shared_ptr<const Descriptor> announcer_;  ///< once it has been announced by ARP
};

}  // namespace belay::host
