#pragma once
// A machine that answers from a recording, and the recorder that makes one. The format: host/recording.h.

#include "host/contact.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace belay::host {

/// Passes every call on to another host and keeps those that only read, with their answers. Calls that change
/// the machine are passed on and not kept. Threads: any. The other host is not owned.
class Recorder final : public Host {
  public:
    explicit Recorder(Host& host);
    ~Recorder() override;

    /// These strings (serial numbers) are replaced in the whole recording, also in what was kept before: by
    /// stable pseudonyms of the same length. A later call replaces the list. Errors: usage (see host/mask.h).
    Result<void> mask(std::vector<std::string> secrets);

    /// The recording so far. Errors: usage (too long for the format).
    Result<std::string> text() const;

    Result<Outcome> run(const Command& command) override;
    Result<std::string> read(std::string_view path, Bytes limit) override;
    Result<void> write(std::string_view path, std::string_view text) override;
    Result<void> replace(std::string_view path, std::string_view text) override;
    Result<void> remove(std::string_view path) override;
    Result<std::vector<std::string>> list(std::string_view path) override;
    Result<std::string> resolve(std::string_view path) override;
    Result<std::string> read_at(std::string_view path, Bytes offset, Bytes size) override;
    Result<void> write_at(std::string_view path, Bytes offset, std::string_view bytes) override;
    Result<Space> space(std::string_view path) override;
    Result<Moment> now() override;
    Result<std::string> random(size_t count) override;

  private:
    class Log;
    template <typename T>
    Result<T> keep(Question question, Result<T> answer);

    Host& host_;
    std::unique_ptr<Log> log_;
};

/// A host that knows nothing but a recording. The same question gets the recorded answers in their order, and
/// the last one again and again, so that a probe can be repeated. A question that was never recorded:
/// not_found, which names it. What changes the machine: refused. Limits: a file longer than the asker's limit
/// is corrupt, as on a real host; a command's time does not count. Threads: any.
class RecordedHost : public Host {
  public:
    /// The recorded contacts that no question has used, as "line 12: run mdadm --detail /dev/md0". A test
    /// demands that there are none.
    virtual std::vector<std::string> unused() const = 0;
};

/// Errors: those of parse_recording.
Result<std::unique_ptr<RecordedHost>> recorded_host(std::string_view text);

}  // namespace belay::host
