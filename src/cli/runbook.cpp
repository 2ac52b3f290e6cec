#include "cli/runbook.h"

#include "cli/invocation.h"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <sstream>

namespace belay::cli {
namespace {

using operation::runbook::Linted;
using operation::runbook::Problem;
using operation::runbook::Variable;

size_t errors_of(const Linted& linted)
{
    return static_cast<size_t>(std::ranges::count(linted.problems, true, &Problem::error));
}

/// "nginx" as it is, "a b" in quotes.
std::string quoted(const std::string& value)
{
    if (value.find_first_of(" \"'$&;()|<>*?`\\") == std::string::npos && !value.empty()) return value;
    return fmt::format("'{}'", value);
}

std::string variables_text(const Style& style, const std::vector<Variable>& variables)
{
    std::vector<std::vector<std::string>> rows;
    for (const Variable& variable : variables) {
        std::string meaning = clean(style, variable.meaning.text);
        if (variable.fallback)
            meaning += fmt::format(" ({} unless set)", quoted(clean(style, variable.fallback->text)));
        rows.push_back({clean(style, variable.name), meaning});
    }
    return rows.empty() ? "" : "\nVariables\n" + table(style, rows, 2);
}

std::string next_text(const Style& style, const std::string& file, const std::vector<Variable>& variables)
{
    std::string command = "belay runbook plan " + quoted(clean(style, file));
    for (const Variable& variable : variables) {
        if (variable.fallback) continue;
        const std::string example = variable.example.empty() ? "VALUE" : clean(style, variable.example);
        command += fmt::format(" --set {}={}", variable.name, quoted(example));
    }
    return fmt::format("  next: {} --dry-run\n", paint(style, Tone::bold, command));
}

}  // namespace

Result<std::string> read_runbook_file(const std::string& path)
{
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        Error error = system_error("read " + path, errno);
        error.next = "belay runbook lint FILE; shipped ones are in /usr/share/belay/runbooks";
        return std::unexpected(std::move(error));
    }
    std::string text(operation::runbook::largest_runbook.count + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (file.bad()) return std::unexpected(system_error("read " + path, errno));
    text.resize(static_cast<size_t>(file.gcount()));
    if (text.size() > operation::runbook::largest_runbook.count)
        return fail(ErrorKind::usage, fmt::format("{} has more than 1 MiB, and a runbook has less", path));
    return text;
}

std::string lint_text(const Style& style, const std::string& file, const Linted& linted)
{
    std::string text;
    for (const Problem& problem : linted.problems) text += clean(style, to_text(problem, file)) + '\n';
    const size_t errors = errors_of(linted);
    const size_t warnings = linted.problems.size() - errors;
    if (!linted.runbook)
        return text +
               paint(style, Tone::bad,
                     fmt::format("{}: {}, {}", clean(style, file), counted(errors, "error", "errors"),
                                 counted(warnings, "warning", "warnings"))) +
               '\n';
    const operation::runbook::Runbook& runbook = *linted.runbook;
    text += fmt::format("{}: {}\n", paint(style, Tone::bold, clean(style, runbook.name)),
                        clean(style, runbook.summary.text));
    text += fmt::format(
        "  {}, {}, {}; {}\n", counted(runbook.checks.size(), "check", "checks"),
        counted(runbook.steps.size(), "step", "steps"), counted(runbook.gates.size(), "gate", "gates"),
        warnings == 0 ? "nothing is wrong with it" : counted(warnings, "warning", "warnings"));
    text += variables_text(style, runbook.variables);
    return text + next_text(style, file, runbook.variables);
}

Json lint_json(const std::string& file, const Linted& linted)
{
    Json problems = Json::array();
    for (const Problem& problem : linted.problems)
        problems.push_back({{"line", problem.place.line},
                            {"column", problem.place.column},
                            {"severity", problem.error ? "error" : "warning"},
                            {"what", problem.what}});
    const size_t errors = errors_of(linted);
    Json json = {{"file", file},
                 {"errors", errors},
                 {"warnings", linted.problems.size() - errors},
                 {"problems", std::move(problems)},
                 {"runbook", nullptr}};
    if (!linted.runbook) return json;
    Json variables = Json::array();
    for (const Variable& variable : linted.runbook->variables) {
        Json one = {{"name", variable.name},
                    {"meaning", variable.meaning.text},
                    {"required", !variable.fallback.has_value()},
                    {"example", variable.example}};
        if (variable.fallback) one["default"] = variable.fallback->text;
        if (variable.pattern) one["pattern"] = variable.pattern->text;
        variables.push_back(std::move(one));
    }
    json["runbook"] = {{"name", linted.runbook->name},
                       {"summary", linted.runbook->summary.text},
                       {"description", linted.runbook->description},
                       {"source", linted.runbook->source},
                       {"variables", std::move(variables)}};
    return json;
}

}  // namespace belay::cli
