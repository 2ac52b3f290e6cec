#include "backup/block/isolated.h"

#include "host/descriptor.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace belay::backup {
namespace {

constexpr unsigned most_seconds = 600;
/// Extents of a device of which every other block is used, with 64 TiB in blocks of 1 MiB.
constexpr size_t longest_answer = size_t{1} << 30;

/// What a child answers with: a letter, and extents or a sentence behind it.
enum class Answer : char { extents = 'E', needs_recovery = 'R', error = 'X' };

std::string answer_of(const Result<Used>& used)
{
    std::string text;
    if (!used) {
        text += static_cast<char>(Answer::error);
        text += static_cast<char>(used.error().kind);
        return text + used.error().what;
    }
    if (!*used) return {static_cast<char>(Answer::needs_recovery)};
    text += static_cast<char>(Answer::extents);
    text.append(reinterpret_cast<const char*>((*used)->data()), (*used)->size() * sizeof(Extent));
    return text;
}

Result<Used> used_of(std::string_view answer, const std::string& path)
{
    const auto kind = answer.empty() ? Answer::error : static_cast<Answer>(answer.front());
    if (kind == Answer::needs_recovery) return Used();
    if (kind == Answer::extents && (answer.size() - 1) % sizeof(Extent) == 0) {
        Extents extents((answer.size() - 1) / sizeof(Extent));
        if (!extents.empty()) std::memcpy(extents.data(), answer.data() + 1, answer.size() - 1);
        return Used(std::move(extents));
    }
    if (answer.size() < 2)
        return fail(ErrorKind::corrupt, fmt::format("what reads the filesystem on {} gives no answer", path));
    return fail(static_cast<ErrorKind>(answer[1]), std::string(answer.substr(2)));
}

[[noreturn]] void answer_and_end(int pipe, const std::function<Result<Used>()>& work)
{
    // It ends as it ends: without a dump, a handler of ours, or a word of the library's on our terminal.
    const rlimit none = {};
    ::setrlimit(RLIMIT_CORE, &none);
    for (const int number : {SIGALRM, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) std::signal(number, SIG_DFL);
    const int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nowhere < 0 || ::dup2(nowhere, STDOUT_FILENO) < 0 || ::dup2(nowhere, STDERR_FILENO) < 0) ::_exit(1);
    ::alarm(most_seconds);
    const std::string answer = answer_of(work());
    for (size_t at = 0; at < answer.size();) {
        const ssize_t count = ::write(pipe, answer.data() + at, answer.size() - at);
        if (count < 0 && errno != EINTR) break;
        if (count > 0) at += static_cast<size_t>(count);
    }
    ::_exit(0);
}

std::string read_all(int pipe)
{
    std::string all, piece(1 << 16, '\0');
    for (;;) {
        const ssize_t count = ::read(pipe, piece.data(), piece.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0 || all.size() > longest_answer) return all;
        all.append(piece, 0, static_cast<size_t>(count));
    }
}

}  // namespace

Result<Used> isolated(const std::string& path, const std::function<Result<Used>()>& work)
{
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) != 0) return std::unexpected(system_error("make a pipe", errno));
    const host::Descriptor from(ends[0]);
    host::Descriptor to(ends[1]);
    const pid_t child = ::fork();
    if (child < 0) return std::unexpected(system_error("start a process", errno));
    if (child == 0) answer_and_end(to.number(), work);
    to.close();
    const std::string answer = read_all(from.number());
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFSIGNALED(status))
        return fail(ErrorKind::corrupt, fmt::format("what reads the filesystem on {} was ended by signal {}",
                                                    path, WTERMSIG(status)));
    return used_of(answer, path);
}

}  // namespace belay::backup
