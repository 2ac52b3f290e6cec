// What the pairs of this host are told of themselves, and keep for the supervisor after this one.

#include "host/files.h"
#include "supervisor/pairs.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <netdb.h>

namespace belay::supervisor {
namespace {

using framework::redundancy::Terms;
using framework::supervision::Want;

constexpr Bytes most_kept{16 << 20};

std::string file_of(const std::string& run_folder)
{
    return run_folder + "/pairs";
}

/// The port of an address that is a number; 0 where it is none.
sockaddr_in6 place_of(const std::string& address, uint16_t port)
{
    sockaddr_in6 at{};
    at.sin6_family = AF_INET6;
    const std::string mapped = address.contains(':') ? address : "::ffff:" + address;
    if (inet_pton(AF_INET6, mapped.c_str(), &at.sin6_addr) == 1) at.sin6_port = htons(port);
    return at;
}

std::optional<std::string> number_of(const std::string& name)
{
    addrinfo hints{};
    hints.ai_socktype = SOCK_DGRAM;
    addrinfo* found = nullptr;
    if (getaddrinfo(name.c_str(), nullptr, &hints, &found) != 0) return std::nullopt;
    std::array<char, NI_MAXHOST> text{};
    const bool is_text = getnameinfo(found->ai_addr, found->ai_addrlen, text.data(), text.size(), nullptr, 0,
                                     NI_NUMERICHOST) == 0;
    freeaddrinfo(found);
    return is_text ? std::optional<std::string>(text.data()) : std::nullopt;
}

Fence::Pair pair_from(const Json& json, HostId self)
{
    Fence::Pair pair;
    Terms& terms = pair.terms;
    terms.pair = json.at("pair").get<PairId>();
    terms.epoch = json.at("epoch").get<uint64_t>();
    terms.self = self;
    terms.lease = Milliseconds(json.at("lease_ms").get<int64_t>());
    terms.is_automatic = json.at("automatic").get<bool>();
    terms.returns = json.at("returns").get<bool>();
    terms.starts_at_need = json.at("cold").get<bool>();
    terms.preferred = json.at("preferred").get<ApplicationId>();
    terms.other = json.at("other").get<ApplicationId>();
    json.at("own").get_to(terms.own);
    for (const Json& member : json.at("members")) {
        const auto host = member.at("host").get<HostId>();
        terms.members.push_back(host);
        if (host != self)
            pair.peers.push_back(
                {.host = host,
                 .public_key = member.at("key").get<std::string>(),
                 .at = place_of(member.at("address").get<std::string>(), member.at("port").get<uint16_t>())});
    }
    return pair;
}

}  // namespace

/// The one before first: the others know it.
std::vector<uint16_t> Pairs::ports() const
{
    std::vector<uint16_t> all;
    for (const uint16_t port : {last_port_, ground_.port}) {
        if (port != 0) all.push_back(port);
    }
    return all;
}

Result<void> Pairs::open_fence()
{
    if (fence_) return {};
    const auto hand = [this](void (Pairs::*what)(ApplicationId)) {
        return [this, what](ApplicationId id) { in_loop(id, what); };
    };
    const auto changed = [this, alive = std::weak_ptr(there_)] {
        ground_.loop.post([this, alive] {
            if (alive.expired()) return;
            for (const auto& [id, want] : wants_) ground_.moved(id);
        });
    };
    fence_ = TRY(Fence::open({.run_folder = ground_.run_folder,
                              .key_file = ground_.key_file,
                              .address = {},
                              .ports = ports(),
                              .said = ground_.said,
                              .gained = hand(&Pairs::gained),
                              .step_down = hand(&Pairs::step_down),
                              .lost = hand(&Pairs::lost),
                              .changed = changed,
                              .moving =
                                  [this, alive = std::weak_ptr(there_)](const Moving& moving) {
                                      ground_.loop.post([this, alive, moving] {
                                          if (!alive.expired()) take(moving);
                                      });
                                  },
                              .page_begun = ground_.page_begun}));
    return {};
}

void Pairs::in_loop(ApplicationId id, void (Pairs::*what)(ApplicationId))
{
    ground_.loop.post([this, id, what, alive = std::weak_ptr(there_)] {
        if (!alive.expired()) (this->*what)(id);
    });
}

Result<Json> Pairs::address()
{
    const bool is_new = fence_ == nullptr;
    TRY(open_fence());
    if (is_new) keep();
    return Json{{"key", fence_->public_key()}, {"port", fence_->port()}};
}

Json Pairs::resolved(Json parameters)
{
    for (Json& pair : parameters["pairs"]) {
        for (Json& member : pair["members"]) {
            const std::string name = member.value("address", "");
            if (const auto number = name.empty() ? std::nullopt : number_of(name))
                member["address"] = *number;
        }
    }
    return parameters;
}

Result<void> Pairs::take(const Json& parameters)
{
    std::vector<Fence::Pair> told;
    std::map<PairId, Known> now;
    const auto self = parameters.value("self", HostId{0});
    for (const Json& json : parameters.value("pairs", Json::array())) {
        told.push_back(pair_from(json, self));
        now[told.back().terms.pair] = {.terms = told.back().terms, .name = json.value("name", "")};
    }
    if (!told.empty()) TRY(open_fence());
    for (const auto& [id, known] : pairs_) {
        if (!now.contains(id) && fence_) fence_->forget(id);
    }
    for (const Fence::Pair& pair : told) fence_->set(pair);
    pairs_ = std::move(now);
    return {};
}

Result<void> Pairs::set(const Json& parameters)
{
    if (parameters == told_) return {};
    TRY(take(parameters));
    told_ = parameters;
    keep();
    for (const auto& [id, known] : pairs_) {
        for (const ApplicationId own : known.terms.own) {
            Supervised* const supervised = ground_.find(own);
            if (supervised == nullptr) continue;
            moved(*supervised);
            ground_.moved(own);
        }
    }
    return {};
}

/// For the supervisor after this one, which may be needed while nobody can tell it.
void Pairs::keep() const
{
    Json wants = Json::object();
    for (const auto& [id, want] : wants_) wants[std::to_string(id)] = static_cast<int>(want);
    const Json kept = {
        {"told", told_}, {"wants", std::move(wants)}, {"port", fence_ ? fence_->port() : last_port_}};
    const Result<void> done = host::files::replace(file_of(ground_.run_folder), json_text(kept), 0600);
    if (!done) ground_.said(done.error().what);
}

void Pairs::load()
{
    find_old_moves();
    const auto text = host::files::read(file_of(ground_.run_folder), most_kept);
    const Result<Json> kept = text ? parse_json(*text) : Result<Json>(std::unexpected(text.error()));
    if (!kept) return;
    try {
        const Json wants = kept->at("wants");
        for (const auto& [id, want] : wants.items())
            wants_[std::stoll(id)] = static_cast<Want>(std::clamp(want.get<int>(), 0, 2));
        last_port_ = kept->at("port").get<uint16_t>();
        const Json told = kept->at("told");
        if (const Result<void> taken = take(told); !taken) return ground_.said(taken.error().what);
        told_ = told;
    } catch (const std::exception& problem) {
        ground_.said(fmt::format("{}: {}", file_of(ground_.run_folder), problem.what()));
    }
}

}  // namespace belay::supervisor
