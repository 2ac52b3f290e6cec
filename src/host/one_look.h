#pragma once
// A host at one moment: what was read once is not read again. A round of checks asks through it, so that all
// of them see the same machine, and a slow tool runs once for all.
//
//     OneLook look(host);
//     for (const Check& check : plan.checks) catalogue.ask(look, check.question);

#include "host/contact.h"

#include <map>

namespace belay::host {

/// Answers a question that changes nothing as it was answered the first time, errors as well; only the clocks
/// and random bytes are fresh. A change is passed on, and all answers are forgotten. Threads: one. The other
/// host is not owned.
class OneLook final : public Host {
  public:
    explicit OneLook(Host& host) : host_(host) {}

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
    Result<Moment> now() override { return host_.now(); }
    Result<std::string> random(size_t count) override { return host_.random(count); }

  private:
    template <typename T, typename Ask>
    Result<T> once(Question question, Ask ask);

    Host& host_;
    std::map<Question, Result<Answer>> seen_;
};

}  // namespace belay::host
