#pragma once
// A lab host with disks of one's choice and Belay on it, for tests that change them and cut its power.

#include "bench.h"

namespace belay {

class Workbench : public Bench {
  public:
    /// Belay's state is on a disk of its own, so that a power cut is honest.
    Workbench(std::vector<lab::Disk> disks, Words modules)
        : disks_(std::move(disks)), modules_(std::move(modules)), folder_(must(lab::Folder::make()))
    {
        disks_.push_back({"state", {64 << 20}, "LAB-state"});
        boot();
    }

    void boot()
    {
        host_.reset();
        auto host = lab::Host::boot(
            folder_, {.name = "bench", .memory = {256 << 20}, .disks = disks_, .modules = modules_});
        REQUIRE_MESSAGE(host.has_value(), host.error().what);
        host_ = std::move(*host);
        const std::string disk = host_->device("state");
        shell("blkid " + disk + " >/dev/null || mke2fs -q -t ext4 " + disk +
              "; mkdir -p /var/lib/belay /mnt/data; mount " + disk + " /var/lib/belay");
    }
    void cut_power() override
    {
        host_->power_cut();
        boot();
    }
    lab::Host& host() override { return *host_; }
    std::string disk(const std::string& name) { return host_->device(name); }
    /// What the next boot finds, in this order.
    std::vector<lab::Disk>& disks() { return disks_; }

  private:
    std::vector<lab::Disk> disks_;
    Words modules_;
    lab::Folder folder_;
    std::unique_ptr<lab::Host> host_;
};

}  // namespace belay
