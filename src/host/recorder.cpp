#include "host/mask.h"
#include "host/recorded.h"
#include "host/recording.h"

#include <mutex>

namespace belay::host {

class Recorder::Log {
  public:
    void keep(Contact contact)
    {
        const std::scoped_lock guard(mutex_);
        contacts_.push_back(std::move(contact));
    }
    void mask(Mask mask)
    {
        const std::scoped_lock guard(mutex_);
        mask_ = std::move(mask);
    }
    std::vector<Contact> masked() const
    {
        const std::scoped_lock guard(mutex_);
        std::vector<Contact> contacts = contacts_;
        for (Contact& contact : contacts) mask_.apply_to(contact);
        return contacts;
    }

  private:
    mutable std::mutex mutex_;
    std::vector<Contact> contacts_;
    Mask mask_;
};

Recorder::Recorder(Host& host) : host_(host), log_(std::make_unique<Log>()) {}
Recorder::~Recorder() = default;

Result<void> Recorder::mask(std::vector<std::string> secrets)
{
    log_->mask(TRY(Mask::of(std::move(secrets))));
    return {};
}

Result<std::string> Recorder::text() const
{
    return format_recording(log_->masked());
}

template <typename T>
Result<T> Recorder::keep(Question question, Result<T> answer)
{
    if (question.effect != Effect::reads) return answer;
    if (answer)
        log_->keep({.question = std::move(question), .answer = Answer(*answer)});
    else
        log_->keep({.question = std::move(question), .answer = std::unexpected(answer.error())});
    return answer;
}

Result<Outcome> Recorder::run(const Command& command)
{
    return keep(question::run(command), host_.run(command));
}

Result<std::string> Recorder::read(std::string_view path, Bytes limit)
{
    return keep(question::at(Call::read, path), host_.read(path, limit));
}

Result<void> Recorder::write(std::string_view path, std::string_view text)
{
    return host_.write(path, text);
}

Result<void> Recorder::replace(std::string_view path, std::string_view text)
{
    return host_.replace(path, text);
}

Result<void> Recorder::remove(std::string_view path)
{
    return host_.remove(path);
}

Result<std::vector<std::string>> Recorder::list(std::string_view path)
{
    return keep(question::at(Call::list, path), host_.list(path));
}

Result<std::string> Recorder::resolve(std::string_view path)
{
    return keep(question::at(Call::resolve, path), host_.resolve(path));
}

Result<std::string> Recorder::read_at(std::string_view path, Bytes offset, Bytes size)
{
    return keep(question::read_at(path, offset, size), host_.read_at(path, offset, size));
}

Result<void> Recorder::write_at(std::string_view path, Bytes offset, std::string_view bytes)
{
    return host_.write_at(path, offset, bytes);
}

Result<Space> Recorder::space(std::string_view path)
{
    return keep(question::at(Call::space, path), host_.space(path));
}

Result<Moment> Recorder::now()
{
    return keep(question::now(), host_.now());
}

Result<std::string> Recorder::random(size_t count)
{
    return keep(question::random(count), host_.random(count));
}

}  // namespace belay::host
