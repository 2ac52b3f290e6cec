#pragma once
// A proxy's door to the machines of its branch: what it has a copy of is read here when the controllers are
// far away.
//
// It serves Ask of belay.v1.Site and nothing else of it. Whoever shows a certificate of the site may ask; a
// person's session is known to controllers alone. A member that was revoked is not known as such here, and
// may read until its certificate ends.

#include "site/identity/membership_file.h"
#include "site/loop.h"
#include "site/method.h"
#include "site/workers.h"

#include <functional>
#include <memory>
#include <string>

namespace belay::site {

struct BranchOptions {
    std::string listen;                ///< HOST:PORT; port 0: any that is free
    const Methods* methods = nullptr;  ///< that may be asked; outlives the branch and the workers' jobs
    /// The wall clock now; by it certificates are good or not. Threads: any.
    std::function<Milliseconds()> wall = [] {
        return std::chrono::duration_cast<Milliseconds>(std::chrono::system_clock::now().time_since_epoch());
    };
};

/// Threads: that of the loop. The certificate is that of the membership when it was opened: one that gets a
/// new one opens it anew.
class Branch {
  public:
    /// Listens. Errors: usage (the role of this machine is another), unavailable (the address is taken, or
    /// not of this machine).
    static Result<std::unique_ptr<Branch>> open(Loop& loop, Workers& workers, const Membership& membership,
                                                const BranchOptions& options);
    /// After stop(), when the workers are idle.
    ~Branch();
    Branch(const Branch&) = delete;
    Branch& operator=(const Branch&) = delete;

    /// Where it listens: HOST:PORT.
    const std::string& address() const;
    void topic_changed(const std::string& topic);
    void stop();

  private:
    struct Parts;
    explicit Branch(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace belay::site
