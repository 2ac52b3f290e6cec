#include "host/one_look.h"

namespace belay::host {

template <typename T, typename Ask>
Result<T> OneLook::once(Question question, Ask ask)
{
    auto known = seen_.find(question);
    if (known == seen_.end()) {
        Result<T> fresh = ask();
        Result<Answer> answer = std::unexpected(Error{});
        if (fresh)
            answer = Answer(*std::move(fresh));
        else
            answer = std::unexpected(std::move(fresh).error());
        known = seen_.emplace(std::move(question), std::move(answer)).first;
    }
    if (!known->second) return std::unexpected(known->second.error());
    return std::get<T>(*known->second);
}

Result<Outcome> OneLook::run(const Command& command)
{
    if (command.effect == Effect::reads)
        return once<Outcome>(question::run(command), [&] { return host_.run(command); });
    seen_.clear();
    return host_.run(command);
}

Result<std::string> OneLook::read(std::string_view path, Bytes limit)
{
    return once<std::string>(question::at(Call::read, path), [&] { return host_.read(path, limit); });
}

Result<void> OneLook::write(std::string_view path, std::string_view text)
{
    seen_.clear();
    return host_.write(path, text);
}

Result<void> OneLook::replace(std::string_view path, std::string_view text)
{
    seen_.clear();
    return host_.replace(path, text);
}

Result<void> OneLook::remove(std::string_view path)
{
    seen_.clear();
    return host_.remove(path);
}

Result<std::vector<std::string>> OneLook::list(std::string_view path)
{
    return once<std::vector<std::string>>(question::at(Call::list, path), [&] { return host_.list(path); });
}

Result<std::string> OneLook::resolve(std::string_view path)
{
    return once<std::string>(question::at(Call::resolve, path), [&] { return host_.resolve(path); });
}

Result<std::string> OneLook::read_at(std::string_view path, Bytes offset, Bytes size)
{
    return once<std::string>(question::read_at(path, offset, size),
                             [&] { return host_.read_at(path, offset, size); });
}

Result<void> OneLook::write_at(std::string_view path, Bytes offset, std::string_view bytes)
{
    seen_.clear();
    return host_.write_at(path, offset, bytes);
}

Result<Space> OneLook::space(std::string_view path)
{
    return once<Space>(question::at(Call::space, path), [&] { return host_.space(path); });
}

}  // namespace belay::host
