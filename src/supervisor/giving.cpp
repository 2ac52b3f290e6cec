#include "supervisor/giving.h"

#include "host/application/link.h"

#include <algorithm>

namespace belay::supervisor {
namespace {

constexpr Milliseconds to_agree = std::chrono::seconds(1);
constexpr Milliseconds to_be_taken{500};
constexpr Milliseconds between_looks_at_first{5};
constexpr Milliseconds between_looks_later{50};
constexpr Milliseconds until_later = std::chrono::seconds(2);
constexpr Milliseconds between_words{300};
constexpr Milliseconds between_renewals_of_rules = std::chrono::seconds(1);

}  // namespace

std::string without_length(const std::string& address)
{
    return address.substr(0, address.find('/'));
}

Giving::Giving(Ground ground, Supervised& supervised, uint64_t token, bool is_here)
    : ground_(std::move(ground)),
      supervised_(supervised),
      token_(token),
      is_here_(is_here),
      pairing_(*supervised.application().pair),
      address_(without_length(pairing_.address))
{
    const bool moves = !is_here_ && !address_.empty();
    if (is_here_) way_ = "callers waited, on one host";
    begin(moves ? Stage::agreeing : Stage::emptying);
    arm(Milliseconds{0});
}

Giving::~Giving()
{
    if (timer_) ground_.loop.cancel(*timer_);
    if (is_abandoned_) return;
    const Moving::Kind end = is_called_off_ ? Moving::Kind::called_off : Moving::Kind::over;
    if (!is_here_ && !address_.empty()) ground_.say(moving(end));
    if (detour_) detour_->end();
}

void Giving::call_off()
{
    is_called_off_ = true;
}

std::optional<host::Detour> Giving::leave()
{
    if (!detour_ || !is_passed_on_ || !detour_->pass_all_on()) return std::nullopt;
    return std::exchange(detour_, std::nullopt);
}

void Giving::begin(Stage stage)
{
    stage_ = stage;
    since_ = site::boot_now();
}

void Giving::arm(Milliseconds after)
{
    if (timer_) ground_.loop.cancel(*timer_);
    timer_ = ground_.loop.at(site::boot_now() + after, [this] {
        timer_.reset();
        look();
    });
}

Moving Giving::moving(Moving::Kind kind) const
{
    Moving moving{
        .kind = kind, .pair = pairing_.pair, .giver = supervised_.application().id, .token = token_};
    if (kind != Moving::Kind::prepare) return moving;
    if (auto own = host::own_addresses(pairing_.interface, address_.contains(':')))
        moving.addresses = std::move(*own);
    return moving;
}

void Giving::look_now()
{
    if (stage_ == Stage::draining) arm(Milliseconds{0});
}

/// Whoever is called here may end this: it is the last that is done.
void Giving::look()
{
    const bool is_early = site::boot_now() - since_ < until_later;
    arm(is_early ? between_looks_at_first : between_looks_later);
    if (needs_other_ && stage_ != Stage::finished && !ground_.other_is_ready()) return ground_.called_off();
    keep_up();
    switch (stage_) {
        case Stage::agreeing:
            return agree();
        case Stage::emptying:
            return look_whether_empty();
        case Stage::draining:
            return look_whether_drained();
        case Stage::finished:
            return;
    }
}

void Giving::keep_up()
{
    const Milliseconds now = site::boot_now();
    if (stage_ == Stage::agreeing || now - kept_up_ < between_words) return;
    kept_up_ = now;
    if (is_passed_on_) ground_.say(moving(Moving::Kind::prepare));
    if (!detour_ || now - renewed_ < between_renewals_of_rules) return;
    renewed_ = now;
    if (const Result<void> renewed = detour_->renew(); !renewed) ground_.said(renewed.error().what);
}

void Giving::answered(const Moving& moving)
{
    if (moving.token != token_ || stage_ != Stage::agreeing) return;
    answer_ = moving;
    arm(Milliseconds{0});
}

void Giving::agree()
{
    if (!answer_) {
        if (site::boot_now() - since_ >= to_agree) return hold_back("the other host does not answer");
        return ground_.say(moving(Moving::Kind::prepare));
    }
    if (answer_->kind == Moving::Kind::refused) return hold_back(answer_->reason);
    pass_on();
}

void Giving::pass_on()
{
    const auto on_link = std::ranges::find_if(answer_->addresses, [&](const std::string& address) {
        return host::is_on_link(pairing_.interface, address);
    });
    const auto own = host::own_addresses(pairing_.interface, address_.contains(':'));
    if (on_link == answer_->addresses.end() || !own || own->empty())
        return hold_back(fmt::format("the hosts have no addresses of one network at {}", pairing_.interface));
    if (!host::is_neighbour(pairing_.interface, *on_link)) {
        if (site::boot_now() - since_ >= to_agree)
            return hold_back(fmt::format("{} does not answer at {}", *on_link, pairing_.interface));
        return host::look_for_neighbour(pairing_.interface, *on_link);
    }
    Result<host::Detour> detour =
        host::Detour::of(supervised_.application().id, address_, pairing_.interface);
    Result<void> done =
        detour ? detour->pass_new_on(*on_link, own->front()) : Result<void>(std::unexpected(detour.error()));
    if (!done) return hold_back(done.error().what);
    detour_ = std::move(*detour);
    is_passed_on_ = true;
    way_ = "callers were passed on";
    begin(Stage::emptying);
}

/// They try again when the address is with the other.
void Giving::hold_back(const std::string& why)
{
    Result<host::Detour> detour =
        host::Detour::of(supervised_.application().id, address_, pairing_.interface);
    const Result<void> done =
        detour ? detour->hold_new_back() : Result<void>(std::unexpected(detour.error()));
    if (done) detour_ = std::move(*detour);
    way_ = fmt::format("callers were {}: {}", done ? "held back" : "not waited for", why);
    ground_.said(fmt::format("{}: {}", supervised_.application().name, way_));
    begin(Stage::emptying);
}

/// What had come before is taken by the application: that is in its hands, and not told to it again.
void Giving::look_whether_empty()
{
    if (detour_ && site::boot_now() - since_ < to_be_taken) {
        const auto connections = host::connections_at(address_);
        if (connections && connections->untaken > 0) return;
    }
    begin(Stage::draining);
    supervised_.drain();
    arm(between_looks_at_first);
    ground_.drains();
}

void Giving::look_whether_drained()
{
    const auto& application = supervised_.application();
    const bool says_so = supervised_.standing().is_drained;
    bool is_done = says_so;
    if (!is_here_ && !address_.empty()) {
        const auto left = host::connections_at(address_);
        if (left) is_done = left->open == left->untaken || (says_so && left->unsettled == 0);
    }
    if (!is_done && site::boot_now() - since_ < application.drain_timeout) return;
    if (!is_done)
        ground_.said(fmt::format("{} had not finished what it has within {}", application.name,
                                 to_text(application.drain_timeout)));
    begin(Stage::finished);
    ground_.finished();
}

}  // namespace belay::supervisor
