#pragma once
// A machine in memory: files, folders, links and block devices, programs that are functions, and clocks that
// only the simulation moves.
//
//     SimulatedHost host;
//     host.install("mdadm", [](Machine& machine, const Command& command) { ... });
//     host.change([](Machine& machine) { machine.put_device("/dev/sda", Bytes{1 << 20}); });
//     ... what is tested runs on it, as on any Host ...
//     host.advance(10min);
//     host.power_cut(1h);
//     CHECK(host.machine().nodes == before.nodes);

#include "host/host.h"

#include <functional>
#include <map>
#include <mutex>
#include <optional>

namespace belay::host {

/// One thing that has a path.
struct Node {
    enum class Kind { file, folder, link, device } kind = Kind::file;
    std::string bytes = {};  ///< of a link: where it leads to

    bool operator==(const Node&) const = default;
};

/// Everything that there is of the machine; copying it is the way to take a snapshot. Paths are absolute. Its
/// own functions are what tests and simulated programs use; they cost no contact.
struct Machine {
    std::map<std::string, Node, std::less<>> nodes;  ///< every folder is among them, but for "/"
    Milliseconds wall{1'700'000'000'000};
    Milliseconds boot{0};
    uint64_t boots = 1;
    std::string id = {};  ///< as in machine-id(5)
    uint64_t random = 1;  ///< the seed of what random() gives
    Space room = {.free = {1ULL << 40}, .total = {1ULL << 41}};

    std::string boot_id() const;

    /// Makes or replaces a node, and the folders above it.
    void put(std::string_view path, Node node);
    void put_file(std::string_view path, std::string_view text);
    void put_device(std::string_view path, Bytes size);  ///< all zero
    void put_link(std::string_view path, std::string_view target);
    void put_folder(std::string_view path);
    /// Removes a node and all that is below it.
    void erase(std::string_view path);

    /// What a path leads to, through links; null where there is nothing.
    const Node* find(std::string_view path) const;
    Node* find(std::string_view path);
    /// The text of a file; nothing where there is no such file.
    std::optional<std::string> text(std::string_view path) const;
    /// The path without links. Errors: not_found, io (links in a ring).
    Result<std::string> resolve(std::string_view path) const;
};

/// A program: works on the machine and comes back at once. What goes on after it came back (a resync) is done
/// by the function of set_passage().
using Program = std::function<Result<Outcome>(Machine& machine, const Command& command)>;

/// Threads: any, one call at a time.
class SimulatedHost final : public Host {
  public:
    SimulatedHost() = default;
    explicit SimulatedHost(Machine machine) : machine_(std::move(machine)) {}

    void install(std::string name, Program program);
    /// What the kernel does by itself: called whenever time has passed while the machine was on.
    void set_passage(std::function<void(Machine&, Milliseconds elapsed)> passage);
    /// What the kernel does at a boot: called after each power_cut().
    void set_start(std::function<void(Machine&)> start);
    /// What the kernel makes of a text that is written into a file of /sys: called instead of keeping it.
    void set_setting(
        std::function<Result<void>(Machine&, std::string_view path, std::string_view text)> setting);
    /// Folders whose contents a power cut takes away; at first: /run.
    void set_volatile(std::vector<std::string> folders);

    /// Both clocks go on.
    void advance(Milliseconds span);
    /// The wall clock is set, forward or back; the boot clock does not see it.
    void shift_wall_clock(Milliseconds by);
    /// The machine is off for so long and starts again; its wall clock is then wrong by `wall_error`.
    void power_cut(Milliseconds off, Milliseconds wall_error = {});

    Machine machine() const;
    void change(const std::function<void(Machine&)>& act);
    /// Looks without a copy. `look` must not call the host.
    void look(const std::function<void(const Machine&)>& look) const;

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
    Result<const Node*> contents(std::string_view path) const;

    mutable std::mutex mutex_;
    Machine machine_;
    std::map<std::string, Program, std::less<>> programs_;
    std::function<void(Machine&, Milliseconds)> passage_;
    std::function<void(Machine&)> start_;
    std::function<Result<void>(Machine&, std::string_view, std::string_view)> setting_;
    std::vector<std::string> volatile_ = {"/run"};
};

}  // namespace belay::host
