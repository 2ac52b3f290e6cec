#include "site/remote/controller/preparation.h"

namespace belay::site {

using framework::configuration::parameters_of;
using framework::configuration::Point;
using framework::configuration::Step;
using framework::configuration::Whole;

void Preparation::forget()
{
    steps_.clear();
    pieces_.clear();
    whole_.reset();
}

/// Null: none leads on from there.
Result<Preparation::Text> Preparation::step_from(const Point& from, std::optional<Point>& ahead)
{
    const std::string key = fmt::format("{} {}", from.version, from.mark);
    if (const auto found = steps_.find(key); found != steps_.end()) return found->second;
    const std::optional<Step> step = TRY(source_.step_from(from));
    // One that is too large for a message is handed over whole.
    const Result<Json> parameters = step ? parameters_of(*step) : Result<Json>(Json());
    Text text = step && parameters ? std::make_shared<const std::string>(json_text(*parameters)) : Text();
    if (text) ahead = step->to;
    if (steps_.size() >= most_steps) steps_.clear();
    steps_[key] = text;
    return text;
}

Preparation::Text Preparation::piece_of(const std::shared_ptr<const Whole>& whole, size_t piece)
{
    const auto write = [&] {
        return std::make_shared<const std::string>(json_text(parameters_of(*whole, piece)));
    };
    // Of an older one, which few members are still getting.
    if (whole != whole_) return write();
    Text& text = pieces_[piece];
    if (!text) text = write();
    return text;
}

Result<Prepared> Preparation::question_to(const Receivers::Receiver& receiver, std::optional<Point>& ahead)
{
    if (!receiver.at) return Prepared{std::make_shared<const std::string>("{}")};
    if (receiver.whole) return Prepared{piece_of(receiver.whole, receiver.piece), receiver.whole};
    const Text step = TRY(step_from(*receiver.at, ahead));
    if (step) return Prepared{step};
    const Point newest = TRY(source_.newest());
    if (newest == *receiver.at) {
        // It has been told of what the store has not told us yet.
        ahead = newest;
        return Prepared{};
    }
    if (!whole_) {
        whole_ = TRY(source_.whole());
        ahead = whole_->at;
    }
    return Prepared{piece_of(whole_, 0), whole_};
}

}  // namespace belay::site
