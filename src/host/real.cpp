#include "host/real.h"

#include "base/invariant.h"
#include "host/files.h"
#include "host/process.h"

#include <ctime>
#include <mutex>
#include <sys/random.h>
#include <unistd.h>

namespace belay::host {
namespace {

Result<Milliseconds> clock_reading(clockid_t clock)
{
    timespec time{};
    if (clock_gettime(clock, &time) != 0) return std::unexpected(system_error("read the clock", errno));
    return Milliseconds{int64_t{time.tv_sec} * 1000 + time.tv_nsec / 1'000'000};
}

class RealHost final : public Host {
  public:
    explicit RealHost(std::optional<int> inherited_lock) : processes_(inherited_lock)
    {
        INVARIANT(!inherited_lock || *inherited_lock > STDERR_FILENO);
        // Should somebody have written into the lock, no command may take that for an answer to a question.
        if (inherited_lock) lseek(*inherited_lock, 0, SEEK_END);
    }

    Result<Outcome> run(const Command& command) override { return processes_.run(command); }

    Result<std::string> read(std::string_view path, Bytes limit) override { return files::read(path, limit); }
    Result<void> write(std::string_view path, std::string_view text) override
    {
        return files::write(path, text);
    }
    Result<void> replace(std::string_view path, std::string_view text) override
    {
        const std::scoped_lock guard(replacing_);
        return files::replace(path, text);
    }
    Result<void> remove(std::string_view path) override { return files::remove(path); }
    Result<std::vector<std::string>> list(std::string_view path) override { return files::list(path); }
    Result<std::string> resolve(std::string_view path) override { return files::resolve(path); }
    Result<std::string> read_at(std::string_view path, Bytes offset, Bytes size) override
    {
        return files::read_at(path, offset, size);
    }
    Result<void> write_at(std::string_view path, Bytes offset, std::string_view bytes) override
    {
        return files::write_at(path, offset, bytes);
    }

    Result<Space> space(std::string_view path) override { return files::space(path); }

    Result<Moment> now() override
    {
        Moment moment;
        moment.wall = TRY(clock_reading(CLOCK_REALTIME));
        moment.boot = TRY(clock_reading(CLOCK_BOOTTIME));
        moment.boot_id = TRY(boot_id());
        moment.machine = machine();
        return moment;
    }

    Result<std::string> random(size_t count) override
    {
        std::string bytes(count, '\0');
        for (size_t filled = 0; filled < count;) {
            const ssize_t got = getrandom(bytes.data() + filled, count - filled, 0);
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) return std::unexpected(system_error("get random bytes", errno));
            filled += static_cast<size_t>(got);
        }
        return bytes;
    }

  private:
    /// Read once: no process sees two boots, and the file costs ten times what the clocks do.
    Result<std::string> boot_id()
    {
        const std::scoped_lock guard(reading_boot_id_);
        if (boot_id_.empty()) {
            boot_id_ = TRY(files::read("/proc/sys/kernel/random/boot_id", Bytes{64}));
            while (boot_id_.ends_with('\n')) boot_id_.pop_back();
        }
        return boot_id_;
    }

    Processes processes_;
    std::mutex replacing_;  ///< two threads would share one temporary name
    /// Source: machine-id(5). Not every machine has one.
    std::string machine()
    {
        const std::scoped_lock guard(reading_boot_id_);
        if (!machine_) {
            machine_ = files::read("/etc/machine-id", Bytes{64}).value_or("");
            while (machine_->ends_with('\n')) machine_->pop_back();
        }
        return *machine_;
    }

    std::mutex reading_boot_id_;
    std::string boot_id_;
    std::optional<std::string> machine_;
};

}  // namespace

std::unique_ptr<Host> real_host(std::optional<int> inherited_lock)
{
    return std::make_unique<RealHost>(inherited_lock);
}

}  // namespace belay::host
