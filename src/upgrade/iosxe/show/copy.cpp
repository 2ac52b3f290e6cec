#include "upgrade/iosxe/show/copy.h"

#include "upgrade/iosxe/show/fields.h"

namespace belay::upgrade::iosxe::show {
namespace {

using printed::take_word;
using printed::trimmed;
using printed::whole_number;

constexpr std::string_view error_begins = "%Error ";
constexpr std::string_view piece_marks = "!.O ";  ///< of pieces that came, were late, or came out of order

constexpr Field<Copied> copied_fields[] = {
    {"", "source", &Copied::source}, {"", "destination", &Copied::destination},
    {"", "bytes", &Copied::bytes},   {"", "took", &Copied::took},
    {"", "rate", &Copied::rate},     {"", "problem", &Copied::problem},
};

class CopyReader {
  public:
    explicit CopyReader(const Shown& shown) : shown_(shown) {}

    Result<Copied> read()
    {
        for (const Line& line : shown_.lines) TRY(take(line, trimmed(line.text)));
        if (found_.source.empty()) return shown_.cut("it does not say from where");
        if (!found_.problem.empty()) {
            found_.bytes.reset();
            return std::move(found_);
        }
        if (!found_.bytes) return shown_.cut("its last line, how many bytes were copied, is not there");
        if (announced_ && *announced_ != *found_.bytes)
            return shown_.foreign(0, fmt::format("it is of {} bytes, and of {}", *announced_, *found_.bytes));
        return std::move(found_);
    }

  private:
    Result<void> take(const Line& line, std::string_view text)
    {
        // Both may stand behind the marks, on one line with them.
        if (const size_t at = text.find(error_begins); at != std::string_view::npos)
            return take_error(line, text.substr(at));
        if (const size_t at = text.find("[OK - "); at != std::string_view::npos) {
            if (text.substr(0, at).find_first_not_of(piece_marks) != std::string_view::npos)
                TRY(take_way(line, text));
            return take_number(line, text.substr(at + 6), announced_);
        }
        if (text.find(" copied in ") != std::string_view::npos) return take_end(line, text);
        return take_way(line, text);
    }

    /// "Accessing https://...", "Loading https://... !!!!!", "Destination filename [x.bin]?", marks.
    Result<void> take_way(const Line& line, std::string_view text)
    {
        if (const auto asked = after(text, "Destination filename [")) {
            const size_t end = asked->find("]?");
            if (end == std::string_view::npos || !assign(found_.destination, asked->substr(0, end)))
                return shown_.foreign(line.number, "the destination is not whole, or is there twice");
            return {};
        }
        for (const std::string_view begins : {"Accessing ", "Loading "}) {
            const auto rest = after(text, begins);
            if (!rest) continue;
            std::string_view words = *rest;
            return take_source(line, take_word(words));
        }
        if (text.find_first_not_of(piece_marks) == std::string_view::npos) return {};
        return shown_.foreign(line.number, fmt::format("\"{}\" is no part of a copy", text));
    }

    Result<void> take_source(const Line& line, std::string_view source)
    {
        if (source.ends_with("...")) source.remove_suffix(3);
        if (source.find("://") == std::string_view::npos)
            return shown_.foreign(line.number, fmt::format("\"{}\" is no URL", source));
        if (found_.source.empty()) found_.source = source;
        if (found_.source == source) return {};
        return shown_.foreign(line.number, "it is of two copies");
    }

    /// "%Error opening https://images.example.net/x.bin (No such file or directory)".
    Result<void> take_error(const Line& line, std::string_view text)
    {
        std::string_view words = text.substr(error_begins.size());
        take_word(words);
        const std::string_view of = take_word(words);
        if (!text.ends_with(')') || text.find('(') == std::string_view::npos)
            return shown_.cut(fmt::format("\"{}\" does not say why", text));
        if (of.find("://") != std::string_view::npos) TRY(take_source(line, of));
        if (found_.problem.empty()) found_.problem = text;
        return {};
    }

    /// "508557225 bytes]", "508557225/4096 bytes]".
    Result<void> take_number(const Line& line, std::string_view text, std::optional<uint64_t>& into)
    {
        const std::string_view number = take_word(text);
        if (!assign(into, number.substr(0, number.find('/'))) || trimmed(text) != "bytes]")
            return shown_.foreign(line.number, "the number of bytes is none, or is there twice");
        return {};
    }

    /// "508557225 bytes copied in 412.123 secs (1233976 bytes/sec)".
    Result<void> take_end(const Line& line, std::string_view text)
    {
        const std::string_view number = take_word(text);
        const auto rest = after(trimmed(text), "bytes copied in ");
        const auto rate = rest ? between(*rest, '(', ')') : std::nullopt;
        if (!rate || !assign(found_.bytes, number))
            return shown_.foreign(line.number, "the number of bytes is none, or is there twice");
        found_.took = trimmed(rest->substr(0, rest->find('(')));
        found_.rate = *rate;
        return {};
    }

    const Shown& shown_;
    Copied found_;
    std::optional<uint64_t> announced_;
};

}  // namespace

Result<Copied> read_copy(std::string_view text)
{
    const Shown all = TRY(shown(text, "copy"));
    return CopyReader(all).read();
}

void to_json(Json& json, const Copied& copied)
{
    json = object_of(copied, copied_fields);
}

}  // namespace belay::upgrade::iosxe::show
