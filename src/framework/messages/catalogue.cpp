#include "framework/messages/catalogue.h"

#include "framework/messages/own_events.h"
#include "host/files.h"
#include "operation/runbook/reader.h"

#include <algorithm>
#include <sys/stat.h>

namespace belay::framework::messages {
namespace {

using operation::runbook::Entry;
using operation::runbook::Node;
using operation::runbook::Place;
using operation::runbook::Problem;
using operation::runbook::Reader;
using operation::runbook::Text;

constexpr uint8_t last_component_of_belay = 9;
constexpr size_t longest_shown = 60;

bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_in_name(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

/// "de" or "de_AT".
bool is_language(std::string_view text)
{
    const auto small = [](char c) { return c >= 'a' && c <= 'z'; };
    const auto large = [](char c) { return c >= 'A' && c <= 'Z'; };
    const std::string_view language = text.substr(0, text.find('_'));
    const std::string_view region = text.substr(std::min(text.size(), language.size() + 1));
    const bool is_whole =
        language.size() == text.size() || (region.size() == 2 && std::ranges::all_of(region, large));
    return (language.size() == 2 || language.size() == 3) && std::ranges::all_of(language, small) && is_whole;
}

std::string shown(std::string_view text)
{
    size_t end = std::min(text.size(), longest_shown);
    while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) --end;
    return std::string(text.substr(0, end)) + (end < text.size() ? "..." : "");
}

std::string listed(const std::vector<std::string>& names)
{
    return fmt::format("{{{}}}", fmt::join(names, "}, {"));
}

/// One file.
class CatalogueFile {
  public:
    CatalogueFile(const Catalogue& before, const std::string& file) : before_(before), file_(file) {}

    void read(std::string_view text)
    {
        const std::optional<Node> document = operation::runbook::read_document(text, problems_);
        if (!document) return;
        Reader reader(*document, {}, "a catalogue of messages", problems_);
        if (const auto language = reader.text("language")) read_language(*language);
        for (const Entry* entry : reader.named_tables("message")) read_message_table(*entry);
        for (const Node* rule : reader.tables("line")) read_line(*rule);
        reader.no_other();
        if (before_.entries().size() + entries.size() > CatalogueLimits::messages)
            reader.error({}, fmt::format("there are more than {} messages in all files: leave some out",
                                         CatalogueLimits::messages));
        if (before_.rules().size() + rules.size() > CatalogueLimits::rules)
            reader.error({},
                         fmt::format("there are more than {} rules for lines in all files: one pattern may "
                                     "have several cases, as (started|stopped)",
                                     CatalogueLimits::rules));
        std::ranges::stable_sort(problems_, {}, &Problem::place);
    }

    std::vector<Problem> take_problems() { return std::move(problems_); }

    std::map<EventId, EventEntry> entries = {};
    std::vector<LineRule> rules = {};

  private:
    void error(Place place, std::string what) { problems_.push_back({place, true, std::move(what)}); }

    void read_language(const Text& language)
    {
        if (!is_language(language.text))
            return error(language.place,
                         fmt::format("\"{}\" is no language: write \"en\", \"de\" or \"de_AT\"",
                                     shown(language.text)));
        language_ = language.text;
    }

    std::string fitting(const std::optional<Text>& text, std::string_view what, size_t most)
    {
        if (!text) return "";
        if (text->text.size() <= most) return text->text;
        error(text->place,
              fmt::format("{} is of {} bytes, and of at most {}: shorten it", what, text->text.size(), most));
        return "";
    }

    EventWords read_words(Reader& reader, const std::string& what)
    {
        const Text text = reader.required("text", "what it says, as \"listens at port {port}\"");
        EventWords words;
        words.text = fitting(text, fmt::format("the text of {}", what), CatalogueLimits::text);
        words.explanation = fitting(reader.text("explanation"), fmt::format("the explanation of {}", what),
                                    CatalogueLimits::long_text);
        words.action =
            fitting(reader.text("action"), fmt::format("the action of {}", what), CatalogueLimits::long_text);
        const auto places = places_in(words.text);
        if (!places) error(text.place, fmt::format("the text of {}: {}", what, places.error().what));
        if (places && places->size() > CatalogueLimits::places)
            error(text.place, fmt::format("the text of {} has {} names to be filled in, and at most {}", what,
                                          places->size(), CatalogueLimits::places));
        return words;
    }

    std::optional<Level> read_level(Reader& reader)
    {
        const auto level = reader.text("level");
        if (!level) return std::nullopt;
        const Result<Level> named = level_named(level->text);
        if (named) return *named;
        error(level->place, named.error().what);
        return std::nullopt;
    }

