#include "operation/runbook/steps.h"

#include "operation/runbook/reader.h"

namespace belay::operation::runbook {
namespace {

std::optional<Phase> phase_of(std::string_view name)
{
    for (const Phase phase : {Phase::add, Phase::activate, Phase::commit}) {
        if (name_of(phase) == name) return phase;
    }
    return std::nullopt;
}

bool is_mode(std::string_view text)
{
    return (text.size() == 3 || text.size() == 4) &&
           text.find_first_not_of("01234567") == std::string_view::npos;
}

std::optional<Write> read_write(Reader& step)
{
    auto reader = step.table("write", "\"write\"");
    if (!reader) return std::nullopt;
    Write write;
    write.path = reader->required("path", "the file to write");
    if (!write.path.text.empty() && !write.path.text.starts_with('/') && !write.path.text.starts_with("${"))
        reader->error(write.path.place, "the path of a file begins with \"/\": write it from the root on");
    write.text = reader->text("text");
    write.from = reader->text("from");
    write.mode = reader->text("mode");
    if (write.text.has_value() == write.from.has_value())
        reader->error(reader->place(),
                      "\"write\" needs either \"text\" or \"from\": the text itself, or the file "
                      "to take it from");
    if (write.mode && !is_mode(write.mode->text))
        reader->error(write.mode->place,
                      fmt::format("\"{}\" is no mode of a file: write it as \"0644\"", write.mode->text));
    reader->no_other();
    return write;
}

std::optional<WaitFor> read_wait(Reader& step)
{
    auto reader = step.table("wait-for", "\"wait-for\"");
    if (!reader) return std::nullopt;
    WaitFor wait;
    wait.probe = reader->own_probe().value_or(Probe{});
    wait.timeout = reader->span("timeout").value_or(wait.timeout);
    wait.every = reader->span("every").value_or(wait.every);
    reader->no_other();
    return wait;
}

/// What belongs to "run", where there is none.
void refuse_without_run(const Reader& reader, const StepEntry& step)
{
    const bool acts = step.run || reader.has("run");
    for (const char* key : {"input", "remember", "left", "check"}) {
        if (!acts && reader.has(key))
            reader.error(reader.place_of(key),
                         fmt::format("\"{}\" belongs to \"run\", which this step has not: "
                                     "take it out, or say what to run",
                                     key));
    }
    if (!acts && !reader.has("write")) {
        for (const char* key : {"undo", "undo-input", "one-way"}) {
            if (reader.has(key))
                reader.error(
                    reader.place_of(key),
                    fmt::format("\"{}\" has nothing to undo, for this step only waits: take it out", key));
        }
    }
}

/// A step that changes something has a way back, or says why not.
void check_way_back(const Reader& reader, const StepEntry& step)
{
    const bool undoes = reader.has("undo");
    if (step.one_way && undoes)
        reader.error(step.one_way->place,
                     "a step has \"undo\" or is \"one-way\", not both: take one of them out");
    if (step.one_way && reader.has("write"))
        reader.error(step.one_way->place,
                     "what is written can be put back, so \"one-way\" has no place here: take "
                     "it out");
    if (step.one_way && step.one_way->text.empty())
        reader.error(step.one_way->place, "\"one-way\" is the reason why it cannot be undone: write it");
    if (step.one_way && step.phase == Phase::add)
        reader.error(step.one_way->place,
                     "the add phase must leave the way back open: move this step to a later "
                     "phase");
    if (reader.has("run") && !reader.has("write") && !undoes && !step.one_way)
        reader.error(step.place,
                     "this step has no way back: give it \"undo\", or \"one-way\" with the reason why "
                     "it cannot be undone");
    if (reader.has("undo-input") && !undoes)
        reader.error(reader.place_of("undo-input"),
                     "\"undo-input\" is the input of \"undo\", which this step has "
                     "not: take it out");
    if (reader.has("write") && reader.has("left"))
        reader.error(reader.place_of("left"),
                     "a step that writes is always put back whole, so \"left\" has no "
                     "place here: take it out");
}

}  // namespace

StepEntry read_step(const Node& node, std::vector<Problem>& problems)
{
    Reader reader(node, node.place, "a step", problems);
    StepEntry step{.place = node.place};
    step.name = reader.required("name", "as \"reload\"");
    if (!step.name.text.empty() && !is_name(step.name.text, "-"))
        reader.error(step.name.place, "a step's name has only small letters, digits and \"-\"");
    step.title = reader.required("title", "what it does, in a few words");
    const Text phase = reader.required("phase", "\"add\", \"activate\" or \"commit\"");
    const auto known = phase_of(phase.text);
    if (!known && !phase.text.empty())
        reader.error(phase.place,
                     fmt::format("there is no phase \"{}\": write \"add\", \"activate\" or \"commit\"",
                                 phase.text.substr(0, 40)));
    step.phase = known.value_or(Phase::activate);
    step.members = reader.texts("members");
    if (const auto member = reader.text("member")) {
        if (!step.members.empty())
            reader.error(member->place,
                         "a step has \"member\" or \"members\", not both: take one of them out");
        step.members.push_back(*member);
    }
    step.check = reader.probe("check");
    step.left = reader.probe("left");
    step.run = reader.words("run");
    step.undo = reader.words("undo");
    step.remember = reader.words("remember");
    step.input = reader.text("input");
    step.undo_input = reader.text("undo-input");
    step.one_way = reader.text("one-way");
    step.write = read_write(reader);
    step.wait_for = read_wait(reader);
    step.takes = reader.span("takes").value_or(step.takes);
    step.timeout = reader.span("timeout").value_or(step.timeout);
    reader.no_other();
    if (!reader.has("run") && !reader.has("write") && !reader.has("wait-for"))
        reader.error(node.place, "this step does nothing: give it \"run\", \"write\" or \"wait-for\"");
    refuse_without_run(reader, step);
    check_way_back(reader, step);
    return step;
}

}  // namespace belay::operation::runbook
