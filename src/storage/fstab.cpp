#include "storage/fstab.h"

#include "base/digest.h"
#include "base/json.h"

namespace belay::storage::fstab {
namespace {

using host::Host;
using operation::Finding;
using operation::Inspection;
using operation::Json;
using operation::Verdict;

constexpr std::string_view blanks = " \t";

/// Where a field is in its line.
struct Place {
    size_t begin, length;
};

/// The fields of a line; empty for a comment.
std::vector<Place> fields_of(std::string_view line)
{
    std::vector<Place> fields;
    size_t at = line.find_first_not_of(blanks);
    if (at != std::string_view::npos && line[at] == '#') return fields;
    while (at != std::string_view::npos && at < line.size()) {
        const size_t end = std::min(line.find_first_of(blanks, at), line.size());
        fields.push_back({at, end - at});
        at = line.find_first_not_of(blanks, end);
    }
    return fields;
}

bool is_octal(char c)
{
    return c >= '0' && c <= '7';
}

/// "\040" stands for a space: getmntent(3).
std::string decoded(std::string_view field)
{
    std::string text;
    for (size_t i = 0; i < field.size(); ++i) {
        const bool code = field[i] == '\\' && i + 3 < field.size() && is_octal(field[i + 1]) &&
                          is_octal(field[i + 2]) && is_octal(field[i + 3]);
        if (!code) {
            text += field[i];
            continue;
        }
        text +=
            static_cast<char>((field[i + 1] - '0') * 64 + (field[i + 2] - '0') * 8 + (field[i + 3] - '0'));
        i += 3;
    }
    return text;
}

std::vector<std::string> options_in(std::string_view field)
{
    std::vector<std::string> options;
    bool quoted = false;
    std::string option;
    for (const char c : field) {
        if (c == '"') quoted = !quoted;  // a comma within quotes belongs to the option: context="..."
        if (c != ',' || quoted) {
            option += c;
            continue;
        }
        options.push_back(std::exchange(option, {}));
    }
    options.push_back(option);
    return options;
}

bool has_option(std::string_view field, std::string_view option)
{
    const std::vector<std::string> options = options_in(field);
    return std::ranges::find(options, option) != options.end();
}

std::optional<Line> line_of(std::string_view line)
{
    const std::vector<Place> fields = fields_of(line);
    if (fields.size() < 3) return std::nullopt;
    const auto field = [&](size_t number) {
        return line.substr(fields[number].begin, fields[number].length);
    };
    Line found{decoded(field(0)), decoded(field(1)), decoded(field(2)), {}};
    if (fields.size() > 3) found.options = options_in(field(3));
    return found;
}

/// The text cut into lines that keep their ends, so that they put together are the text.
std::vector<std::string> lines_in(std::string_view text)
{
    std::vector<std::string> lines;
    while (!text.empty()) {
        const size_t end = text.find('\n');
        const size_t length = end == std::string_view::npos ? text.size() : end + 1;
        lines.emplace_back(text.substr(0, length));
        text.remove_prefix(length);
    }
    return lines;
}

std::string_view without_end(std::string_view line)
{
    if (line.ends_with('\n')) line.remove_suffix(1);
    return line;
}

Result<void> make(const Edit& edit, std::vector<std::string>& lines)
{
    const auto line = std::ranges::find_if(lines, [&](const std::string& one) {
        const std::optional<Line> found = line_of(without_end(one));
        return found && found->target == edit.target;
    });
    const bool there = line != lines.end();
    if (edit.kind == Edit::Kind::append) {
        if (there && without_end(*line) == edit.value) return {};
        if (there)
            return fail(
                ErrorKind::refused,
                fmt::format("{} has another line for {} already: {}", path, edit.target, without_end(*line)),
                fmt::format("remove that line, or change its mount point"));
        if (!lines.empty() && !lines.back().ends_with('\n')) lines.back() += '\n';
        lines.push_back(edit.value + "\n");
        return {};
    }
    if (edit.kind == Edit::Kind::drop) {
        if (there) lines.erase(line);
        return {};
    }
    if (!there)
        return fail(ErrorKind::not_found, fmt::format("{} has no line for {}", path, edit.target),
                    "belay storage show");
    const std::vector<Place> fields = fields_of(without_end(*line));
    if (edit.kind == Edit::Kind::set_spec) {
        line->replace(fields[0].begin, fields[0].length, edit.value);
    } else if (fields.size() == 3) {
        line->insert(fields[2].begin + fields[2].length, " " + edit.value);
    } else if (!line_of(without_end(*line))->has(edit.value)) {
        line->insert(fields[3].begin + fields[3].length, "," + edit.value);
    }
    return {};
}

constexpr const char* kinds[] = {"append", "add_option", "set_spec", "drop"};

Json json_of(const std::vector<Edit>& edits)
{
    Json rows = Json::array();
    for (const Edit& edit : edits)
        rows.push_back({{"kind", kinds[static_cast<size_t>(edit.kind)]},
                        {"target", edit.target},
                        {"value", edit.value}});
    return {{"edits", std::move(rows)}};
}

Result<std::vector<Edit>> edits_in(const Json& arguments)
{
    std::vector<Edit> edits;
    for (const Json& row : arguments.at("edits")) {
        const auto kind = std::ranges::find(kinds, row.at("kind").get<std::string>());
        if (kind == std::end(kinds))
            return fail(ErrorKind::version, "this Belay does not know the edit " + row.at("kind").dump());
        edits.push_back({static_cast<Edit::Kind>(kind - kinds), row.at("target"), row.at("value")});
    }
    return edits;
}

/// As a person would do it.
std::string hint(const Edit& edit)
{
    switch (edit.kind) {
        case Edit::Kind::append:
            return fmt::format("printf '%s\\n' '{}' >> {}", edit.value, path);
        case Edit::Kind::add_option:
            return fmt::format("# {}: add the option {} to the line of {}", path, edit.value, edit.target);
        case Edit::Kind::set_spec:
            return fmt::format("# {}: {} is mounted from {}", path, edit.target, edit.value);
        case Edit::Kind::drop:
            return fmt::format("# {}: remove the line of {}", path, edit.target);
    }
    return {};
}

class EditFile final : public operation::Action {
  public:
    Result<Inspection> inspect(Host& host, const Json& arguments) const override
    {
        const std::string text = TRY(host.read(path));
        const bool made = TRY(edited(text, TRY(edits_in(arguments)))) == text;
        return Inspection{made ? Inspection::Found::done : Inspection::Found::absent,
                          made ? "as it is to be" : "not yet"};
    }

