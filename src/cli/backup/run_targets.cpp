#include "cli/backup/run_targets.h"

#include "cli/backup/context.h"
#include "host/real.h"

#include <filesystem>
#include <glob.h>
#include <iterator>
#include <unistd.h>

namespace belay::cli {
namespace {

constexpr Bytes largest_list = {1U << 30};

Result<std::string> read_list(const std::string& path)
{
    const std::unique_ptr<host::Host> host = host::real_host();
    if (path == "-") return host->read("/dev/stdin", largest_list);
    std::error_code ignored;
    return host->read(std::filesystem::absolute(path, ignored).string(), largest_list);
}

std::vector<std::string> split(const std::string& text, char at)
{
    std::vector<std::string> parts;
    for (size_t begin = 0; begin < text.size();) {
        const size_t end = std::min(text.find(at, begin), text.size());
        if (end > begin) parts.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return parts;
}

std::string trimmed(const std::string& line)
{
    const size_t first = line.find_first_not_of(" \t\r");
    return first == std::string::npos ? "" : line.substr(first, line.find_last_not_of(" \t\r") - first + 1);
}

/// "$HOME" and "${HOME}"; "$$" is a dollar.
std::string with_variables(const std::string& line)
{
    std::string text;
    for (size_t at = 0; at < line.size();) {
        if (line[at] != '$' || at + 1 == line.size()) {
            text += line[at++];
            continue;
        }
        if (line[++at] == '$') {
            text += line[at++];
            continue;
        }
        const bool braces = line[at] == '{';
        const size_t begin = at + (braces ? 1 : 0);
        size_t end = begin;
        while (end < line.size() &&
               (std::isalnum(static_cast<unsigned char>(line[end])) != 0 || line[end] == '_'))
            ++end;
        text += environment(line.substr(begin, end - begin).c_str());
        at = braces && end < line.size() && line[end] == '}' ? end + 1 : end;
    }
    return text;
}

/// The paths that a pattern of the shell's stands for; itself, where there are none.
std::vector<std::string> expanded(const std::string& pattern)
{
    glob_t found{};
    std::vector<std::string> paths;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread yet
    if (::glob(pattern.c_str(), GLOB_NOCHECK, nullptr, &found) == 0)
        paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
    ::globfree(&found);
    return paths;
}

}  // namespace

Result<std::vector<std::string>> read_pattern_file(const std::string& path)
{
    std::vector<std::string> patterns;
    for (const std::string& line : split(TRY(read_list(path)), '\n')) {
        const std::string pattern = trimmed(line);
        if (!pattern.empty() && !pattern.starts_with('#')) patterns.push_back(with_variables(pattern));
    }
    return patterns;
}

void TargetOptions::declare(OptionTable& options)
{
    options.values("--files-from", files_from, "FILE",
                   "read what to save from a file: a pattern of the shell's in a line");
    options.values("--files-from-verbatim", files_from_verbatim, "FILE",
                   "the same, a path in a line as it is");
    options.values("--files-from-raw", files_from_raw, "FILE", "the same, paths with a zero byte after each");
    options.words("paths", paths, "files and folders");
}

Result<std::vector<std::string>> TargetOptions::all() const
{
    std::vector<std::string> paths_of_all = paths;
    const auto add = [&](std::vector<std::string> more) {
        std::ranges::move(more, std::back_inserter(paths_of_all));
    };
    for (const std::string& file : files_from)
        for (const std::string& pattern : TRY(read_pattern_file(file))) add(expanded(pattern));
    for (const std::string& file : files_from_verbatim) add(split(TRY(read_list(file)), '\n'));
    for (const std::string& file : files_from_raw) add(split(TRY(read_list(file)), '\0'));
    if (paths_of_all.empty())
        return fail(ErrorKind::usage, "nothing is named that could be saved", "belay backup run PATH...");
    return paths_of_all;
}

void ExclusionWords::declare_patterns(OptionTable& options)
{
    options.values("-e,--exclude", patterns, "PATTERN", "leave out what is named so");
    options.values("--iexclude", ipatterns, "PATTERN", "the same, upper and lower case alike");
    options.values("--exclude-file", files, "FILE", "leave out what the patterns of a file name");
    options.values("--iexclude-file", ifiles, "FILE", "the same, upper and lower case alike");
}

void ExclusionWords::declare(OptionTable& options)
{
    declare_patterns(options);
    options.values("--exclude-if-present", marks, "NAME[:HEADER]",
                   "leave out the content of folders with such a file");
    options.flag("--exclude-caches", caches, "leave out the content of folders marked by CACHEDIR.TAG");
    options.value("--exclude-larger-than", larger_than, "SIZE",
                  "leave out files that are larger: 500k, 10M, 2G");
}

Result<backup::ExclusionOptions> ExclusionWords::read() const
{
    backup::ExclusionOptions read;
    const auto add = [&](const std::vector<std::string>& all, bool ignores_case) -> Result<void> {
        for (const std::string& pattern : all) TRY(read.patterns.add(pattern, ignores_case));
        return {};
    };
    TRY(add(patterns, false));
    TRY(add(ipatterns, true));
    for (const std::string& file : files) TRY(add(TRY(read_pattern_file(file)), false));
    for (const std::string& file : ifiles) TRY(add(TRY(read_pattern_file(file)), true));
    for (const std::string& mark : marks) read.marks.push_back(TRY(backup::FolderMark::from_text(mark)));
    if (caches) read.marks.push_back(backup::FolderMark::of_caches());
    if (!larger_than.empty()) read.larger_than = TRY(read_size("--exclude-larger-than", larger_than));
    return read;
}

}  // namespace belay::cli
