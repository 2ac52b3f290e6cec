#include "cli/backup/password.h"

#include "cli/backup/common_options.h"
#include "host/descriptor.h"
#include "host/real.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace belay::cli {
namespace {

constexpr Bytes longest_file = {1 << 20};

Result<std::string> first_line(std::string text, const char* what)
{
    text.resize(std::min(text.find('\n'), text.size()));
    if (text.ends_with('\r')) text.pop_back();
    if (text.empty()) return fail(ErrorKind::usage, fmt::format("{} is empty", what), "belay backup --help");
    return text;
}

/// What a program of the person's prints, run in their own environment, which it may need.
Result<std::string> output_of(const std::vector<std::string>& words)
{
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return std::unexpected(system_error("make a pipe", errno));
    const host::Descriptor reads(ends[0]);
    host::Descriptor writes(ends[1]);
    std::vector<char*> argv;
    for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, writes.number(), STDOUT_FILENO);
    pid_t pid = 0;
    const int problem = ::posix_spawnp(&pid, argv.front(), &actions, nullptr, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (problem != 0) return std::unexpected(system_error(fmt::format("run {}", words.front()), problem));
    writes = {};
    std::string text;
    std::array<char, 4096> piece{};
    for (ssize_t count = 0; (count = ::read(reads.number(), piece.data(), piece.size())) > 0;)
        if (text.size() < longest_file.count) text.append(piece.data(), static_cast<size_t>(count));
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return fail(ErrorKind::failed,
                    fmt::format("{} did not end well, and so there is no password", words.front()),
                    "run it by hand");
    return text;
}

Result<std::string> from_command(const std::string& line, const char* what)
{
    const std::vector<std::string> words = TRY(split_words(line));
    if (words.empty()) return fail(ErrorKind::usage, fmt::format("no program is named that prints {}", what));
    return first_line(TRY(output_of(words)), what);
}

Result<std::string> typed(const char* what, Console& console, bool twice)
{
    const auto ask = [&](std::string_view question) -> Result<std::string> {
        std::optional<std::string> answer = console.ask_secret(question);
        if (!answer) return fail(ErrorKind::usage, fmt::format("{} was not given", what));
        return *std::move(answer);
    };
    std::string password = TRY(ask(fmt::format("{}: ", what)));
    if (twice && TRY(ask("once more: ")) != password)
        return fail(ErrorKind::usage, "the two passwords differ", "try it again");
    return first_line(std::move(password), what);
}

}  // namespace

Result<std::vector<std::string>> split_words(std::string_view line)
{
    std::vector<std::string> words;
    std::string word;
    bool in_word = false;
    char quote = '\0';
    for (size_t at = 0; at < line.size(); ++at) {
        const char c = line[at];
        if (quote == '\'' && c != quote) {
            word += c;
        } else if (c == '\\' && at + 1 < line.size()) {
            word += line[++at];
            in_word = true;
        } else if (quote != '\0' && c == quote) {
            quote = '\0';
        } else if (quote == '\0' && (c == '"' || c == '\'')) {
            quote = c;
            in_word = true;
        } else if (quote == '\0' && (c == ' ' || c == '\t' || c == '\n')) {
            if (in_word) words.push_back(std::exchange(word, {}));
            in_word = false;
        } else {
            word += c;
            in_word = true;
        }
    }
    if (quote != '\0')
        return fail(ErrorKind::usage,
                    fmt::format("a {} is not closed in the command that prints the password", quote));
    if (in_word) words.push_back(std::move(word));
    return words;
}

Result<std::string> read_password(const PasswordSource& source, Console& console, bool twice)
{
    if (!source.command.empty() && !source.file.empty())
        return fail(ErrorKind::usage,
                    fmt::format("{} may come from a file or from a program, not from both", source.what),
                    "leave out --password-file or --password-command");
    if (!source.command.empty()) return from_command(source.command, source.what);
    if (!source.file.empty()) {
        const std::unique_ptr<host::Host> host = host::real_host();
        std::error_code ignored;
        const std::string path = std::filesystem::absolute(source.file, ignored).string();
        return first_line(TRY(host->read(path, longest_file)), source.what);
    }
    if (source.variable != nullptr) {
        std::string value = environment(source.variable);
        if (!value.empty()) return value;
    }
    if (console.can_ask()) return typed(source.what, console, twice);
    return first_line(TRY(console.read_all(static_cast<size_t>(longest_file.count), "")), source.what);
}

}  // namespace belay::cli
