#include "world.h"

namespace belay::site {
namespace {

const Caller controller{.user = "anna", .origin = "the controller", .right = Right::operate};

std::unexpected<Error> no_answer(ErrorKind kind, const std::string& name)
{
    return fail(kind, fmt::format("the host {} gives no answer", name));
}

}  // namespace

Host::Host(std::string name) : name_(std::move(name))
{
    start();
}

void Host::start()
{
    world_.start();
    methods_.clear();
    for (Method& method : part_methods(*world_.engine, [](const Id&) {}))
        methods_.emplace(method.name, std::move(method));
}

Result<Json> Host::answer(const MemberQuestion& question)
{
    const Method* method = TRY(find_method(methods_, question.method, controller));
    const Reply reply = TRY(method->answer({.parameters = question.parameters, .caller = controller}));
    return reply.parameters;
}

Result<Json> Host::answer_falsely(const MemberQuestion& question)
{
    MemberQuestion honest = question;
    const std::string verb = question.parameters.value("verb", "");
    if (verb == "promise") promised_ = true;
    if (verb == "promise" || verb == "commit") {
        honest.method = "PartShow";
        honest.parameters = {{"key", question.parameters.at("key")}};
    }
    Json said = TRY(answer(honest));
    if (verb == "commit") TRY(world_.engine->request(said.at("operation"), Verb::commit, operation::anna));
    said["promised"] = promised_;
    return said;
}

Result<Json> Host::ask(const MemberQuestion& question, const std::vector<Accident>& accidents,
                       Milliseconds now)
{
    if (!can_be_reached(now)) return no_answer(ErrorKind::unavailable, name_);
    ++asked_;
    Accident::Kind happens = Accident::Kind::none;
    Milliseconds span{0};
    for (const Accident& accident : accidents) {
        if (accident.at != asked_) continue;
        happens = accident.kind;
        span = accident.span;
    }
    using Kind = Accident::Kind;
    if (happens == Kind::question_lost) return no_answer(ErrorKind::timeout, name_);
    if (happens == Kind::cut_off) cut_until_ = now + span;
    if (happens == Kind::dies) {
        up_ = false;
        off_since_ = now;
    }
    if (happens == Kind::cut_off || happens == Kind::dies) return no_answer(ErrorKind::unavailable, name_);
    Result<Json> said = false_promises ? answer_falsely(question) : answer(question);
    if (happens == Kind::answers_once) cut_until_ = now + span;
    if (happens == Kind::power_cut) {
        up_ = false;
        off_since_ = now;
        comes_back_ = now + span;
    }
    if (happens == Kind::clock_jumps) {
        world_.machine.shift_wall_clock(span);
        INVARIANT(world_.engine->clock_was_set());
    }
    const bool unheard =
        happens == Kind::answer_lost || happens == Kind::answers_once || happens == Kind::power_cut;
    if (unheard) return no_answer(ErrorKind::lost, name_);
    return said;
}

std::optional<Milliseconds> Host::serve(Milliseconds now)
{
    if (!up_) return std::nullopt;
    std::optional<Milliseconds> due;
    const std::vector<Id> open = world_.engine->unfinished().value();
    for (const Id& id : open) {
        const operation::Next next = world_.serve(id);
        if (next.when != operation::Next::When::at) continue;
        const Milliseconds at = now + std::max(next.boot - world_.boot(), 1ms);
        due = due ? std::min(*due, at) : at;
    }
    return due;
}

void Host::advance(Milliseconds from, Milliseconds to)
{
    if (up_) world_.machine.advance(to - from);
    if (comes_back_ && to >= *comes_back_) mend(to);
}

void Host::mend(Milliseconds now)
{
    cut_until_ = now;
    if (up_) return;
    up_ = true;
    if (comes_back_)
        world_.machine.power_cut(now - off_since_);
    else
        world_.machine.advance(now - off_since_);
    comes_back_.reset();
    start();
}

std::string Host::outcome()
{
    const std::string current = world_.etc("current"), old = world_.etc("old"), fresh = world_.etc("new");
    if (current == "new" && old == "gone") return "committed";
    if (current == "old" && old == "precious" && fresh == "-") return "as before";
    return fmt::format("current: {}, old: {}, new: {}", current, old, fresh);
}

std::vector<Result<Json>> Links::ask(const std::vector<MemberQuestion>& questions, const std::string&,
                                     Milliseconds)
{
    std::vector<Result<Json>> answers;
    for (const MemberQuestion& question : questions) {
        const size_t place = std::stoul(question.member);
        Host& host = *hosts.at(place);
        std::vector<Accident> of_it;
        for (const Accident& accident : accidents) {
            if (accident.host == place) of_it.push_back(accident);
        }
        if (silenced || now < attached_from)
            answers.push_back(no_answer(ErrorKind::unavailable, host.name()));
        else
            answers.push_back(host.ask(question, of_it, now));
    }
    return answers;
}

}  // namespace belay::site
