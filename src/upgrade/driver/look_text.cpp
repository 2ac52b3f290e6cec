#include "upgrade/driver/look_text.h"

#include "base/json.h"

#include <algorithm>

namespace belay::upgrade::driver {
namespace {

constexpr size_t longest_look = 65'536;
constexpr size_t longest_sentence = 1024;
constexpr size_t longest_version = 128;
constexpr size_t longest_path = 4096;
constexpr size_t most_offers = 16;

std::unexpected<Error> not_so(std::string_view key, std::string_view wanted)
{
    return fail(ErrorKind::corrupt, fmt::format("the driver's look has no \"{}\" that is {}", key, wanted));
}

Result<const Json*> value_of(const Json& object, const char* key, std::string_view wanted)
{
    const auto found = object.find(key);
    if (found == object.end()) return not_so(key, wanted);
    return &*found;
}

Result<bool> truth_of(const Json& object, const char* key)
{
    const Json* const value = TRY(value_of(object, key, "true or false"));
    if (!value->is_boolean()) return not_so(key, "true or false");
    return value->get<bool>();
}

Result<std::string> line_of(const Json& object, const char* key, size_t longest)
{
    const std::string wanted = fmt::format("a text of one line, at most {} bytes", longest);
    const Json* const value = TRY(value_of(object, key, wanted));
    if (!value->is_string()) return not_so(key, wanted);
    auto text = value->get<std::string>();
    const bool has_control = std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
    if (text.size() > longest || has_control) return not_so(key, wanted);
    return text;
}

template <typename Word>
Result<Word> word_of(const Json& object, const char* key, std::initializer_list<Word> words)
{
    std::string wanted;
    for (const Word word : words) wanted += fmt::format("{}{}", wanted.empty() ? "" : " or ", name_of(word));
    const Json* const value = TRY(value_of(object, key, wanted));
    for (const Word word : words) {
        if (*value == Json(name_of(word))) return word;
    }
    return not_so(key, wanted);
}

Result<std::vector<Verb>> offers_of(const Json& object)
{
    constexpr std::string_view wanted = "a list of take-over, renew, drain, undrain, each once";
    const Json* const value = TRY(value_of(object, "offers", wanted));
    if (!value->is_array() || value->size() > most_offers) return not_so("offers", wanted);
    std::vector<Verb> offers;
    for (const Json& word : *value) {
        const auto verb = word.is_string() ? verb_named(word.get<std::string>()) : std::nullopt;
        if (!verb || !is_optional(*verb) || std::ranges::find(offers, *verb) != offers.end())
            return not_so("offers", wanted);
        offers.push_back(*verb);
    }
    return offers;
}

}  // namespace

std::string to_text(const Look& look)
{
    Json offers = Json::array();
    for (const Verb verb : look.offers) offers.push_back(name_of(verb));
    return json_text({{"role", name_of(look.role)},
                      {"hot", look.hot},
                      {"says", look.says},
                      {"version", look.version},
                      {"starts_by_itself", look.starts_by_itself},
                      {"runs_from", look.runs_from},
                      {"peer", name_of(look.peer)},
                      {"offers", offers}});
}

Result<Look> parse_look(std::string_view text)
{
    if (text.size() > longest_look)
        return fail(ErrorKind::corrupt,
                    fmt::format("the driver's look has more than {} bytes", longest_look));
    const Result<Json> json = parse_json(text);
    if (!json || !json->is_object())
        return fail(ErrorKind::corrupt, fmt::format("the driver's look is no JSON object{}{}",
                                                    json ? "" : ": ", json ? "" : json.error().what));
    Look look;
    look.role = TRY(word_of(*json, "role", {Role::active, Role::standby, Role::none}));
    look.hot = TRY(truth_of(*json, "hot"));
    look.says = TRY(line_of(*json, "says", longest_sentence));
    look.version = TRY(line_of(*json, "version", longest_version));
    look.starts_by_itself = TRY(truth_of(*json, "starts_by_itself"));
    look.runs_from = TRY(line_of(*json, "runs_from", longest_path));
    if (!look.runs_from.empty() && look.runs_from.front() != '/')
        return not_so("runs_from", "an absolute path, or empty");
    look.peer = TRY(word_of(*json, "peer", {Reach::reachable, Reach::unreachable, Reach::unknown}));
    look.offers = TRY(offers_of(*json));
    if (look.says.empty()) return not_so("says", "a sentence");
    return look;
}

}  // namespace belay::upgrade::driver
