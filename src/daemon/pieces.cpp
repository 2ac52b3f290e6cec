#include "daemon/pieces.h"

namespace belay::daemon {
namespace {

/// Far below the limit of a message, for JSON makes a text longer: six bytes of one at worst.
constexpr size_t piece_bytes = 1 << 20;

/// A long text on its way.
class Pieces {
  public:
    Pieces(std::string field, std::string text) : field_(std::move(field)), text_(std::move(text)) {}

    bool done() const { return taken_ == text_.size(); }
    Json take()
    {
        size_t end = std::min(text_.size(), taken_ + piece_bytes);
        // Between two characters of UTF-8.
        while (end < text_.size() && (static_cast<unsigned char>(text_[end]) & 0xc0) == 0x80) --end;
        const std::string piece = text_.substr(taken_, end - taken_);
        taken_ = end;
        return {{field_, piece}, {"size", text_.size()}};
    }

  private:
    std::string field_, text_;
    size_t taken_ = 0;
};

}  // namespace

site::Reply in_pieces(const std::string& field, const Json& answer)
{
    const auto pieces = std::make_shared<Pieces>(field, answer.at(field));
    Json first = answer;
    first.update(pieces->take());
    site::Reply reply{std::move(first)};
    reply.rest = [pieces]() -> std::optional<Json> {
        if (pieces->done()) return std::nullopt;
        return pieces->take();
    };
    return reply;
}

}  // namespace belay::daemon
