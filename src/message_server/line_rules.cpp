#include "message_server/line_rules.h"

#include <algorithm>
#include <array>
#include <fnmatch.h>
#include <re2/re2.h>

namespace belay::message_server {
namespace {

using framework::messages::Catalogue;
using framework::messages::CatalogueFault;
using framework::messages::EventEntry;
using framework::messages::Level;
using framework::messages::LineRule;
using framework::messages::Message;
using framework::messages::MessageLimits;

/// Of one pattern: what it is made into, and what it remembers of lines that it has seen.
constexpr int64_t pattern_memory = 256 << 10;

std::shared_ptr<const re2::RE2> compiled(const LineRule& rule, std::vector<CatalogueFault>& faults)
{
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(pattern_memory);
    auto pattern = std::make_shared<const re2::RE2>(rule.pattern, options);
    std::string why;
    if (!pattern->ok())
        why = fmt::format(
            "is none: {}; patterns are written as RE2 has them, a group with a name as "
            "(?P<name>...)",
            pattern->error());
    else if (pattern->NumberOfCapturingGroups() > LineRules::most_groups)
        why = fmt::format("has {} groups, and at most {}: write (?:...) where a group gives no attribute",
                          pattern->NumberOfCapturingGroups(), LineRules::most_groups);
    if (why.empty()) return pattern;
    faults.push_back(
        {.file = rule.file,
         .what = fmt::format("{}:{}: the pattern of the rule for lines {}", rule.file, rule.line, why)});
    return nullptr;
}

bool is_for(const std::string& pattern, const std::string& application)
{
    return fnmatch(pattern.c_str(), application.c_str(), 0) == 0;
}

}  // namespace

LineRules::LineRules(const Catalogue& catalogue, std::vector<CatalogueFault>& faults)
{
    for (const LineRule& rule : catalogue.rules()) {
        std::shared_ptr<const re2::RE2> pattern = compiled(rule, faults);
        if (pattern == nullptr) continue;
        const EventEntry* event = catalogue.find(rule.id);
        const Level of_event = event == nullptr ? Level::standard : event->level;
        rules_.push_back({.application = rule.application,
                          .pattern = std::move(pattern),
                          .id = rule.id,
                          .level = rule.level.value_or(of_event)});
    }
}

bool LineRules::concern(const std::string& application) const
{
    return std::ranges::any_of(rules_,
                               [&](const Rule& rule) { return is_for(rule.application, application); });
}

bool LineRules::apply(Message& message) const
{
    if (message.text.size() > longest_line) return false;
    const re2::StringPiece line(message.text.data(), message.text.size());
    for (const Rule& rule : rules_) {
        if (!is_for(rule.application, message.application)) continue;
        std::array<re2::StringPiece, most_groups + 1> found;
        const int groups = rule.pattern->NumberOfCapturingGroups();
        // Where nothing is taken out of a line, where in it the pattern fits need not be found out.
        const bool fits = rule.pattern->Match(line, 0, line.size(), re2::RE2::UNANCHORED, found.data(),
                                              groups == 0 ? 0 : groups + 1);
        if (!fits) continue;
        message.id = rule.id;
        message.level = rule.level;
        for (const auto& [number, name] : rule.pattern->CapturingGroupNames()) {
            const re2::StringPiece& group = found.at(static_cast<size_t>(number));
            if (group.data() == nullptr) continue;
            std::string value(group.data(), group.size());
            if (name == interaction)
                message.interaction = std::move(value);
            else
                message.attributes.insert_or_assign(name, std::move(value));
        }
        framework::messages::fit(message);
        return true;
    }
    return false;
}

ReadTexts read_texts(const std::vector<std::string>& folders)
{
    framework::messages::ReadCatalogue read = framework::messages::read_catalogue(folders);
    auto texts = std::make_shared<Texts>();
    texts->catalogue = std::move(read.catalogue);
    texts->rules = LineRules(texts->catalogue, read.faults);
    return {.texts = std::move(texts), .faults = std::move(read.faults)};
}

}  // namespace belay::message_server
