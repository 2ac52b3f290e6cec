// Whatever a file of the catalogue of messages may hold: it is refused with a place in it, or all that it
// says is within all limits, can be filled in, and its rules can be held against any line.

#include "base/invariant.h"
#include "base/utf8.h"
#include "message_server/line_rules.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace {

using namespace belay;
using namespace belay::framework::messages;

bool is_within_limits(const Message& message)
{
    return message.text.size() <= MessageLimits::text && is_utf8(message.text) &&
           message.interaction.size() <= MessageLimits::name &&
           message.attributes.size() <= MessageLimits::attributes &&
           std::ranges::all_of(message.attributes,
                               [](const auto& one) { return one.second.size() <= MessageLimits::attribute; });
}

void look_at(const Catalogue& catalogue)
{
    for (const auto& [id, entry] : catalogue.entries()) {
        INVARIANT(id.component > 0 && !entry.words.text.empty());
        Message message{.id = id, .host = "{a}", .attributes = {{"a", "{b}"}, {"b", "\xc3\xbc"}}};
        complete(catalogue, message, false);
        INVARIANT(is_within_limits(message) && message.level == entry.level && !message.text.empty());
        for (const auto& [language, words] : entry.translations) {
            INVARIANT(entry.in_language(language) == &words && language != entry.language);
            const auto names = places_in(words.text), originals = places_in(entry.words.text);
            INVARIANT(names && originals);
            const bool is_whole = std::ranges::all_of(
                *names, [](const std::string& name) { return name == "a" || name == "b" || name == "host"; });
            INVARIANT(translated(catalogue, message, language).has_value() == is_whole);
        }
    }
}

}  // namespace

// libFuzzer gives the name. NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    Catalogue catalogue;
    const auto problems = catalogue.add("a.toml", text);
    INVARIANT(problems.empty() || (catalogue.entries().empty() && catalogue.rules().empty()));
    for (const auto& problem : problems) INVARIANT(problem.error && !problem.what.empty());
    look_at(catalogue);
    // Each id is there already.
    if (!catalogue.entries().empty()) INVARIANT(!catalogue.add("b.toml", text).empty());

    std::vector<CatalogueFault> faults;
    const message_server::LineRules rules(catalogue, faults);
    INVARIANT(faults.size() <= catalogue.rules().size());
    for (const LineRule& rule : catalogue.rules()) {
        Message message{.application = rule.application, .text = std::string(text)};
        fit(message);
        const bool is_known = rules.apply(message);
        INVARIANT(is_within_limits(message));
        INVARIANT(is_known || (message.id == EventId{} && message.attributes.empty()));
        INVARIANT(message.id.component == 0 || message.id.component > 9);
    }
    return 0;
}
