#include "daemon/network/electorates.h"

#include <algorithm>

namespace belay::daemon {
namespace {

using framework::configuration::Configuration;
using framework::configuration::Id;
using framework::configuration::Object;

struct Kept {
    uint64_t epoch = 0;
    Json members = Json::array();
    bool closing = false;
    Id left = 0;                   ///< who voted before, and may not know yet that it does no more
    store::Revision revision = 0;  ///< 0: it is not there
};

std::string key_of(Id pair)
{
    return fmt::format("pairs/{}", pair);
}

Result<Kept> read(store::Store& store, Id pair)
{
    const auto entry = TRY(store.get(key_of(pair)));
    if (!entry) return Kept{};
    const Json json = TRY(parse_json(entry->value));
    return Kept{.epoch = json.value("epoch", uint64_t{0}),
                .members = json.value("members", Json::array()),
                .closing = json.value("closing", false),
                .left = json.value("left", Id{0}),
                .revision = entry->modified};
}

/// Errors: unavailable, another controller was first.
Result<Kept> write(store::Store& store, Id pair, Kept kept)
{
    const Json json = {
        {"epoch", kept.epoch}, {"members", kept.members}, {"closing", kept.closing}, {"left", kept.left}};
    const auto commit = TRY(store.commit(
        {.when = {{.of = store::Compare::Of::modified, .key = key_of(pair), .revision = kept.revision}},
         .then = {{.key = key_of(pair), .value = json_text(json)}}}));
    if (!commit.succeeded) return fail(ErrorKind::unavailable, "another controller changes its hosts");
    kept.revision = commit.revision;
    return kept;
}

std::vector<Id> hosts_in(const Json& members)
{
    std::vector<Id> hosts;
    for (const Json& member : members) hosts.push_back(member.value("host", Id{0}));
    return hosts;
}

/// One pair, at one look.
class Look {
  public:
    Look(const Configuration& configuration, const std::map<std::string, VotingHost>& hosts,
         const Object& pair)
        : configuration_(configuration), hosts_(hosts), pair_(pair)
    {
        for (const char* attribute : {"primary", "backup"}) {
            const Object* const application = configuration.find(pair.attributes.value(attribute, Id{0}));
            if (application == nullptr || application->disabled) continue;
            const auto host = application->attributes.value("host", Id{0});
            if (configuration.find(host) == nullptr) continue;
            applications_.push_back(application->id);
            places_.push_back(host);
        }
    }

    /// On two hosts; where they are on one that host decides alone.
    bool is_for_several() const { return places_.size() == 2 && places_[0] != places_[1]; }
    Milliseconds lease() const { return Milliseconds(pair_.value("lease").get<int64_t>()); }
    Id id() const { return pair_.id; }

    /// Those who are to vote.
    std::vector<Id> wanted(const Json& members, const std::string& own_host) const
    {
        std::vector<Id> all = places_;
        const auto may = [&](Id host) {
            const Object* const object = configuration_.find(host);
            return object != nullptr && object->type == "host" && !object->disabled &&
                   std::ranges::find(places_, host) == places_.end() && !key_of_host(host, members).is_null();
        };
        const auto take = [&](Id host) {
            if (all.size() == 2 && may(host)) all.push_back(host);
        };
        // Who votes already goes on, as long as it can.
        if (members.size() == 3) take(members[2].value("host", Id{0}));
        if (const Object* const own = configuration_.find("host", own_host)) take(own->id);
        for (const Object* const host : configuration_.of_type("host")) {
            if (goes_by(host->id)) take(host->id);
        }
        return all;
    }

    /// What it is reached by, as it says now or as it was; null: it has never said.
    Json key_of_host(Id host, const Json& members) const
    {
        const Object* const object = configuration_.find(host);
        const auto said = object == nullptr ? hosts_.end() : hosts_.find(object->name);
        if (said != hosts_.end() && said->second.key.is_object()) return said->second.key;
        for (const Json& member : members) {
            if (member.value("host", Id{0}) == host)
                return {{"key", member.value("key", "")}, {"port", member.value("port", 0)}};
        }
        return nullptr;
    }

    /// Nothing: somebody has not said yet what it is reached by.
    std::optional<Json> members_of(const std::vector<Id>& wanted, const Json& before) const
    {
        Json members = Json::array();
        for (const Id host : wanted) {
            Json member = key_of_host(host, before);
            if (member.is_null()) return std::nullopt;
            member["host"] = host;
            members.push_back(std::move(member));
        }
        return members;
    }

    /// What a host says that it goes by; nothing: it is not there.
    std::optional<Json> goes_by(Id host) const
    {
        const Object* const object = configuration_.find(host);
        const auto said = object == nullptr ? hosts_.end() : hosts_.find(object->name);
        if (said == hosts_.end() || !said->second.attached || !said->second.key.is_object())
            return std::nullopt;
        for (const Json& one : said->second.pairs) {
            if (one.value("pair", Id{0}) == pair_.id) return one;
        }
        return Json::object();
    }

    /// How many of them say that they give no more votes.
    size_t retired(const Kept& kept) const
    {
        return static_cast<size_t>(std::ranges::count_if(hosts_in(kept.members), [&](Id host) {
            const auto says = goes_by(host);
            return says && says->value("epoch", uint64_t{0}) >= kept.epoch && says->value("retired", false);
        }));
    }