    void read_message_table(const Entry& table)
    {
        const Result<EventId> id = parse_event_id(table.key);
        if (!id) return error(table.place, id.error().what);
        const std::string name = to_text(*id);
        if (id->component == 0)
            return error(table.place, fmt::format("{} is of component 00, whose messages have no texts: take "
                                                  "one from 10 to 99",
                                                  name));
        Reader reader(table.value, table.place, name, problems_);
        EventEntry entry{.id = *id, .language = language_, .file = file_, .line = table.place.line};
        entry.level = read_level(reader).value_or(Level::standard);
        entry.words = read_words(reader, name);
        for (const Entry& other : table.value.entries) {
            if (!is_language(other.key)) continue;
            if (auto language = reader.table(other.key, fmt::format("{} in {}", name, other.key)))
                read_translation(entry, other.key, *language);
        }
        reader.no_other();
        if (const EventEntry* other = entry_of(*id))
            return error(table.place, fmt::format("{} has its texts in {}:{} already: one of them has to go",
                                                  name, other->file, other->line));
        entries.emplace(*id, std::move(entry));
    }

    const EventEntry* entry_of(EventId id) const
    {
        const auto here = entries.find(id);
        return here == entries.end() ? before_.find(id) : &here->second;
    }

    void read_translation(EventEntry& entry, const std::string& language, Reader& reader)
    {
        const std::string name = fmt::format("{} in {}", to_text(entry.id), language);
        EventWords words = read_words(reader, name);
        reader.no_other();
        if (language == entry.language)
            return error(reader.place(), fmt::format("{} is in {} without that: write its text as \"text\"",
                                                     to_text(entry.id), language));
        if (entry.translations.size() == CatalogueLimits::languages)
            return error(reader.place(), fmt::format("{} is in more than {} languages", to_text(entry.id),
                                                     CatalogueLimits::languages));
        compare_places(entry.words.text, words.text, name, reader.place_of("text"));
        entry.translations.emplace(language, std::move(words));
    }

    /// Whoever reads another language is told as much.
    void compare_places(std::string_view original, std::string_view translation, const std::string& name,
                        Place place)
    {
        const auto wanted = places_in(original), used = places_in(translation);
        if (!wanted || !used || translation.empty()) return;
        std::vector<std::string> missing, unknown;
        for (const std::string& one : *wanted) {
            if (std::ranges::find(*used, one) == used->end()) missing.push_back(one);
        }
        for (const std::string& one : *used) {
            if (std::ranges::find(*wanted, one) == wanted->end()) unknown.push_back(one);
        }
        if (!missing.empty())
            error(place,
                  fmt::format("the text of {} lacks {}, which the original has", name, listed(missing)));
        if (!unknown.empty())
            error(place,
                  fmt::format("the text of {} has {}, which the original has not", name, listed(unknown)));
    }

    void read_line(const Node& node)
    {
        Reader reader(node, node.place, "a rule for lines", problems_);
        LineRule rule{.file = file_, .line = node.place.line};
        rule.application = fitting(reader.required("application", "the name of who prints it, or \"*\""),
                                   "the name of the application", MessageLimits::name);
        rule.pattern =
            fitting(reader.required("pattern", "what such a line looks like, as 'port (?P<port>[0-9]+)'"),
                    "the pattern", CatalogueLimits::pattern);
        rule.level = read_level(reader);
        if (const auto id = reader.text("id")) read_rule_id(*id, rule);
        reader.no_other();
        if (!reader.has("id") && !reader.has("level"))
            error(node.place,
                  "a rule for lines needs \"id\" or \"level\": without both nothing becomes of a line");
        rules.push_back(std::move(rule));
    }

    void read_rule_id(const Text& text, LineRule& rule)
    {
        const Result<EventId> id = parse_event_id(text.text);
        if (!id) return error(text.place, id.error().what);
        if (id->component <= last_component_of_belay)
            return error(text.place,
                         fmt::format("{} is an id of Belay's own, which nothing printed can have: take one "
                                     "from 10-00000 on",
                                     to_text(*id)));
        rule.id = *id;
    }

    const Catalogue& before_;
    const std::string& file_;
    std::string language_ = "en";
    std::vector<Problem> problems_;
};

std::string value_in(const Message& message, const std::string& name, bool& is_there)
{
    is_there = true;
    if (const auto found = message.attributes.find(name); found != message.attributes.end())
        return found->second;
    for (const auto& [field, value] : {std::pair{"host", &message.host},
                                       {"application", &message.application},
                                       {"interaction", &message.interaction}}) {
        if (name == field && !value->empty()) return *value;
    }
    is_there = false;
    return "";
}

/// `lacks`: whether there was nothing for one of the names.
std::string filled_with(std::string_view text, const Message& message, bool& lacks)
{
    std::map<std::string, std::string> values;
    for (const std::string& name : places_in(text).value_or(std::vector<std::string>())) {
        bool is_there = false;
        std::string value = value_in(message, name, is_there);
        if (is_there)
            values.emplace(name, std::move(value));
        else
            lacks = true;
    }
    Message whole{.text = filled_in(text, values)};
    fit(whole);
    return whole.text;
}

std::optional<CatalogueFault> add_file(Catalogue& catalogue, const std::string& path)
{
    struct stat status{};
    // Of a pipe nobody would come to the end.
    if (stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode))
        return CatalogueFault{.file = path, .what = fmt::format("{} is no file", path)};
    const Result<std::string> text = host::files::read(path, Bytes{CatalogueLimits::file});
    if (!text) return CatalogueFault{.file = path, .what = text.error().what};
    const std::vector<Problem> problems = catalogue.add(path, *text);
    if (problems.empty()) return std::nullopt;
    std::string what = operation::runbook::to_text(problems.front(), path);
    if (problems.size() > 1) what += fmt::format(" (and {} more)", problems.size() - 1);
    return CatalogueFault{.file = path, .what = std::move(what)};
}

}  // namespace

