#include "cli/message_language.h"

#include "cli/environment.h"

#include <algorithm>

namespace belay::cli {
namespace {

using framework::messages::EventEntry;
using framework::messages::EventWords;
using framework::messages::Message;

constexpr size_t indent_of_explanation = 4;

/// What a translation does not say, the original does.
EventWords words_for(const EventEntry& entry, std::string_view language)
{
    const EventWords* words = entry.in_language(language);
    if (words == nullptr) return entry.words;
    EventWords whole = *words;
    if (whole.explanation.empty()) whole.explanation = entry.words.explanation;
    if (whole.action.empty()) whole.action = entry.words.action;
    return whole;
}

std::string paragraph(const Style& style, const std::string& text)
{
    if (text.empty()) return "";
    return std::string(indent_of_explanation, ' ') +
           wrap(style, clean(style, text), indent_of_explanation, indent_of_explanation) + '\n';
}

}  // namespace

std::string language_of_locale(std::string_view locale)
{
    const std::string_view name = locale.substr(0, locale.find_first_of(".@"));
    const std::string_view language = name.substr(0, name.find('_'));
    const bool is_language = (language.size() == 2 || language.size() == 3) &&
                             std::ranges::all_of(language, [](char c) { return c >= 'a' && c <= 'z'; });
    return is_language ? std::string(name) : "";
}

std::string language_of_environment()
{
    for (const char* name : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
        const std::string locale = environment(name);
        if (!locale.empty()) return language_of_locale(locale);
    }
    return "";
}

framework::messages::ReadCatalogue catalogue_of_machine()
{
    const std::string told = environment("BELAY_MESSAGES_TEXTS");
    return framework::messages::read_catalogue(told.empty() ? framework::messages::catalogue_folders()
                                                            : framework::messages::folders_in(told));
}

void put_in_language(std::vector<Json>& messages, const framework::messages::Catalogue& catalogue,
                     std::string_view language)
{
    for (Json& one : messages) {
        // What a newer daemon says in another form stays as it is.
        const Result<Message> message = framework::messages::read_message(one, {});
        if (!message) continue;
        auto text = framework::messages::translated(catalogue, *message, language);
        if (!text) continue;
        one["text"] = *std::move(text);
        one["language"] = language;
    }
}

Result<int> explain_message(const Invocation& asked, Console& console, const Style& style)
{
    const framework::messages::EventId id = TRY(framework::messages::parse_event_id(asked.target));
    const framework::messages::ReadCatalogue read = catalogue_of_machine();
    const EventEntry* entry = read.catalogue.find(id);
    if (!asked.json || entry == nullptr) {
        for (const framework::messages::CatalogueFault& fault : read.faults)
            console.err(fmt::format("belay: left out: {}\n", clean(style, fault.what)));
    }
    const std::string name = to_text(id);
    if (entry == nullptr)
        return fail(ErrorKind::not_found,
                    fmt::format("the catalogue of this machine says nothing of {}", name),
                    "docs/messages.md, \"Texts and languages\"");
    const std::string language = asked.language.empty() ? language_of_environment() : asked.language;
    const EventWords words = words_for(*entry, language);
    if (asked.json) {
        console.out(json_text({{"id", name},
                               {"level", framework::messages::name_of(entry->level)},
                               {"text", words.text},
                               {"explanation", words.explanation},
                               {"action", words.action},
                               {"file", entry->file},
                               {"line", entry->line}}) +
                    '\n');
        return 0;
    }
    const std::string head = fmt::format("{} {}: ", name, framework::messages::name_of(entry->level));
    console.out(head + wrap(style, clean(style, words.text), head.size(), indent_of_explanation) + '\n' +
                paragraph(style, words.explanation) + paragraph(style, words.action));
    return 0;
}

}  // namespace belay::cli
