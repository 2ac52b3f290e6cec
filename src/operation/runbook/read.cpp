// From the text of a file to a Runbook; what can be said about one key or one table alone is said here.

#include "operation/runbook/lint.h"
#include "operation/runbook/pattern.h"
#include "operation/runbook/reader.h"
#include "operation/runbook/steps.h"

#include <algorithm>
#include <map>

namespace belay::operation::runbook {
namespace {

constexpr std::string_view small_letters = "abcdefghijklmnopqrstuvwxyz";
constexpr size_t most_variables = 200, most_checks = 200, most_gates = 50, longest_name = 60;

Variable read_variable(const Entry& entry, std::vector<Problem>& problems)
{
    Reader reader(entry.value, entry.place, fmt::format("the variable {}", entry.key), problems);
    Variable variable{.name = entry.key, .place = entry.place};
    if (!is_name(entry.key, "-") || !small_letters.contains(entry.key.front()))
        reader.error(entry.place,
                     "a variable's name begins with a small letter and has only small letters, digits "
                     "and \"-\": give it another name");
    if (entry.key == remembered_name || entry.key == "member")
        reader.error(entry.place,
                     fmt::format("the name \"{}\" has a meaning of its own: give the variable another "
                                 "name",
                                 entry.key));
    variable.meaning = reader.required("meaning", "a few words for whoever sets it");
    variable.example = reader.text("example").value_or(Text{}).text;
    variable.fallback = reader.text("default");
    variable.pattern = reader.text("pattern");
    reader.no_other();
    if (!variable.pattern) return variable;
    const std::string tried = variable.fallback ? variable.fallback->text : variable.example;
    const Result<bool> fits = matches_whole(variable.pattern->text, tried);
    if (!fits)
        reader.error(variable.pattern->place,
                     fmt::format("{}; patterns are written as for grep -E", fits.error().what));
    else if (!*fits && (variable.fallback || !variable.example.empty()))
        reader.error(variable.pattern->place,
                     fmt::format("\"{}\", the {} of {}, does not match its pattern: change one of them",
                                 tried, variable.fallback ? "default" : "example", variable.name));
    return variable;
}

CheckEntry read_check(const Node& node, std::vector<Problem>& problems)
{
    Reader reader(node, node.place, "a check", problems);
    CheckEntry check;
    check.title = reader.required("title", "what is to hold, in a few words");
    check.probe = reader.own_probe().value_or(Probe{});
    check.mend = reader.text("mend").value_or(Text{});
    check.again = reader.flag("again").value_or(true);
    reader.no_other();
    return check;
}

GateEntry read_gate(const Node& node, std::vector<Problem>& problems)
{
    Reader reader(node, node.place, "a gate", problems);
    GateEntry gate;
    gate.title = reader.required("title", "what is to hold through the soak, in a few words");
    const auto tcp = reader.text("tcp");
    const auto http = reader.text("http");
    const bool runs = reader.has("run");
    if (int{tcp.has_value()} + int{http.has_value()} + int{runs} != 1)
        reader.error(node.place, "a gate asks one thing: give it either \"run\", \"tcp\" or \"http\"");
    if (runs) gate.probe = reader.own_probe();
    // Known also where they do not belong, so that the complaint above is the only one.
    for (const char* key : {"run", "expect-exit", "expect-output", "expect-text"}) {
        if (!runs && reader.has(key) && key != std::string_view("run"))
            reader.error(reader.place_of(key),
                         fmt::format("\"{}\" belongs to \"run\": take one of them out", key));
    }
    if (tcp) gate.address = Text{"tcp:" + tcp->text, tcp->place};
    if (http) gate.address = http;
    gate.every = reader.span("every");
    gate.grace = reader.span("grace").value_or(gate.grace);
    reader.no_other();
    return gate;
}

template <typename T>
void limit(Reader& reader, std::string_view key, std::vector<T>& entries, size_t most)
{
    if (entries.size() <= most) return;
    reader.error(reader.place_of(key),
                 fmt::format("there are {} of \"{}\", and {} is the most: make two runbooks", entries.size(),
                             key, most));
    entries.resize(most);
}

Runbook read_whole(const Node& document, std::vector<Problem>& problems)
{
    Reader reader(document, {}, "the runbook", problems);
    Runbook runbook;
    const Text name = reader.required("name", "as \"nginx-config\": it is shown in the history");
    if (!name.text.empty() && !is_name(name.text, ".-"))
        reader.error(name.place, "a runbook's name has only small letters, digits, \".\" and \"-\"");
    runbook.name = name.text;
    runbook.summary = reader.required("summary", "what it does, in one line");
    runbook.description = reader.text("description").value_or(Text{}).text;
    runbook.source = reader.text("source").value_or(Text{}).text;
    runbook.timer = reader.span("timer");
    runbook.locks = reader.texts("locks");
    runbook.left_by_abort = reader.texts("left-by-abort");
    runbook.afterwards = reader.texts("afterwards");
    for (const Entry* entry : reader.named_tables("variables"))
        runbook.variables.push_back(read_variable(*entry, problems));
    for (const Node* node : reader.tables("check")) runbook.checks.push_back(read_check(*node, problems));
    for (const Node* node : reader.tables("step")) runbook.steps.push_back(read_step(*node, problems));
    for (const Node* node : reader.tables("gate")) runbook.gates.push_back(read_gate(*node, problems));
    if (auto fingerprint = reader.table("fingerprint", "the fingerprint")) {
        runbook.fingerprint_files = fingerprint->texts("files");
        runbook.fingerprint_commands = fingerprint->commands("commands");
        fingerprint->no_other();
    }
    limit(reader, "variables", runbook.variables, most_variables);
    limit(reader, "check", runbook.checks, most_checks);
    limit(reader, "gate", runbook.gates, most_gates);
    reader.no_other();
    return runbook;
}

/// By their places; what stands at the same place stays in the order in which it was found.
void put_in_order(std::vector<Problem>& problems)
{
    std::multimap<Place, Problem> ordered;
    for (Problem& problem : problems) ordered.emplace(problem.place, std::move(problem));
    problems.clear();
    for (auto& [place, problem] : ordered) problems.push_back(std::move(problem));
}

}  // namespace

bool is_name(std::string_view text, std::string_view marks)
{
    return !text.empty() && text.size() <= longest_name && !marks.contains(text.front()) &&
           std::ranges::all_of(text, [&](char c) {
               return small_letters.contains(c) || (c >= '0' && c <= '9') || marks.contains(c);
           });
}

Linted read_runbook(std::string_view text)
{
    Linted linted;
    std::vector<Problem>& problems = linted.problems;
    if (text.size() > largest_runbook.count) {
        problems.push_back({{}, true, "a runbook has at most 1 MiB: let it take its large texts from files"});
        return linted;
    }
    const std::optional<Node> document = read_document(text, problems);
    if (!document) return linted;
    Runbook runbook = read_whole(*document, problems);
    lint(runbook, problems);
    put_in_order(problems);
    if (!any_error(problems)) linted.runbook = std::move(runbook);
    return linted;
}

}  // namespace belay::operation::runbook
