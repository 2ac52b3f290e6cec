#pragma once
// The receiving end of scp's own protocol, as the device has it ("scp -t flash:NAME"): bytes in, bytes out, a
// file in the flash. Clients of OpenSSH 9 speak it with `scp -O`. Source of the protocol: OpenSSH's scp.c.

#include "iosxe/device.h"
#include "iosxe/image.h"

namespace belay::lab::iosxe {

/// The path that this command would write to ("flash:x"); nothing: it is no `scp -t`.
std::optional<std::string> scp_target(std::string_view command);

/// Threads: one.
class ScpSink {
  public:
    /// `device` is not owned.
    ScpSink(std::string_view target, Device& device);
    /// What came of a file whose end never did stays in the flash: it is no image, and has another hash.
    ~ScpSink();
    ScpSink(const ScpSink&) = delete;
    ScpSink& operator=(const ScpSink&) = delete;

    void receive(std::string_view bytes, Time now);
    std::string take_output() { return std::exchange(output_, {}); }
    /// Of the files so far, in bytes.
    uint64_t carried() const { return carried_; }
    /// It has refused, or the other end has sent what makes no sense.
    bool failed() const { return failed_; }

  private:
    void header(const std::string& line, Time now);
    void content(std::string_view& bytes, Time now);
    void refuse(std::string_view why);

    Device& device_;
    std::string name_;  ///< empty: the sender says
    std::string output_ = std::string(1, '\0');
    std::string line_;
    std::optional<FileBeingWritten> file_;
    uint64_t expected_ = 0;
    uint64_t received_ = 0;
    uint64_t carried_ = 0;
    Time latest_ = {};
    bool ending_ = false;  ///< the content is there, the byte behind it is not
    bool failed_ = false;
};

}  // namespace belay::lab::iosxe
