#include "cli/procedure_text.h"

#include "cli/fields.h"

namespace belay::cli {

std::string procedures_text(const Style& style, const Json& procedures)
{
    if (procedures.empty()) return "this Belay has no procedures\n";
    std::vector<std::vector<std::string>> rows;
    for (const Json& procedure : procedures)
        rows.push_back({paint(style, Tone::bold, text_of(style, procedure, "name")),
                        text_of(style, procedure, "summary")});
    return table(style, rows, 0) + "\n  next: belay procedures NAME\n";
}

std::string procedure_text(const Style& style, const Json& procedure)
{
    const std::string name = text_of(style, procedure, "name");
    std::string text = paint(style, Tone::bold, name) + ": " +
                       wrap(style, text_of(style, procedure, "summary"), columns_of(name) + 2, 2) + '\n';
    const std::string description = text_of(style, procedure, "description");
    if (!description.empty()) text += '\n' + wrap(style, description, 0, 0) + '\n';
    std::vector<std::vector<std::string>> rows;
    std::string example = "belay plan " + name;
    for (const Json& argument : list_of(procedure, "arguments")) {
        if (flag_of(argument, "internal")) continue;
        const std::string option = "--" + text_of(style, argument, "name");
        const std::string sample = text_of(style, argument, "example");
        const bool required = flag_of(argument, "required");
        std::string meaning = text_of(style, argument, "meaning");
        if (!required) meaning += " (may be left out)";
        rows.push_back({paint(style, Tone::bold, option), sample, meaning});
        if (required) example += fmt::format(" {} {}", option, sample);
    }
    if (!rows.empty()) text += '\n' + paint(style, Tone::bold, "Arguments") + '\n' + table(style, rows, 2);
    const std::string source = text_of(style, procedure, "source");
    if (!source.empty()) text += "\nSource: " + wrap(style, source, 8, 8) + '\n';
    return text + "\n  next: " + example + '\n';
}

}  // namespace belay::cli
