#pragma once
// A host that tells somebody of every contact that has come through to the machine.

#include "host/contact.h"

#include <functional>

namespace belay::simulated {

/// Threads: one. The other host is not owned.
class WatchedHost final : public host::Host {
  public:
    using Watcher = std::function<void(const host::Question&)>;

    /// `watcher` is called after each contact, and may look at the machine and change it, but not through
    /// this host.
    WatchedHost(host::Host& machine, Watcher watcher) : machine_(machine), watcher_(std::move(watcher)) {}

    Result<host::Outcome> run(const host::Command& command) override
    {
        return told(host::question::run(command), machine_.run(command));
    }
    Result<std::string> read(std::string_view path, Bytes limit) override
    {
        return told(host::question::at(host::Call::read, path), machine_.read(path, limit));
    }
    Result<void> write(std::string_view path, std::string_view text) override
    {
        return told(host::question::writing(host::Call::write, path, text), machine_.write(path, text));
    }
    Result<void> replace(std::string_view path, std::string_view text) override
    {
        return told(host::question::writing(host::Call::replace, path, text), machine_.replace(path, text));
    }
    Result<void> remove(std::string_view path) override
    {
        return told(host::question::at(host::Call::remove, path), machine_.remove(path));
    }
    Result<std::vector<std::string>> list(std::string_view path) override
    {
        return told(host::question::at(host::Call::list, path), machine_.list(path));
    }
    Result<std::string> resolve(std::string_view path) override
    {
        return told(host::question::at(host::Call::resolve, path), machine_.resolve(path));
    }
    Result<std::string> read_at(std::string_view path, Bytes offset, Bytes size) override
    {
        return told(host::question::read_at(path, offset, size), machine_.read_at(path, offset, size));
    }
    Result<void> write_at(std::string_view path, Bytes offset, std::string_view bytes) override
    {
        return told(host::question::writing(host::Call::write_at, path, bytes, offset),
                    machine_.write_at(path, offset, bytes));
    }
    Result<host::Space> space(std::string_view path) override
    {
        return told(host::question::at(host::Call::space, path), machine_.space(path));
    }
    Result<host::Moment> now() override { return told(host::question::now(), machine_.now()); }
    Result<std::string> random(size_t count) override
    {
        return told(host::question::random(count), machine_.random(count));
    }

  private:
    template <typename T>
    Result<T> told(const host::Question& question, Result<T> answer)
    {
        watcher_(question);
        return answer;
    }

    host::Host& machine_;
    Watcher watcher_;
};

}  // namespace belay::simulated