    /// Nobody counts the votes of who has left any more, or it gives none.
    bool is_left_behind(const Kept& kept) const
    {
        if (kept.left == 0) return true;
        const auto left = goes_by(kept.left);
        if (left && left->empty()) return true;
        return std::ranges::all_of(hosts_in(kept.members), [&](Id host) {
            const auto says = goes_by(host);
            return says && says->value("epoch", uint64_t{0}) >= kept.epoch;
        });
    }

    /// The hosts of its two applications are the same.
    bool is_of_same_two(const Json& members) const
    {
        const std::vector<Id> hosts = hosts_in(members);
        return hosts.size() >= 2 && hosts[0] == places_[0] && hosts[1] == places_[1];
    }

    /// For each of those who vote.
    void tell(const Kept& kept, Electorates::Told& told) const
    {
        Json members = Json::array();
        for (Json member : kept.members) {
            const Object* const host = configuration_.find(member.value("host", Id{0}));
            member["address"] = host == nullptr ? "" : host->text("address");
            members.push_back(std::move(member));
        }
        for (const Id voter : hosts_in(kept.members)) {
            const Object* const host = configuration_.find(voter);
            if (host == nullptr) continue;
            std::vector<Id> own;
            for (size_t i = 0; i < places_.size(); ++i) {
                if (places_[i] == voter) own.push_back(applications_[i]);
            }
            Json& for_host = told.hosts[host->name];
            for_host["self"] = voter;
            for_host["pairs"].push_back({{"pair", pair_.id},
                                         {"name", pair_.name},
                                         {"epoch", kept.epoch},
                                         {"retired", kept.closing},
                                         {"lease_ms", lease().count()},
                                         {"automatic", pair_.value("switch_over") != "manual"},
                                         {"returns", pair_.value("return") == "automatic"},
                                         {"cold", pair_.value("redundancy") == "cold"},
                                         {"preferred", applications_[0]},
                                         {"other", applications_[1]},
                                         {"own", own},
                                         {"members", kept.closing ? Json::array() : members}});
        }
    }

  private:
    const Configuration& configuration_;
    const std::map<std::string, VotingHost>& hosts_;
    const Object& pair_;
    std::vector<Id> applications_, places_;
};

}  // namespace

Electorates::Told Electorates::told(store::Store& store, const Configuration& configuration,
                                    const std::map<std::string, VotingHost>& hosts,
                                    const std::string& own_host, Milliseconds now)
{
    Told told;
    const auto one = [&](const Look& look) -> Result<void> {
        // Until it is told: one that is left out would count as one that is no more.
        const bool was_whole = std::exchange(told.is_whole, false);
        Kept kept = TRY(read(store, look.id()));
        const std::vector<Id> wanted = look.wanted(kept.members, own_host);
        const std::optional<Json> members = look.members_of(wanted, kept.members);
        const bool is_same = hosts_in(kept.members) == wanted;
        if (kept.revision == 0) {
            // Nobody can have been told of it.
            if (!members) {
                told.is_whole = was_whole;
                return fail(ErrorKind::unavailable, "one of its hosts was not there yet");
            }
            kept = TRY(write(store, look.id(), {.epoch = 1, .members = *members}));
        } else if (!kept.closing && is_same && members && *members != kept.members) {
            kept.members = *members;
            kept = TRY(write(store, look.id(), kept));
        } else if (!kept.closing && !is_same && look.is_of_same_two(kept.members)) {
            // First no third at all: whoever has the lease then has the votes of both.
            if (kept.members.size() == 3) {
                kept.left = kept.members[2].value("host", Id{0});
                kept.members.erase(2);
                ++kept.epoch;
                kept = TRY(write(store, look.id(), kept));
            } else if (members && look.is_left_behind(kept)) {
                kept.left = 0;
                kept.members = *members;
                ++kept.epoch;
                kept = TRY(write(store, look.id(), kept));
            }
        } else if (!kept.closing && !is_same) {
            kept.closing = true;
            kept = TRY(write(store, look.id(), kept));
        }
        if (kept.closing && look.retired(kept) > kept.members.size() / 2) {
            const Milliseconds since = closed_at_.try_emplace(look.id(), now).first->second;
            const Milliseconds open_at = since + look.lease() * 2;
            if (now < open_at) {
                told.again_after = std::min(told.again_after.value_or(open_at - now), open_at - now);
            } else if (members) {
                closed_at_.erase(look.id());
                kept = TRY(write(store, look.id(),
                                 {.epoch = kept.epoch + 1, .members = *members, .revision = kept.revision}));
            }
        }
        look.tell(kept, told);
        told.is_whole = was_whole;
        if (kept.closing)
            return fail(ErrorKind::unavailable,
                        "its hosts are being changed, and those until now have not all "
                        "said that they serve no more");
        return {};
    };
    for (const Object* const pair : configuration.of_type("pair")) {
        if (pair->disabled) continue;
        // One that is run by other means decides by itself who serves.
        const Object* const primary = configuration.find(pair->attributes.value("primary", Id{0}));
        if (primary != nullptr && primary->attributes.contains("driver")) continue;
        const Look look(configuration, hosts, *pair);
        if (!look.is_for_several()) continue;
        if (const Result<void> done = one(look); !done) told.problems[pair->id] = done.error().what;
    }
    return told;
}

}  // namespace belay::daemon
