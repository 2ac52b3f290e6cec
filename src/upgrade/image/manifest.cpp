#include "upgrade/image/manifest.h"

#include "upgrade/image/paths.h"
#include "upgrade/image/table.h"

#include <algorithm>

namespace belay::upgrade::image {
namespace {

constexpr uint64_t newest_format = 1;
constexpr size_t longest_name = 64, most_entries = 64, digest_digits = 64;
constexpr Bytes largest_image{uint64_t{1} << 44};

const std::vector<std::string> written_keys = {"name",          "version",       "build", "summary",
                                               "upgrades_from", "downgrades_to", "entry", "hooks"};

std::vector<std::string> with(std::vector<std::string> keys, std::initializer_list<const char*> more)
{
    keys.insert(keys.end(), more.begin(), more.end());
    return keys;
}

bool is_name(std::string_view name)
{
    const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
    return !name.empty() && name.size() <= longest_name && name.front() != '-' &&
           std::ranges::all_of(name, fits);
}

/// An error of what stands at a key, at its place.
template <typename T>
Result<T> at(const Table& table, std::string_view key, Result<T> result)
{
    if (result) return result;
    return table.error(key, result.error().what);
}

Result<VersionRanges> read_ranges(const Table& table, std::string_view key)
{
    if (!table.has(key)) return VersionRanges();
    return at(table, key, VersionRanges::of(TRY(table.texts(key))));
}

Result<std::vector<std::string>> read_hook(const Table& hooks, std::string_view key)
{
    std::vector<std::string> argv = TRY(hooks.texts(key));
    if (hooks.has(key) && argv.empty())
        return hooks.error(key, fmt::format("\"{}\" is empty; it is a program with its arguments", key));
    if (!argv.empty()) TRY(at(hooks, key, check_path(argv.front())));
    return argv;
}

/// The keys that a person writes.
Result<Manifest> read_written(const Table& table)
{
    Manifest manifest;
    manifest.name = TRY(table.text("name"));
    TRY(at(table, "name", check_name(manifest.name)));
    manifest.version = TRY(at(table, "version", parse_version(TRY(table.text("version")))));
    manifest.build = TRY(table.optional_text("build"));
    manifest.summary = TRY(table.optional_text("summary"));
    manifest.upgrades_from = TRY(read_ranges(table, "upgrades_from"));
    manifest.downgrades_to = TRY(read_ranges(table, "downgrades_to"));
    const Table entry = TRY(table.table("entry"));
    for (const std::string& name : entry.keys()) {
        if (!is_name(name)) return entry.error(name, "a name of what can be started has a-z, 0-9 and '-'");
        const std::string path = TRY(entry.text(name));
        TRY(at(entry, name, check_path(path)));
        manifest.entry[name] = path;
    }
    if (manifest.entry.size() > most_entries)
        return table.error("entry", fmt::format("[entry] has {} names at most", most_entries));
    const Table hooks = TRY(table.table("hooks"));
    TRY(hooks.has_only({"check", "health"}));
    manifest.check = TRY(read_hook(hooks, "check"));
    manifest.health = TRY(read_hook(hooks, "health"));
    return manifest;
}

Result<std::string> read_digest(const Table& table, std::string_view key)
{
    std::string digest = TRY(table.text(key));
    if (digest.size() != digest_digits || digest.find_first_not_of("0123456789abcdef") != std::string::npos)
        return table.error(key,
                           fmt::format("\"{}\" is no SHA-256 of {} hexadecimal digits", key, digest_digits));
    return digest;
}

std::string line(std::string_view key, const std::string& text)
{
    return text.empty() ? std::string() : fmt::format("{} = {}\n", key, toml_quoted(text));
}

std::string line(std::string_view key, const std::vector<std::string>& texts)
{
    return texts.empty() ? std::string() : fmt::format("{} = {}\n", key, toml_quoted(texts));
}

std::string allowed_text(const VersionRanges& ranges)
{
    std::string text;
    for (const std::string& range : ranges.texts()) text += (text.empty() ? "" : ", or ") + range;
    return text;
}

}  // namespace

Result<void> check_name(std::string_view name)
{
    if (is_name(name)) return {};
    return fail(
        ErrorKind::usage,
        fmt::format("\"{}\" is no name of an image: it has a-z, 0-9 and '-', begins with a letter or digit, "
                    "and has {} characters at most",
                    name.substr(0, longest_name), longest_name));
}

Result<Draft> read_draft(std::string_view text, std::string_view file)
{
    const Table table = TRY(Table::of_file(text, file, ErrorKind::usage));
    for (const char* key : {"format", "size", "files", "body", "body_size"}) {
        if (table.has(key))
            return table.error(key,
                               fmt::format("\"{}\" is filled in when the image is built; leave it out", key));
    }
    TRY(table.has_only(with(written_keys, {"root"})));
    Draft draft;
    draft.manifest = TRY(read_written(table));
    if (table.has("root")) draft.root = TRY(table.text("root"));
    return draft;
}

Result<Manifest> read_manifest(std::string_view text, std::string_view file)
{
    const Table table = TRY(Table::of_file(text, file, ErrorKind::corrupt));
    const uint64_t format = TRY(table.number("format"));
    if (format > newest_format)
        return fail(ErrorKind::version, fmt::format("{}: the image has format {}, and this Belay reads {}",
                                                    file, format, newest_format));
    if (format != newest_format) return table.error("format", "there is no such format");
    TRY(table.has_only(with(written_keys, {"format", "size", "files", "body", "body_size"})));
    Manifest manifest = TRY(read_written(table));
    manifest.size = Bytes{TRY(table.number("size"))};
    manifest.files = TRY(read_digest(table, "files"));
    manifest.body = TRY(read_digest(table, "body"));
    manifest.body_size = Bytes{TRY(table.number("body_size"))};
    if (manifest.size > largest_image || manifest.body_size > largest_image)
        return table.error("size", fmt::format("an image has {} at most", to_text(largest_image)));
    return manifest;
}

std::string manifest_text(const Manifest& manifest)
{
    std::string text = fmt::format("format = {}\n", newest_format);
    text += line("name", manifest.name) + line("version", manifest.version.text) +
            line("build", manifest.build) + line("summary", manifest.summary) +
            line("upgrades_from", manifest.upgrades_from.texts()) +
            line("downgrades_to", manifest.downgrades_to.texts());
    text += fmt::format("size = {}\n", manifest.size.count) + line("files", manifest.files) +
            line("body", manifest.body) + fmt::format("body_size = {}\n", manifest.body_size.count);
    if (!manifest.entry.empty()) text += "\n[entry]\n";
    for (const auto& [name, path] : manifest.entry) text += line(name, path);
    if (!manifest.check.empty() || !manifest.health.empty())
        text += "\n[hooks]\n" + line("check", manifest.check) + line("health", manifest.health);
    return text;
}

std::string file_name(const Manifest& manifest)
{
    return fmt::format("{}-{}.image", manifest.name, manifest.version.text);
}

Result<void> may_replace(const Manifest& running, const Manifest& next)
{
    if (running.name != next.name)
        return fail(ErrorKind::refused,
                    fmt::format("{} is another image than {}", next.to_text(), running.name));
    const bool is_downgrade = compare(next.version, running.version) < 0;
    const VersionRanges& ranges = is_downgrade ? running.downgrades_to : next.upgrades_from;
    if (ranges.admit(is_downgrade ? next.version : running.version)) return {};
    if (is_downgrade)
        return fail(ErrorKind::refused,
                    fmt::format("{} may not be replaced by {}: it can go back to {}", running.to_text(),
                                next.version.text, allowed_text(ranges)),
                    fmt::format("a version that fits {}", allowed_text(ranges)));
    return fail(ErrorKind::refused,
                fmt::format("{} may not replace {}: it upgrades from {}", next.to_text(),
                            running.version.text, allowed_text(ranges)),
                fmt::format("first a version that fits {}", allowed_text(ranges)));
}

}  // namespace belay::upgrade::image
