#include "witness.h"

namespace belay::simulation {

using host::Call;
using host::Effect;

namespace {

std::unexpected<Error> died()
{
    return fail(ErrorKind::dead, "the process has died");
}

}  // namespace

template <typename Pass>
auto WitnessHost::meet(Call call, Effect effect, std::string_view what, Pass pass) -> decltype(pass())
{
    if (process_.dead) return died();
    const Fate fate = witness_.contact(call, effect, what);
    process_.dead = fate == Fate::dead_before || fate == Fate::dead_after;
    if (fate == Fate::dead_before) return died();
    if (fate == Fate::refuse)
        return fail(call == Call::run ? ErrorKind::failed : ErrorKind::io, fmt::format("refused: {}", what));
    if (effect == Effect::changes) witness_.changes(what);
    auto answer = pass();
    if (process_.dead) return died();
    if (fate == Fate::lost) return fail(ErrorKind::lost, fmt::format("no answer: {}", what));
    return answer;
}

Result<host::Outcome> WitnessHost::run(const host::Command& command)
{
    std::string what;
    for (const std::string& word : command.argv) what += (what.empty() ? "" : " ") + word;
    return meet(Call::run, command.effect, what, [&] { return host_.run(command); });
}

Result<std::string> WitnessHost::read(std::string_view path, Bytes limit)
{
    return meet(Call::read, Effect::reads, path, [&] { return host_.read(path, limit); });
}

Result<void> WitnessHost::write(std::string_view path, std::string_view text)
{
    return meet(Call::write, Effect::changes, path, [&] { return host_.write(path, text); });
}

Result<void> WitnessHost::replace(std::string_view path, std::string_view text)
{
    return meet(Call::replace, Effect::changes, path, [&] { return host_.replace(path, text); });
}

Result<void> WitnessHost::remove(std::string_view path)
{
    return meet(Call::remove, Effect::changes, path, [&] { return host_.remove(path); });
}

Result<std::vector<std::string>> WitnessHost::list(std::string_view path)
{
    return meet(Call::list, Effect::reads, path, [&] { return host_.list(path); });
}

Result<std::string> WitnessHost::resolve(std::string_view path)
{
    return meet(Call::resolve, Effect::reads, path, [&] { return host_.resolve(path); });
}

Result<std::string> WitnessHost::read_at(std::string_view path, Bytes offset, Bytes size)
{
    return meet(Call::read_at, Effect::reads, path, [&] { return host_.read_at(path, offset, size); });
}

Result<void> WitnessHost::write_at(std::string_view path, Bytes offset, std::string_view bytes)
{
    return meet(Call::write_at, Effect::changes, path, [&] { return host_.write_at(path, offset, bytes); });
}

Result<host::Space> WitnessHost::space(std::string_view path)
{
    return meet(Call::space, Effect::reads, path, [&] { return host_.space(path); });
}

Result<host::Moment> WitnessHost::now()
{
    return meet(Call::now, Effect::reads, "now", [&] { return host_.now(); });
}

Result<std::string> WitnessHost::random(size_t count)
{
    return meet(Call::random, Effect::reads, "random", [&] { return host_.random(count); });
}

Result<std::optional<store::Entry>> WitnessStore::get(std::string_view key)
{
    if (process_.dead) return died();
    return store_.get(key);
}

Result<std::vector<store::Entry>> WitnessStore::list(std::string_view prefix, std::string_view after,
                                                     size_t limit)
{
    if (process_.dead) return died();
    return store_.list(prefix, after, limit);
}

Result<store::Commit> WitnessStore::commit(const store::Transaction& transaction)
{
    if (process_.dead) return died();
    const Fate fate = witness_.commit(transaction);
    if (fate == Fate::refuse) return fail(ErrorKind::no_space, "the store is full");
    process_.dead = fate == Fate::dead_before || fate == Fate::dead_after;
    if (fate == Fate::dead_before) return died();
    store::Commit commit = TRY(store_.commit(transaction));
    if (commit.succeeded) witness_.durable(transaction);
    if (process_.dead) return died();
    return commit;
}

}  // namespace belay::simulation