    Result<Json> remember(Host& host, const Json&) const override
    {
        const std::string text = TRY(host.read(path));
        return Json{{"before", text}};
    }

    Result<void> apply(Host& host, const Json& arguments) const override
    {
        const std::string text = TRY(host.read(path));
        return host.replace(path, TRY(edited(text, TRY(edits_in(arguments)))));
    }

    Result<std::string> remains(Host& host, const Json&, const Json& remembered) const override
    {
        if (remembered.empty()) return std::string();
        const bool same = TRY(host.read(path)) == remembered.at("before").get<std::string>();
        return same ? std::string() : fmt::format("another {} than before", path);
    }

    Result<void> revert(Host& host, const Json& arguments, const Json& remembered) const override
    {
        const std::string before = remembered.at("before");
        const std::string ours = TRY(edited(before, TRY(edits_in(arguments))));
        if (TRY(host.read(path)) != ours)
            return fail(ErrorKind::refused,
                        fmt::format("somebody else has changed {} meanwhile, so it is not put back", path),
                        undo_by_hand(TRY(edits_in(arguments))));
        return host.replace(path, before);
    }

  private:
    static std::string undo_by_hand(const std::vector<Edit>& edits)
    {
        std::string all;
        for (const Edit& edit : edits)
            all += fmt::format("{}take this back in {}: {}", all.empty() ? "" : "; ", path,
                               edit.kind == Edit::Kind::append ? edit.value : hint(edit));
        return all;
    }
};

/// "PARTUUID=x" of the file, whatever quotes stand around the value.
std::string without_quotes(std::string text)
{
    std::erase(text, '"');
    return text;
}

Result<Finding> ask_mounts(Host& host, const Json& arguments)
{
    const std::string spec = arguments.at("spec"), target = arguments.at("target");
    const host::Outcome outcome =
        TRY(host.run({.argv = {"findmnt", "--tab-file", path, "--json", "--output",
                               "source,target,fstype,options", "--mountpoint", target}}));
    const std::string wanted = fmt::format("{} mounted on {}, with nofail", spec, target);
    const Json json = TRY(parse_json(outcome.out.empty() ? "{\"filesystems\":[]}" : outcome.out));
    std::string found = "nothing";
    for (const Json& row : json.value("filesystems", Json::array())) {
        if (row.value("target", "") != target) continue;
        const std::string options = row.value("options", "");
        found = fmt::format("{} mounted on {} ({})", row.value("source", ""), target, options);
        const bool may_be_missing = has_option(options, "nofail");
        if (without_quotes(row.value("source", "")) == spec && may_be_missing)
            return Finding{Verdict::pass, found, wanted};
    }
    return Finding{Verdict::fail, found, wanted, fmt::format("findmnt --verify --tab-file {}", path)};
}

}  // namespace

bool Line::has(std::string_view option) const
{
    return std::ranges::find(options, option) != options.end();
}

std::vector<Line> parse(std::string_view text)
{
    std::vector<Line> lines;
    for (const std::string& line : lines_in(text)) {
        if (std::optional<Line> found = line_of(without_end(line))) lines.push_back(*std::move(found));
    }
    return lines;
}

Result<std::string> edited(std::string_view text, const std::vector<Edit>& edits)
{
    std::vector<std::string> lines = lines_in(text);
    for (const Edit& edit : edits) TRY(make(edit, lines));
    return fmt::format("{}", fmt::join(lines, ""));
}

operation::Act edit(const std::vector<Edit>& edits)
{
    std::vector<std::string> hints;
    for (const Edit& one : edits) hints.push_back(hint(one));
    return {"fstab.edit", json_of(edits), hints, {fmt::format("# {}: put back as it was", path)}};
}

operation::Question mounts(const std::string& spec, const std::string& target)
{
    return {"fstab.mounts", {{"spec", spec}, {"target", target}}};
}

operation::Question fingerprint()
{
    return {"fstab", Json::object()};
}

void fill(operation::Catalogue& catalogue)
{
    catalogue.add("fstab.edit", std::make_unique<EditFile>());
    catalogue.add_condition("fstab.mounts", ask_mounts);
    catalogue.add_fingerprint("fstab", [](Host& host, const Json&) -> Result<operation::Fingerprint> {
        const std::string text = TRY(host.read(path));
        return operation::Fingerprint{{path, sha256(text)}};
    });
}

}  // namespace belay::storage::fstab
