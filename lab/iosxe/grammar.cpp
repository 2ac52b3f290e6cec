#include "iosxe/grammar.h"

#include <algorithm>
#include <array>
#include <span>

namespace belay::lab::iosxe {
namespace {

/// `<name>` is any word, `[words]` may be left out.
struct Form {
    std::string_view form;
    Verb verb;
    bool internal = false;  ///< only where `service internal` is configured
};

constexpr std::array user_forms = {
    Form{"enable", Verb::enable},
    Form{"exit", Verb::exit},
    Form{"logout", Verb::exit},
    Form{"quit", Verb::exit},
    Form{"terminal length <lines>", Verb::terminal},
    Form{"terminal width <columns>", Verb::terminal},
    Form{"terminal monitor", Verb::terminal},
    Form{"terminal no monitor", Verb::terminal},
    Form{"show version", Verb::show_version},
    Form{"show clock", Verb::show_clock},
    Form{"show redundancy", Verb::show_redundancy},
    Form{"show redundancy states", Verb::show_redundancy_states},
    Form{"show switch [detail]", Verb::show_switch},
    Form{"show module", Verb::show_module},
    Form{"show stackwise-virtual", Verb::show_stackwise_virtual},
    Form{"show stackwise-virtual link", Verb::show_stackwise_virtual_link},
};

constexpr std::array privileged_forms = {
    Form{"disable", Verb::disable},
    Form{"configure terminal", Verb::configure},
    Form{"show install summary", Verb::show_install},
    Form{"show install active", Verb::show_install},
    Form{"show install inactive", Verb::show_install},
    Form{"show install committed", Verb::show_install},
    Form{"show install uncommitted", Verb::show_install},
    Form{"show issu state detail", Verb::show_issu_state},
    Form{"show issu rollback-timer", Verb::show_rollback_timer},
    Form{"show boot", Verb::show_boot},
    Form{"show bootvar", Verb::show_boot},
    Form{"show boot system", Verb::show_boot_system},
    Form{"dir [<where>]", Verb::dir},
    Form{"verify /md5 <file> [<hash>]", Verb::verify},
    Form{"verify /sha512 <file> [<hash>]", Verb::verify},
    Form{"delete [/force] <file>", Verb::remove_file},
    Form{"copy <url> <file>", Verb::copy},
    Form{"install add file <file>", Verb::install_add},
    Form{"install add file <file> activate issu commit [prompt-level <level>]", Verb::install_one_step},
    Form{"install activate", Verb::install_activate_plain},
    Form{"install activate issu [auto-abort-timer <minutes>] [prompt-level <level>]", Verb::install_activate},
    Form{"install activate auto-abort-timer <minutes> issu [prompt-level <level>]", Verb::install_activate},
    Form{"install commit", Verb::install_commit},
    Form{"install abort issu [prompt-level <level>]", Verb::install_abort},
    Form{"install remove inactive [prompt-level <level>]", Verb::install_remove_inactive},
    Form{"install auto-abort-timer stop", Verb::install_timer_stop},
    Form{"clear install state", Verb::clear_install_state, true},
    Form{"reload [slot <member>]", Verb::reload},
    Form{"redundancy force-switchover", Verb::switch_over},
    Form{"redundancy reload peer", Verb::reload_peer},
    Form{"write [memory]", Verb::write_memory},
    Form{"copy running-config startup-config", Verb::write_memory},
};

constexpr std::array configuring_forms = {
    Form{"service internal", Verb::service_internal},
    Form{"no service internal", Verb::service_internal},
    Form{"boot manual", Verb::boot_manual},
    Form{"no boot manual", Verb::boot_manual},
    Form{"hostname <name>", Verb::other_configuration},
    Form{"do <line>", Verb::run},
    Form{"end", Verb::end},
    Form{"exit", Verb::end},
};

struct Node {
    std::map<std::string, std::unique_ptr<Node>, std::less<>> words;
    std::unique_ptr<Node> argument;
    std::string argument_name;
    std::optional<Verb> verb;
};

struct Word {
    std::string_view text;
    size_t at = 0;
};

std::vector<Word> split(std::string_view line)
{
    std::vector<Word> words;
    for (size_t at = line.find_first_not_of(" \t"); at != std::string_view::npos;) {
        const size_t end = std::min(line.find_first_of(" \t", at), line.size());
        words.push_back({line.substr(at, end - at), at});
        at = line.find_first_not_of(" \t", end);
    }
    return words;
}

/// Adds the forms that `rest` may have below `node`: an optional part is there once with it and once without.
void add(Node& node, std::string_view rest, Verb verb)
{
    while (rest.starts_with(' ')) rest.remove_prefix(1);
    if (rest.empty()) {
        node.verb = verb;
        return;
    }
    if (rest.starts_with('[')) {
        const size_t end = rest.find(']');
        const std::string_view behind = rest.substr(end + 1);
        add(node, behind, verb);
        return add(node, std::string(rest.substr(1, end - 1)) + std::string(behind), verb);
    }
    const size_t end = std::min(rest.find(' '), rest.size());
    const std::string_view word = rest.substr(0, end);
    std::unique_ptr<Node>* next = nullptr;
    if (word.starts_with('<')) {
        node.argument_name = word.substr(1, word.size() - 2);
        next = &node.argument;
    } else {
        next = &node.words[std::string(word)];
    }
    if (!*next) *next = std::make_unique<Node>();
    add(**next, rest.substr(end), verb);
}

void add_all(Node& node, std::span<const Form> forms, bool internal)
{
    for (const Form& form : forms)
        if (internal || !form.internal) add(node, form.form, form.verb);
}

const Node& tree(Mode mode, bool internal)
{
    static const auto made = [] {
        std::array<Node, 4> trees;
        add_all(trees[0], user_forms, false);
        for (const size_t one : {1, 2}) {
            add_all(trees.at(one), user_forms, one == 2);
            add_all(trees.at(one), privileged_forms, one == 2);
        }
        add_all(trees[3], configuring_forms, true);
        return trees;
    }();
    return made.at(mode == Mode::user ? 0U : mode == Mode::configuring ? 3U : internal ? 2U : 1U);
}

std::string lower(std::string_view text)
{
    std::string made(text);
    std::ranges::transform(made, made.begin(), [](char one) {
        return one >= 'A' && one <= 'Z' ? static_cast<char>(one + 32) : one;
    });
    return made;
}

/// The words of `node` that begin so; an exact one alone.
std::vector<std::string> beginning(const Node& node, const std::string& word)
{
    std::vector<std::string> found;
    if (node.words.contains(word)) return {word};
    for (const auto& [one, next] : node.words)
        if (one.starts_with(word)) found.push_back(one);
    return found;
}

Misunderstood wrong(Misunderstood::Why why, size_t at)
{
    return {.why = why, .at = at};
}

std::optional<Misunderstood> read_filter(std::string_view line, size_t bar, Typed& typed)
{
    const std::vector<Word> words = split(line.substr(bar + 1));
    if (words.empty()) return wrong(Misunderstood::Why::incomplete, line.size());
    for (const std::string_view filter : {"begin", "count", "exclude", "include"})
        if (filter.starts_with(lower(words[0].text))) typed.filter = filter;
    const size_t at = bar + 1 + words[0].at;
    if (typed.filter.empty()) return wrong(Misunderstood::Why::invalid, at);
    if (words.size() < 2) return wrong(Misunderstood::Why::incomplete, line.size());
    typed.pattern = line.substr(bar + 1 + words[1].at);
    while (typed.pattern.ends_with(' ')) typed.pattern.pop_back();
    return std::nullopt;
}

}  // namespace

std::variant<Typed, Misunderstood> read_line(std::string_view line, Mode mode, bool internal)
{
    Typed typed;
    const size_t bar = line.find('|');
    if (bar != std::string_view::npos)
        if (const auto problem = read_filter(line, bar, typed)) return *problem;
    const std::vector<Word> words = split(line.substr(0, bar));
    const Node* node = &tree(mode, internal);
    for (const Word& word : words) {
        const std::vector<std::string> found = beginning(*node, lower(word.text));
        if (found.size() == 1) {
            typed.line += (typed.line.empty() ? "" : " ") + found[0];
            typed.words[found[0]];
            node = node->words.find(found[0])->second.get();
        } else if (found.size() > 1) {
            return wrong(Misunderstood::Why::ambiguous, word.at);
        } else if (node->argument) {
            // "do" takes the rest of the line.
            const bool rest = node->argument_name == "line";
            const std::string text(rest ? line.substr(word.at) : word.text);
            typed.line += " " + text;
            typed.words[node->argument_name] = text;
            node = node->argument.get();
            if (rest) break;
        } else {
            return wrong(Misunderstood::Why::invalid, word.at);
        }
    }
    if (!node->verb) return wrong(Misunderstood::Why::incomplete, line.size());
    typed.verb = *node->verb;
    return typed;
}

}  // namespace belay::lab::iosxe