const EventWords* EventEntry::in_language(std::string_view wanted) const
{
    for (const std::string_view one : {wanted, wanted.substr(0, wanted.find('_'))}) {
        if (const auto found = translations.find(std::string(one)); found != translations.end())
            return &found->second;
        if (one == language) return &words;
    }
    return nullptr;
}

std::vector<Problem> Catalogue::add(const std::string& file, std::string_view text)
{
    if (text.size() > CatalogueLimits::file)
        return {{{}, true, fmt::format("the file is larger than {}", to_text(Bytes{CatalogueLimits::file}))}};
    CatalogueFile read(*this, file);
    read.read(text);
    std::vector<Problem> problems = read.take_problems();
    if (!problems.empty()) return problems;
    entries_.merge(read.entries);
    std::ranges::move(read.rules, std::back_inserter(rules_));
    return {};
}

const EventEntry* Catalogue::find(EventId id) const
{
    const auto found = entries_.find(id);
    return found == entries_.end() ? nullptr : &found->second;
}

const std::vector<std::string>& catalogue_folders()
{
    static const std::vector<std::string> folders = {"/usr/share/belay/messages", "/etc/belay/messages"};
    return folders;
}

ReadCatalogue read_catalogue(const std::vector<std::string>& folders)
{
    ReadCatalogue read;
    size_t files = 0;
    for (const std::string& folder : folders) {
        const auto names = host::files::list(folder);
        if (!names && names.error().kind != ErrorKind::not_found)
            read.faults.push_back({.file = folder, .what = names.error().what});
        if (!names) continue;
        for (const std::string& name : *names) {
            if (!name.ends_with(".toml")) continue;
            const std::string path = fmt::format("{}/{}", folder, name);
            if (++files > CatalogueLimits::files) {
                read.faults.push_back(
                    {.file = path,
                     .what = fmt::format(
                         "{} is one more than the {} files that a catalogue may have: put several into one",
                         path, CatalogueLimits::files)});
                return read;
            }
            if (auto fault = add_file(read.catalogue, path)) read.faults.push_back(*std::move(fault));
        }
    }
    return read;
}

std::vector<std::string> folders_in(std::string_view text)
{
    std::vector<std::string> folders;
    while (!text.empty()) {
        const std::string_view folder = text.substr(0, text.find(':'));
        if (folder.starts_with('/')) folders.emplace_back(folder);
        text.remove_prefix(std::min(text.size(), folder.size() + 1));
    }
    return folders;
}

Result<std::vector<std::string>> places_in(std::string_view text)
{
    std::vector<std::string> names;
    while (true) {
        const size_t open = text.find_first_of("{}");
        if (open == std::string_view::npos) return names;
        const std::string_view rest = text.substr(open + 1);
        const size_t length = static_cast<size_t>(std::ranges::find_if_not(rest, is_in_name) - rest.begin());
        const bool is_name = text[open] == '{' && length > 0 && is_letter(rest[0]) && length < rest.size() &&
                             rest[length] == '}';
        if (!is_name)
            return fail(
                ErrorKind::usage,
                fmt::format(
                    "the brace at \"{}\" belongs to no name: write {{name}}, of letters, digits, _, - and .",
                    shown(text.substr(open))));
        names.emplace_back(rest.substr(0, length));
        text = rest.substr(length + 1);
    }
}

std::string filled_with(std::string_view text, const Message& message)
{
    bool lacks = false;
    return filled_with(text, message, lacks);
}

std::optional<std::string> translated(const Catalogue& catalogue, const Message& message,
                                      std::string_view language)
{
    const EventEntry* entry = catalogue.find(message.id);
    const EventWords* words = entry == nullptr ? nullptr : entry->in_language(language);
    if (words == nullptr || words == &entry->words) return std::nullopt;
    bool lacks = false;
    std::string text = filled_with(words->text, message, lacks);
    return lacks ? std::nullopt : std::optional(std::move(text));
}

void complete(const Catalogue& catalogue, Message& message, bool has_level)
{
    if (has_level && !message.text.empty()) return;
    const EventEntry* entry = catalogue.find(message.id);
    if (entry == nullptr) return;
    if (!has_level) message.level = entry->level;
    if (message.text.empty()) message.text = filled_with(entry->words.text, message);
}

}  // namespace belay::framework::messages
