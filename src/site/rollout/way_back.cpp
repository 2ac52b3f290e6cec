#include "site/rollout/way_back.h"

#include <algorithm>

namespace belay::site {
namespace {

using operation::Inspection;
using operation::State;

constexpr std::string_view wait_timer = "way-back";
/// An answer that was lost shows itself by then: the question is asked again.
constexpr Milliseconds asked_lately = std::chrono::seconds(15);
/// Whoever waits for others to go back first is given so much time, again and again.
constexpr Milliseconds turn = std::chrono::minutes(2);
constexpr Milliseconds behind = std::chrono::minutes(1);
constexpr Milliseconds look_later = std::chrono::seconds(5);

/// How a member that has to go back stands.
enum class Course {
    home,     ///< it has gone back, or was never there
    going,    ///< it goes back, or was asked to just now
    waiting,  ///< it cannot be reached, and will go back by itself
    to_ask,   ///< it has to be asked
    stuck,    ///< it does not go back
};

bool is_lately(const std::optional<Milliseconds>& at, const host::Moment& now)
{
    return at && now.boot - *at < asked_lately;
}

bool is_switched(const Mustered& member)
{
    if (!member.part || !member.part->state) return false;
    const State state = *member.part->state;
    return state == State::activating || state == State::activated || state == State::committing ||
           state == State::aborting;
}

bool has_promised(const Muster& muster, const Mustered& member)
{
    return member.part && member.part->state == State::activated && member.part->promised &&
           !muster.note_of(member).released;
}

/// Whether a step that goes back so is about this member at all.
bool concerns(const Muster& muster, const Mustered& member, Back back)
{
    switch (back) {
        case Back::none:
            return false;
        case Back::promises:
            return has_promised(muster, member);
        case Back::switched:
            return member.in_group && is_switched(member);
        case Back::all:
            return !(member.part && member.part->state && *member.part->state == State::aborted);
    }
    return false;
}

/// `wait_left`: how long those that cannot be reached are waited for; nothing: that has not begun.
Course course_of(const Muster& muster, const Mustered& member, std::optional<Milliseconds> wait_left)
{
    const MemberNote note = muster.note_of(member);
    if (!member.part) {
        if (!wait_left) return Course::to_ask;
        return *wait_left > Milliseconds{0} ? Course::waiting : Course::stuck;
    }
    const std::optional<State>& state = member.part->state;
    // It had its part, and its journal is lost: nobody there knows the way back any more.
    if (!state && muster.all_added() && !member.left_out) return Course::stuck;
    if (state == State::aborted) return Course::home;
    if (state == State::aborting) return Course::going;
    if (state == State::committed) return Course::stuck;
    if (state == State::held) return note.tried_again ? Course::stuck : Course::to_ask;
    return is_lately(note.sent_home, muster.now()) ? Course::going : Course::to_ask;
}

/// One of those whose turn has not come, and who would go back by itself now.
bool runs_out(const Muster& muster, const Mustered& member)
{
    return !member.in_group && !member.left_out && member.part && member.part->left &&
           *member.part->left < behind && !is_lately(muster.note_of(member).kept, muster.now());
}

Result<std::optional<Milliseconds>> wait_left_of(Muster& muster)
{
    const std::optional<operation::Timer> timer = TRY(muster.ledger().timer(wait_timer));
    if (!timer) return std::optional<Milliseconds>();
    return std::optional(left_of(*timer, muster.now()));
}

void ask_home(Muster& muster, const std::vector<Mustered*>& members)
{
    for (const Mustered* member : members) {
        const bool held = member->part->state == State::held;
        muster.change_note(*member, [&](MemberNote& note) {
            note.sent_home = muster.now().boot;
            note.tried_again = note.tried_again || held;
        });
    }
    muster.request(members, "abort");
}

/// Who does not go back, and why. What was tried again and is held again may be tried once more after this.
Error stuck_error(Muster& muster, const std::vector<const Mustered*>& members)
{
    std::vector<std::string> sentences;
    bool hopeless = true;
    for (const Mustered* member : members) {
        std::string sentence = muster.sentence_of(*member);
        if (!member->part)
            sentence += ", and by its deadline it has gone back by itself, unless it had promised to stay";
        else if (!member->part->state)
            sentence += " any more, and cannot go back by it";
        else if (member->part->state == State::committed)
            sentence += ", and there is no way back from there";
        else
            hopeless = false;
        sentences.push_back(std::move(sentence));
        muster.change_note(*member, [](MemberNote& note) { note.tried_again = false; });
    }
    return Error{.kind = hopeless ? ErrorKind::lost : ErrorKind::failed,
                 .what = joined(sentences),
                 .next = fmt::format("belay abort {}, when that is mended", muster.standing().id)};
}

void release(Muster& muster)
{
    const std::vector<Mustered*> members =
        muster.those([&](const Mustered& member) { return has_promised(muster, member); });
    for (const Mustered* member : members)
        muster.change_note(*member, [](MemberNote& note) { note.released = true; });
    muster.request(members, "release", turn);
}

}  // namespace

std::string remains_of(const Muster& muster, Back back)
{
    std::vector<std::string> sentences;
    for (const Mustered& member : muster.members()) {
        if (concerns(muster, member, back)) sentences.push_back(muster.sentence_of(member));
    }
    return joined(sentences);
}

Result<std::optional<Inspection>> going_back_of(Muster& muster, Back back)
{
    if (back == Back::none || back == Back::promises) return std::optional<Inspection>();
    const std::optional<Milliseconds> wait_left = TRY(wait_left_of(muster));
    uint64_t home = 0, total = 0, going = 0, waiting = 0, to_act = 0;
    std::vector<std::string> sentences;
    for (const Mustered& member : muster.members()) {
        if (back == Back::switched && runs_out(muster, member)) ++to_act;
        if (back == Back::switched && !member.in_group) continue;
        ++total;
        const bool concerned = concerns(muster, member, back);
        const Course course = concerned ? course_of(muster, member, wait_left) : Course::home;
        if (course == Course::home) ++home;
        if (course == Course::going) ++going;
        if (course == Course::waiting) ++waiting;
        if (course == Course::to_ask) ++to_act;
        if (course != Course::home) sentences.push_back(muster.sentence_of(member));
    }
    if (to_act > 0 || going + waiting == 0) return std::optional<Inspection>();
    return std::optional(
        Inspection{.found = Inspection::Found::running,
                   .detail = joined(sentences),
                   .progress = operation::Progress{.done = home, .total = total, .unit = "hosts"},
                   .look_again = going > 0 ? muster.next_look_soon() : look_later});
}

Result<void> take_back(Muster& muster, Back back)
{
    TRY(muster.check_turn(State::aborting));
    if (back == Back::promises) {
        release(muster);
        return {};
    }
    std::optional<Milliseconds> wait_left = TRY(wait_left_of(muster));
    if (!wait_left && back == Back::all) {
        // The longest that one can take that was told to wait just before the link was lost.
        wait_left = muster.deadline() + behind;
        TRY(muster.ledger().start_timer(muster.standing(), wait_timer, *wait_left, muster.now()));
    }
    std::vector<const Mustered*> stuck;
    bool others_go = false;
    for (const Mustered& member : muster.members()) {
        if (!concerns(muster, member, back)) continue;
        const Course course = course_of(muster, member, wait_left);
        if (course == Course::stuck) stuck.push_back(&member);
        others_go =
            others_go || course == Course::to_ask || course == Course::going || course == Course::waiting;
    }
    ask_home(muster, muster.those([&](const Mustered& member) {
        return concerns(muster, member, back) && course_of(muster, member, wait_left) == Course::to_ask;
    }));
    const std::vector<Mustered*> next = muster.those(
        [&](const Mustered& member) { return back == Back::switched && runs_out(muster, member); });
    for (const Mustered* member : next)
        muster.change_note(*member, [&](MemberNote& note) { note.kept = muster.now().boot; });
    muster.request(next, "keep", turn);
    if (!stuck.empty() && !others_go) return std::unexpected(stuck_error(muster, stuck));
    return {};
}

}  // namespace belay::site
