#pragma once
// A file of /proc or sysfs of which the kernel says that it has changed, so that nobody has to ask again and
// again. Source: poll(2), POLLPRI; the kernel's md_seq_poll and sysfs_notify.

#include "base/result.h"
#include "host/descriptor.h"

namespace belay::host {

/// Threads: one.
class AwaitedFile {
  public:
    /// Errors: not_found, permission, io.
    static Result<AwaitedFile> open(const std::string& path);

    /// For poll or epoll: EPOLLPRI when there is news since the last take().
    int descriptor() const { return file_.number(); }
    /// Takes the news: reads the file to its end from the beginning, and leaves what it says alone.
    void take() const;

  private:
    explicit AwaitedFile(Descriptor file) : file_(std::move(file)) {}
    Descriptor file_;
};

}  // namespace belay::host
