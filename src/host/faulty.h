#pragma once
// A host on which one contact goes wrong: the fault loops run a procedure once for every contact and every
// fault.
//
//     for (size_t at = 1;; ++at) {
//         SimulatedHost machine;
//         FaultyHost host(machine, Fault{Fault::Kind::lost, at});
//         ... run, hold the promises against the machine, show host.log() where one is broken ...
//         if (host.contacts() < at) break;
//     }

#include "host/contact.h"

#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace belay::host {

struct Fault {
    enum class Kind {
        refuse,  ///< not passed on; kind failed for a command, io for all else
        lost,    ///< passed on, but the answer is thrown away: kind lost
        dead,    ///< from here on nothing is passed on: kind dead for ever
    };
    Kind kind = Kind::refuse;
    size_t at = 1;  ///< the contact, counted from 1
};

/// Passes every call on to another host, but for the fault. Threads: any; where several threads call, their
/// contacts are numbered as they come. The other host is not owned.
class FaultyHost final : public Host {
  public:
    explicit FaultyHost(Host& host, std::optional<Fault> fault = std::nullopt);

    /// All contacts so far, those that were not passed on as well.
    size_t contacts() const;
    /// Those of them that change the machine, or would have.
    size_t changes() const;
    /// One line a contact, in their order: "3 changes: run mdadm --stop /dev/md0 (lost)".
    std::string log() const;

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
    std::optional<Fault::Kind> count(const Question& question);
    template <typename Pass>
    auto meet(const Question& question, Pass pass) -> decltype(pass());

    Host& host_;
    std::optional<Fault> fault_;
    mutable std::mutex mutex_;
    std::vector<std::string> log_;
    size_t changes_ = 0;
};

}  // namespace belay::host
