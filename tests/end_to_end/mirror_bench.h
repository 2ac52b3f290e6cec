#pragma once
// A bench with an array under load: two to four disks of it, two blank ones, a filesystem that is mounted.

#include "bench.h"
#include "mirror.h"

namespace belay {

class MirrorBench : public Bench {
  public:
    explicit MirrorBench(lab::MirrorOptions options = {.disk = {48 << 20}, .joining = {48 << 20}})
        : folder_(must(lab::Folder::make())), mirror_(must(lab::Mirror::build(folder_, std::move(options))))
    {
    }

    lab::Host& host() override { return mirror_.host(); }
    void cut_power() override
    {
        load_.reset();
        mirror_.power_cut();
        boot();
    }
    /// Off in order, and on again without these disks.
    void boot_without(Words serials)
    {
        pulled_ = std::move(serials);
        end_daemon();
        must(host().power_off());
        boot();
    }
    lab::Mirror& mirror() { return mirror_; }

    /// The words of a procedure, with the array in the place of "ARRAY".
    Words on_array(Words words) const
    {
        std::ranges::replace(words, std::string("ARRAY"), mirror_.array());
        return words;
    }
    /// Of the array, below its folder in sysfs.
    std::string setting(const std::string& file)
    {
        return shell("cat /sys/block/$(basename $(readlink -f " + mirror_.array() + "))/md/" + file);
    }
    std::string detail() { return shell("mdadm --detail " + mirror_.array()); }
    /// Whether the array has the first partition of that disk as a member in sync.
    bool serves(const std::string& serial)
    {
        return try_shell("mdadm --detail " + mirror_.array() +
                         " | grep 'active sync' | grep -q \" $(readlink -f " + mirror_.disk(serial) +
                         "-part1)$\"")
                   .exit_code == 0;
    }

    void start_load()
    {
        const std::string blocks = std::string(lab::Mirror::data) + "/blocks";
        load_.emplace(must(host().start({program("belay-load"), "run", blocks})));
        REQUIRE(load_->read_until("ready\n", std::chrono::seconds(30)).has_value());
    }
    /// Every block is what was written last.
    void end_load()
    {
        must(load_->signal(SIGTERM));
        const host::Outcome outcome = must(load_->wait(std::chrono::seconds(60)));
        CHECK_MESSAGE(outcome.out.find(", 0 lost") != std::string::npos, outcome.out, outcome.err);
        load_.reset();
    }

  private:
    void boot()
    {
        const Result<void> booted = mirror_.boot(pulled_);
        REQUIRE_MESSAGE(booted.has_value(), booted.error().what);
    }

    lab::Folder folder_;
    lab::Mirror mirror_;
    Words pulled_;
    std::optional<lab::Process> load_;
};

}  // namespace belay
