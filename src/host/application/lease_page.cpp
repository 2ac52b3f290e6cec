#include "host/application/lease_page.h"

#include "host/application/control_groups.h"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace belay::host {

/// The first two are what applications read: include/belay/lease.h.
struct LeasePage::Fields {
    uint64_t until;
    uint64_t token;
    uint64_t started;
    int64_t pid;
    char control_group[480];  // NOLINT(modernize-avoid-c-arrays): it lies in a file
};

Microseconds lease_clock()
{
    timespec now{};
    clock_gettime(CLOCK_BOOTTIME, &now);
    return std::chrono::duration_cast<Microseconds>(std::chrono::seconds(now.tv_sec) +
                                                    std::chrono::nanoseconds(now.tv_nsec));
}

Result<LeasePage> LeasePage::open(const std::string& path)
{
    const Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!file || ftruncate(file.number(), sizeof(Fields)) != 0)
        return std::unexpected(system_error("open " + path, errno));
    void* const at = mmap(nullptr, sizeof(Fields), PROT_READ | PROT_WRITE, MAP_SHARED, file.number(), 0);
    if (at == MAP_FAILED) return std::unexpected(system_error("map " + path, errno));
    return LeasePage(static_cast<Fields*>(at));
}

LeasePage::LeasePage(LeasePage&& other) noexcept : fields_(std::exchange(other.fields_, nullptr)) {}

LeasePage& LeasePage::operator=(LeasePage&& other) noexcept
{
    std::swap(fields_, other.fields_);
    return *this;
}

LeasePage::~LeasePage()
{
    if (fields_ != nullptr) munmap(fields_, sizeof(Fields));
}

Microseconds LeasePage::until() const
{
    return Microseconds(static_cast<int64_t>(std::atomic_ref(fields_->until).load()));
}

uint64_t LeasePage::token() const
{
    return std::atomic_ref(fields_->token).load();
}

void LeasePage::set(Microseconds until, uint64_t token)
{
    std::atomic_ref(fields_->token).store(token);
    std::atomic_ref(fields_->until).store(static_cast<uint64_t>(until.count()));
}

void LeasePage::set_process(const ProcessName& process, const std::string& control_group)
{
    std::atomic_ref(fields_->pid).store(0);
    fields_->started = process.started;
    std::memset(fields_->control_group, 0, sizeof fields_->control_group);
    if (control_group.size() < sizeof fields_->control_group)
        std::memcpy(fields_->control_group, control_group.data(), control_group.size());
    std::atomic_ref(fields_->pid).store(process.pid);
}

bool LeasePage::kill() const
{
    const auto pid = static_cast<pid_t>(std::atomic_ref(fields_->pid).load());
    if (pid <= 1) return false;
    if (fields_->control_group[0] != 0) {
        const std::string path = std::string(fields_->control_group) + "/cgroup.kill";
        const Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
        [[maybe_unused]] const ssize_t done = write(file.number(), "1", 1);
    }
    const auto started = start_of(pid);
    if (!started || *started != fields_->started) return false;
    ::kill(-pid, SIGKILL);
    ::kill(pid, SIGKILL);
    return true;
}

Result<Descriptor> LeasePage::readable(const std::string& path)
{
    Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return std::unexpected(system_error("open " + path, errno));
    return file;
}

}  // namespace belay::host
