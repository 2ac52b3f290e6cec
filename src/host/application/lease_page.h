#pragma once
// Until when an application may serve, in a file that its supervisor writes, that the guard looks at, and
// that the application itself may look at before each thing that it does (include/belay/lease.h).

#include "base/result.h"
#include "host/application/process_handle.h"
#include "host/descriptor.h"

#include <chrono>
#include <cstdint>
#include <string>

namespace belay::host {

using Microseconds = std::chrono::microseconds;

/// Of the clock that leases are counted by: CLOCK_BOOTTIME.
Microseconds lease_clock();

/// One file, in memory. Threads: any, but one that writes at a time.
class LeasePage {
  public:
    /// Made where it is not there. Errors: those of the system.
    static Result<LeasePage> open(const std::string& path);
    LeasePage(LeasePage&& other) noexcept;
    LeasePage& operator=(LeasePage&& other) noexcept;
    ~LeasePage();

    /// 0: it may not serve.
    Microseconds until() const;
    uint64_t token() const;
    void set(Microseconds until, uint64_t token);
    /// Who is ended where the time comes and nobody has set another: a process, its group of processes, and
    /// its control group where it has one.
    void set_process(const ProcessName& process, const std::string& control_group);
    /// Ends it by force. False: it is gone, or not known.
    bool kill() const;

    /// One that can only be read, for the application. Errors: those of the system.
    static Result<Descriptor> readable(const std::string& path);

  private:
    struct Fields;
    explicit LeasePage(Fields* fields) : fields_(fields) {}
    Fields* fields_ = nullptr;
};

}  // namespace belay::host
