#include "operation/runbook/words.h"

#include "base/json.h"

namespace belay::operation::runbook {
namespace {

/// A piece of a text: as it stands, or a variable's name.
struct Piece {
    std::string text;
    bool variable = false;
};

Result<std::vector<Piece>> pieces_of(std::string_view text)
{
    std::vector<Piece> pieces;
    std::string plain;
    while (!text.empty()) {
        const size_t at = text.find("${");
        plain += text.substr(0, at);
        if (at == std::string_view::npos) break;
        const bool escaped = at > 0 && text[at - 1] == '$';
        text.remove_prefix(at + 2);
        if (escaped) {
            plain += '{';  // the first of the two $ is there already
            continue;
        }
        const size_t end = text.find('}');
        if (end == std::string_view::npos)
            return fail(ErrorKind::usage, "\"${\" has no \"}\"; write \"$${\" where no variable is meant");
        if (!plain.empty()) pieces.push_back({std::exchange(plain, {})});
        pieces.push_back({std::string(text.substr(0, end)), true});
        text.remove_prefix(end + 1);
    }
    if (!plain.empty()) pieces.push_back({std::move(plain)});
    return pieces;
}

}  // namespace

Result<std::vector<std::string>> variables_in(std::string_view text)
{
    std::vector<std::string> names;
    for (Piece& piece : TRY(pieces_of(text))) {
        if (piece.variable) names.push_back(std::move(piece.text));
    }
    return names;
}

Result<Json> filled(std::string_view text, const Values& values)
{
    Json parts = Json::array();
    std::string whole;
    bool remembers = false;
    for (const Piece& piece : TRY(pieces_of(text))) {
        if (piece.variable && piece.text == remembered_name) {
            parts.push_back(std::exchange(whole, {}));
            parts.push_back(nullptr);
            remembers = true;
            continue;
        }
        const auto value = piece.variable ? values.find(piece.text) : values.end();
        if (piece.variable && value == values.end())
            return fail(ErrorKind::usage, fmt::format("there is no variable {}", piece.text));
        whole += piece.variable ? value->second : piece.text;
    }
    if (!remembers) return Json(std::move(whole));
    parts.push_back(std::move(whole));
    return parts;
}

Result<std::string> filled_text(std::string_view text, const Values& values)
{
    const Json word = TRY(filled(text, values));
    if (!word.is_string()) return fail(ErrorKind::usage, "there is nothing remembered here");
    return word.get<std::string>();
}

std::string with_remembered(const Json& word, std::string_view remembered)
{
    if (word.is_string()) return word.get<std::string>();
    std::string text;
    for (const Json& part : word.get_ref<const Json::array_t&>())
        text += part.is_null() ? std::string(remembered) : part.get<std::string>();
    return text;
}

std::vector<std::string> with_remembered_all(const Json& words, std::string_view remembered)
{
    std::vector<std::string> texts;
    for (const Json& word : words.get_ref<const Json::array_t&>())
        texts.push_back(with_remembered(word, remembered));
    return texts;
}

}  // namespace belay::operation::runbook
