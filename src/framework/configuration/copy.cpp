#include "framework/configuration/copy.h"

#include "base/digest.h"

#include <algorithm>
#include <numeric>

namespace belay::framework::configuration {
namespace {

constexpr Milliseconds heard_is_kept_every = std::chrono::minutes(1);
constexpr Milliseconds longest_patience = std::chrono::hours(24);
constexpr size_t steps_at_once = 100;

/// Whether a change finds what it expects.
bool follows(const Configuration& configuration, const Delta& delta)
{
    return std::ranges::all_of(delta.objects, [&](const ObjectDelta& one) {
        const Object* present = configuration.find(one.id());
        return one.before ? present != nullptr && *present == *one.before : present == nullptr;
    });
}

std::string joined(const std::vector<std::string>& pieces)
{
    return std::accumulate(pieces.begin(), pieces.end(), std::string());
}

}  // namespace

Json as_of(const Standing& standing, const host::Moment& now)
{
    Json json = {{"version", standing.at.version},
                 {"newest", standing.heard.newest},
                 {"heard_ms", nullptr},
                 {"ago_ms", nullptr},
                 {"problem", nullptr}};
    if (standing.heard.at) {
        const host::Moment& then = *standing.heard.at;
        // The wall clock may have been set; over a restart of the machine it is all that there is.
        const Milliseconds ago = then.boot_id == now.boot_id ? now.boot - then.boot : now.wall - then.wall;
        json["heard_ms"] = then.wall.count();
        json["ago_ms"] = std::max(ago, Milliseconds{0}).count();
    }
    if (!standing.problem.empty()) json["problem"] = standing.problem;
    return json;
}

Result<std::unique_ptr<Copy>> Copy::open(store::Store& store, CopyOptions options)
{
    std::unique_ptr<Copy> copy(new Copy(store, std::move(options)));
    Result<CopyStore::Loaded> loaded = copy->kept_.load();
    if (!loaded) {
        const Error& error = loaded.error();
        if (error.kind != ErrorKind::corrupt && error.kind != ErrorKind::version)
            return std::unexpected(error);
        TRY(copy->kept_.drop());
        copy->standing_.problem = fmt::format("{}; it is fetched anew", error.what);
        loaded = CopyStore::Loaded();
    }
    copy->index_ = copy->kept_.index();
    copy->configuration_ = loaded->configuration;
    copy->standing_.at = loaded->at;
    copy->standing_.heard = loaded->heard;
    return copy;
}

Snapshot Copy::snapshot() const
{
    const std::lock_guard lock(mutex_);
    return {standing_.at.version, configuration_};
}

Standing Copy::standing() const
{
    const std::lock_guard lock(mutex_);
    return standing_;
}

Json Copy::as_of() const
{
    return configuration::as_of(standing(), options_.now());
}

Heard Copy::heard_now(const Point& at) const
{
    const Version known = standing().heard.newest;
    // A site that was restored from a backup has an older version than it had.
    const bool back = at.version < standing().at.version;
    return {.newest = back ? at.version : std::max(known, at.version), .at = options_.now()};
}

void Copy::heard(std::optional<Version> newest)
{
    Heard heard{.at = options_.now()};
    {
        const std::lock_guard lock(mutex_);
        heard.newest = newest.value_or(standing_.heard.newest);
        standing_.heard = heard;
    }
    // Whoever takes something writes it too.
    const std::unique_lock taking(taking_, std::try_to_lock);
    if (!taking.owns_lock()) return;
    if (heard_kept_ && heard.at->boot - *heard_kept_ < heard_is_kept_every) return;
    if (kept_.keep_heard(heard)) heard_kept_ = heard.at->boot;
}

void Copy::become(const Point& at, std::shared_ptr<const Configuration> configuration, const Heard& heard)
{
    heard_kept_ = heard.at->boot;
    {
        const std::lock_guard lock(mutex_);
        index_ = kept_.index();
        configuration_ = std::move(configuration);
        standing_ = {.at = at, .heard = heard};
        news_.notify_all();
    }
    options_.changed();
}

Result<Taken> Copy::take(const Handover& handover)
{
    const std::lock_guard taking(taking_);
    if (const Step* step = std::get_if<Step>(&handover)) return take_step(*step);
    if (const Piece* piece = std::get_if<Piece>(&handover)) return take_piece(*piece);
    return Taken{standing().at, true};
}

Result<Taken> Copy::take_step(const Step& step)
{
    const Point at = standing().at;
    if (step.to == at) return Taken{at, true};
    if (step.from != at) return Taken{at, false};
    const std::shared_ptr<const Configuration> before = snapshot().configuration;
    // Not the same as the controller's, whatever became of it: only the whole helps.
    if (!follows(*before, step.delta)) return Taken{{}, false};
    auto after = std::make_shared<Configuration>(*before);
    apply(*after, step.delta);
    const Heard heard = heard_now(step.to);
    TRY(kept_.append(step, heard));
    incoming_.reset();
    become(step.to, std::move(after), heard);
    // It is taken, whatever becomes of this; the next step tries again.
    if (kept_.is_base_due()) static_cast<void>(renew_base().has_value());
    return Taken{step.to, true};
}

Result<void> Copy::renew_base()
{
    return kept_.renew_base(
        TRY(whole_of(*snapshot().configuration, standing().at, options_.limits.piece_bytes)));
}

Result<Taken> Copy::take_piece(const Piece& piece)
{
    const Point at = standing().at;
    if (piece.to == at) return Taken{at, true};
    if (piece.number == 0)
        incoming_ = Incoming{.whole = {.at = piece.to, .digest = piece.digest, .pieces = {}}, .of = piece.of};
    const bool continues = incoming_ && incoming_->whole.at == piece.to &&
                           incoming_->whole.digest == piece.digest && incoming_->of == piece.of &&
                           incoming_->whole.pieces.size() == piece.number;
    if (!continues) return Taken{at, false};
    incoming_->whole.pieces.push_back(piece.bytes);
    if (incoming_->whole.pieces.size() < incoming_->of) return Taken{at, true};
    const Whole whole = std::move(incoming_->whole);
    incoming_.reset();
    if (sha256(joined(whole.pieces)) != whole.digest) return Taken{at, false};
    TRY(take_whole(whole));
    return Taken{whole.at, true};
}

Result<void> Copy::take_whole(const Whole& whole)
{
    auto configuration = std::make_shared<const Configuration>(TRY(configuration_in(joined(whole.pieces))));
    const Point at = standing().at;
    // Where it goes forward, watchers get it as a step.
    std::optional<Step> step;
    if (whole.at.version > at.version)
        step =
            Step{.from = at, .to = whole.at, .delta = difference(*snapshot().configuration, *configuration)};
    const Heard heard = heard_now(whole.at);
    TRY(kept_.replace(whole, step ? &*step : nullptr, heard));
    become(whole.at, std::move(configuration), heard);
    return {};
}

Error Copy::no_step_from(Version version) const
{
    return {.kind = ErrorKind::not_found,
            .what = fmt::format(
                "the changes of the configuration after version {} are not kept in the copy of this machine",
                version),
            .next = "read it anew"};
}

/// Of the step that ends at a version. With the mutex held.
Result<uint64_t> Copy::number_of(Version version) const
{
    // From the newest on: a version may have been there twice.
    if (version == standing_.at.version) return index_.last();
    for (size_t i = index_.spans.size(); i-- > 0;) {
        if (index_.spans[i].from == version) return index_.oldest + i - 1;
    }
    return std::unexpected(no_step_from(version));
}

Result<std::unique_ptr<CopyFollower>> Copy::follow(Version from)
{
    const std::lock_guard lock(mutex_);
    const uint64_t number = TRY(number_of(from));
    return std::unique_ptr<CopyFollower>(new CopyFollower(*this, number));
}

Result<std::vector<Step>> Copy::steps_after(Version from, size_t limit)
{
    uint64_t number = 0;
    uint64_t last = 0;
    {
        const std::lock_guard lock(mutex_);
        number = TRY(number_of(from));
        last = index_.last();
    }
    if (number == last) return std::vector<Step>();
    Result<std::vector<Step>> steps = kept_.read(number, std::min<size_t>(limit, last - number));
    // Dropped between the two looks.
    if (!steps && steps.error().kind == ErrorKind::not_found) return std::unexpected(no_step_from(from));
    return steps;
}

Result<void> Copy::forget(store::Store& store)
{
    // A machine that never was a member writes nothing when its daemon starts, also where its disk is full.
    const bool is_there = !TRY(store.list("copy/", {}, 1)).empty();
    return is_there ? CopyStore(store, {}, {}).drop() : Result<void>();
}

Result<std::vector<Step>> CopyFollower::next(Milliseconds patience)
{
    size_t there = 0;
    {
        std::unique_lock lock(copy_.mutex_);
        copy_.news_.wait_for(lock, std::min(patience, longest_patience),
                             [this] { return interrupted_ || copy_.index_.last() != number_; });
        if (std::exchange(interrupted_, false) || copy_.index_.last() == number_) return std::vector<Step>();
        if (number_ + 1 < copy_.index_.oldest)
            return fail(
                ErrorKind::not_found,
                "the changes of the configuration since then are not kept in the copy of this machine",
                "read it anew");
        there = copy_.index_.last() - number_;
    }
    std::vector<Step> steps = TRY(copy_.kept_.read(number_, std::min(there, steps_at_once)));
    number_ += steps.size();
    return steps;
}

void CopyFollower::interrupt()
{
    const std::lock_guard lock(copy_.mutex_);
    interrupted_ = true;
    copy_.news_.notify_all();
}

}  // namespace belay::framework::configuration
