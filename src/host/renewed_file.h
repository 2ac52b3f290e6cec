#pragma once
// A file of which somebody wants to know when it has been written anew, or another one, or a link, put in its
// place. The kernel says so, and nobody has to look again and again. Source: inotify(7).

#include "base/result.h"
#include "host/descriptor.h"

#include <string>

namespace belay::host {

/// Threads: one.
class RenewedFile {
  public:
    /// The file need not be there; its folder has to. Where its path is a link, the link is what is watched.
    /// Errors: those of the system.
    static Result<RenewedFile> open(const std::string& path);

    /// For poll or epoll: readable when something has happened in its folder.
    int descriptor() const { return folder_.number(); }
    /// Takes what has happened; whether the file was renewed.
    bool take() const;

  private:
    RenewedFile(Descriptor folder, std::string path, std::string name)
        : folder_(std::move(folder)), path_(std::move(path)), name_(std::move(name))
    {
    }

    Descriptor folder_;
    std::string path_, name_;  ///< the name in its folder
};

/// Which file is there, and when it was last written: another text after each renewal. Empty: there is none.
std::string version_of(const std::string& path);

}  // namespace belay::host
