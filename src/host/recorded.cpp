#include "host/recorded.h"

#include "base/invariant.h"
#include "host/recording.h"

#include <algorithm>
#include <map>
#include <mutex>

namespace belay::host {
namespace {

class Playback final : public RecordedHost {
  public:
    explicit Playback(std::vector<RecordedContact> contacts)
    {
        for (RecordedContact& recorded : contacts) {
            auto [question, answer] = std::move(recorded.contact);
            tracks_[std::move(question)].entries.push_back(
                {.answer = std::move(answer), .line = recorded.line});
        }
    }

    std::vector<std::string> unused() const override
    {
        const std::scoped_lock guard(mutex_);
        std::map<size_t, std::string> by_line;
        for (const auto& [question, track] : tracks_) {
            for (size_t i = track.used; i < track.entries.size(); ++i) {
                const size_t line = track.entries[i].line;
                by_line[line] = fmt::format("line {}: {}", line, to_text(question));
            }
        }
        std::vector<std::string> texts;
        texts.reserve(by_line.size());
        for (auto& [line, text] : by_line) texts.push_back(std::move(text));
        return texts;
    }

    Result<Outcome> run(const Command& command) override
    {
        const Question question = question::run(command);
        if (command.effect == Effect::changes) return refuse(question);
        return answer<Outcome>(question);
    }
    Result<std::string> read(std::string_view path, Bytes limit) override
    {
        std::string text = TRY(answer<std::string>(question::at(Call::read, path)));
        if (text.size() > limit.count)
            return fail(ErrorKind::corrupt, fmt::format("{} is larger than {}", path, belay::to_text(limit)));
        return text;
    }
    Result<void> write(std::string_view path, std::string_view text) override
    {
        return refuse(question::writing(Call::write, path, text));
    }
    Result<void> replace(std::string_view path, std::string_view text) override
    {
        return refuse(question::writing(Call::replace, path, text));
    }
    Result<void> remove(std::string_view path) override { return refuse(question::at(Call::remove, path)); }
    Result<std::vector<std::string>> list(std::string_view path) override
    {
        return answer<std::vector<std::string>>(question::at(Call::list, path));
    }
    Result<std::string> resolve(std::string_view path) override
    {
        return answer<std::string>(question::at(Call::resolve, path));
    }
    Result<std::string> read_at(std::string_view path, Bytes offset, Bytes size) override
    {
        return answer<std::string>(question::read_at(path, offset, size));
    }
    Result<void> write_at(std::string_view path, Bytes offset, std::string_view bytes) override
    {
        return refuse(question::writing(Call::write_at, path, bytes, offset));
    }
    Result<Space> space(std::string_view path) override
    {
        return answer<Space>(question::at(Call::space, path));
    }
    Result<Moment> now() override { return answer<Moment>(question::now()); }
    Result<std::string> random(size_t count) override { return answer<std::string>(question::random(count)); }

  private:
    struct Entry {
        Result<Answer> answer;
        size_t line = 0;
    };
    /// The answers to one question, in their order; the first `used` of them were given.
    struct Track {
        std::vector<Entry> entries;
        size_t used = 0;
    };

    template <typename T>
    Result<T> answer(const Question& question)
    {
        const std::scoped_lock guard(mutex_);
        const auto found = tracks_.find(question);
        if (found == tracks_.end())
            return fail(ErrorKind::not_found,
                        fmt::format("the recording has no answer to: {}", to_text(question)));
        Track& track = found->second;
        track.used = std::min(track.used + 1, track.entries.size());
        const Result<Answer>& recorded = track.entries[track.used - 1].answer;
        if (!recorded) return std::unexpected(recorded.error());
        INVARIANT(std::holds_alternative<T>(*recorded));
        return std::get<T>(*recorded);
    }

    static std::unexpected<Error> refuse(const Question& question)
    {
        return fail(ErrorKind::refused,
                    fmt::format("a recording cannot be changed by: {}", to_text(question)));
    }

    mutable std::mutex mutex_;
    std::map<Question, Track> tracks_;
};

}  // namespace

Result<std::unique_ptr<RecordedHost>> recorded_host(std::string_view text)
{
    return std::make_unique<Playback>(TRY(parse_recording(text)));
}

}  // namespace belay::host
