#include "host/faulty.h"

namespace belay::host {
namespace {

std::string_view name_of(Fault::Kind kind)
{
    switch (kind) {
        case Fault::Kind::refuse:
            return "refused";
        case Fault::Kind::lost:
            return "lost";
        case Fault::Kind::dead:
            return "dead";
    }
    return "";
}

ErrorKind error_kind(Fault::Kind kind, Call call)
{
    switch (kind) {
        case Fault::Kind::refuse:
            return call == Call::run ? ErrorKind::failed : ErrorKind::io;
        case Fault::Kind::lost:
            return ErrorKind::lost;
        case Fault::Kind::dead:
            return ErrorKind::dead;
    }
    return ErrorKind::io;
}

}  // namespace

FaultyHost::FaultyHost(Host& host, std::optional<Fault> fault) : host_(host), fault_(fault) {}

size_t FaultyHost::contacts() const
{
    const std::scoped_lock guard(mutex_);
    return log_.size();
}

size_t FaultyHost::changes() const
{
    const std::scoped_lock guard(mutex_);
    return changes_;
}

std::string FaultyHost::log() const
{
    const std::scoped_lock guard(mutex_);
    return fmt::format("{}", fmt::join(log_, ""));
}

/// Numbers the contact and says what goes wrong with it, if anything does.
std::optional<Fault::Kind> FaultyHost::count(const Question& question)
{
    const std::scoped_lock guard(mutex_);
    const size_t number = log_.size() + 1;
    const bool changes = question.effect == Effect::changes;
    if (changes) ++changes_;
    std::optional<Fault::Kind> fault;
    if (fault_ && (fault_->at == number || (fault_->kind == Fault::Kind::dead && fault_->at < number)))
        fault = fault_->kind;
    log_.push_back(fmt::format("{} {}: {}{}\n", number, changes ? "changes" : "reads", to_text(question),
                               fault ? fmt::format(" ({})", name_of(*fault)) : ""));
    return fault;
}

template <typename Pass>
auto FaultyHost::meet(const Question& question, Pass pass) -> decltype(pass())
{
    const std::optional<Fault::Kind> fault = count(question);
    if (!fault) return pass();
    if (*fault == Fault::Kind::lost) static_cast<void>(pass());
    return fail(error_kind(*fault, question.call),
                fmt::format("{}, by intent: {}", name_of(*fault), to_text(question)));
}

Result<Outcome> FaultyHost::run(const Command& command)
{
    return meet(question::run(command), [&] { return host_.run(command); });
}

Result<std::string> FaultyHost::read(std::string_view path, Bytes limit)
{
    return meet(question::at(Call::read, path), [&] { return host_.read(path, limit); });
}

Result<void> FaultyHost::write(std::string_view path, std::string_view text)
{
    return meet(question::writing(Call::write, path, text), [&] { return host_.write(path, text); });
}

Result<void> FaultyHost::replace(std::string_view path, std::string_view text)
{
    return meet(question::writing(Call::replace, path, text), [&] { return host_.replace(path, text); });
}

Result<void> FaultyHost::remove(std::string_view path)
{
    return meet(question::at(Call::remove, path), [&] { return host_.remove(path); });
}

Result<std::vector<std::string>> FaultyHost::list(std::string_view path)
{
    return meet(question::at(Call::list, path), [&] { return host_.list(path); });
}

Result<std::string> FaultyHost::resolve(std::string_view path)
{
    return meet(question::at(Call::resolve, path), [&] { return host_.resolve(path); });
}

Result<std::string> FaultyHost::read_at(std::string_view path, Bytes offset, Bytes size)
{
    return meet(question::read_at(path, offset, size), [&] { return host_.read_at(path, offset, size); });
}

Result<void> FaultyHost::write_at(std::string_view path, Bytes offset, std::string_view bytes)
{
    return meet(question::writing(Call::write_at, path, bytes, offset),
                [&] { return host_.write_at(path, offset, bytes); });
}

Result<Space> FaultyHost::space(std::string_view path)
{
    return meet(question::at(Call::space, path), [&] { return host_.space(path); });
}

Result<Moment> FaultyHost::now()
{
    return meet(question::now(), [&] { return host_.now(); });
}

Result<std::string> FaultyHost::random(size_t count)
{
    return meet(question::random(count), [&] { return host_.random(count); });
}

}  // namespace belay::host
