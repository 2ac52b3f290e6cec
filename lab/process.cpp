#include "process.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fmt/format.h>

namespace belay::lab {

Result<Process> Process::start(std::shared_ptr<Line> line, std::vector<std::string> argv,
                               const TerminalSize* size)
{
    std::vector<std::string> fields = {fmt::to_string(size ? size->rows : 0),
                                       fmt::to_string(size ? size->columns : 0)};
    fields.insert(fields.end(), argv.begin(), argv.end());
    std::string payload = join(fields);
    if (argv.empty() || payload.size() > frame_limit)
        return fail(ErrorKind::usage, "a command is no words, or more than 64 KiB of them");
    const uint32_t number = TRY(line->start(std::move(payload)));
    return Process(std::move(line), number, std::move(argv));
}

Process::~Process()
{
    if (!line_) return;
    bool ended = false;
    line_->wait(number_, Milliseconds(0), [&](const Transcript& transcript) {
        ended = transcript.exit_code.has_value();
        return true;
    });
    if (!ended) (void)signal(SIGKILL);  // where the guest has gone, so has the command
    line_->forget(number_);
}

Result<void> Process::write(std::string_view bytes)
{
    for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), frame_limit)))
        TRY(line_->send({FrameType::input, number_, std::string(bytes.substr(0, frame_limit))}));
    return {};
}

Result<void> Process::close_input()
{
    return line_->send({FrameType::input_end, number_});
}

Result<void> Process::signal(int number)
{
    return line_->send({FrameType::signal, number_, fmt::to_string(number)});
}

Result<void> Process::resize(TerminalSize size)
{
    return line_->send(
        {FrameType::resize, number_, join({fmt::to_string(size.rows), fmt::to_string(size.columns)})});
}

std::string Process::name() const
{
    return host::Command{.argv = argv_}.to_text();
}

Result<void> Process::check(const Transcript& transcript) const
{
    if (!transcript.failure) return {};
    Error error = *transcript.failure;
    error.argv = argv_;
    if (error.errno_value == ENOENT) {
        error.kind = ErrorKind::not_found;
        error.what = fmt::format("there is no program {} in the guest", argv_.front());
    }
    return std::unexpected(std::move(error));
}

Result<std::string> Process::read(Milliseconds limit)
{
    Result<std::string> said =
        fail(ErrorKind::timeout, fmt::format("{} says nothing for {}", name(), to_text(limit)));
    line_->wait(number_, limit, [&](Transcript& transcript) {
        if (transcript.out.empty() && !transcript.over()) return false;
        const Result<void> alive = check(transcript);
        if (transcript.out.empty() && !alive)
            said = std::unexpected(alive.error());
        else
            said = std::exchange(transcript.out, {});
        return true;
    });
    return said;
}

Result<std::string> Process::read_until(std::string_view text, Milliseconds limit)
{
    Result<std::string> said = fail(ErrorKind::timeout, {});
    line_->wait(number_, limit, [&](Transcript& transcript) {
        if (const size_t found = transcript.out.find(text); found != std::string::npos) {
            said = transcript.out.substr(0, found + text.size());
            transcript.out.erase(0, found + text.size());
            return true;
        }
        said.error().output = transcript.out;
        if (!transcript.over()) return false;
        said.error().kind = ErrorKind::failed;
        if (const Result<void> alive = check(transcript); !alive) said = std::unexpected(alive.error());
        return true;
    });
    if (!said && said.error().what.empty())
        said.error().what = fmt::format("{} never said \"{}\"", name(), text);
    return said;
}

Result<host::Outcome> Process::wait(Milliseconds limit)
{
    Result<host::Outcome> outcome =
        fail(ErrorKind::timeout, fmt::format("{} has not ended within {}", name(), to_text(limit)));
    line_->wait(number_, limit, [&](Transcript& transcript) {
        if (!transcript.over()) return false;
        if (const Result<void> alive = check(transcript); !alive)
            outcome = std::unexpected(alive.error());
        else
            outcome = host::Outcome{*transcript.exit_code, std::exchange(transcript.out, {}),
                                    std::exchange(transcript.err, {})};
        return true;
    });
    return outcome;
}

}  // namespace belay::lab
