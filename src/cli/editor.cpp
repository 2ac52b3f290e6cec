#include "cli/editor.h"

#include "host/descriptor.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <spawn.h>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

extern char** environ;  // NOLINT(readability-redundant-declaration): only with _GNU_SOURCE is it in unistd.h

namespace belay::cli {
namespace {

/// "code --wait" as its words; no shell reads it.
std::vector<std::string> editor_words()
{
    for (const char* name : {"VISUAL", "EDITOR"}) {
        const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): there is one thread
        std::istringstream words(value == nullptr ? "" : value);
        std::vector<std::string> argv{std::istream_iterator<std::string>(words), {}};
        if (!argv.empty()) return argv;
    }
    return {"vi"};
}

}  // namespace

Result<EditedFile> EditedFile::make(const std::string& text)
{
    const char* const folder = std::getenv("TMPDIR");  // NOLINT(concurrency-mt-unsafe): there is one thread
    std::string path = folder == nullptr || *folder == '\0' ? "/tmp" : folder;
    path += "/belay-config-XXXXXX.toml";
    const host::Descriptor file(mkstemps(path.data(), 5));  // made for its owner alone
    if (!file) return std::unexpected(system_error("make " + path, errno));
    std::string_view rest = text;
    while (!rest.empty()) {
        const ssize_t count = ::write(file.number(), rest.data(), rest.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return std::unexpected(system_error("write " + path, errno));
        rest.remove_prefix(static_cast<size_t>(count));
    }
    return EditedFile(path);
}

Result<void> EditedFile::edit() const
{
    std::vector<std::string> words = editor_words();
    words.push_back(path_);
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    pid_t pid = 0;
    const int problem = posix_spawnp(&pid, argv.front(), nullptr, nullptr, argv.data(), environ);
    if (problem != 0) {
        Error error = system_error("run the editor " + words.front(), problem);
        error.next = "set EDITOR to an editor that is there";
        return std::unexpected(std::move(error));
    }
    int status = 0;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) return std::unexpected(system_error("wait for the editor", errno));
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
    return fail(ErrorKind::failed,
                fmt::format("the editor {} ended with an error, and nothing was changed", words.front()),
                fmt::format("what you wrote is in {}", path_));
}

Result<std::string> EditedFile::read() const
{
    errno = 0;
    std::ifstream file(path_, std::ios::binary);
    if (!file) return std::unexpected(system_error("read " + path_, errno));
    return std::string(std::istreambuf_iterator<char>(file), {});
}

void EditedFile::remove() const
{
    ::unlink(path_.c_str());
}

}  // namespace belay::cli
