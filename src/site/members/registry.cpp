#include "site/members/registry.h"

#include "base/json.h"
#include "site/identity/secret.h"

#include <algorithm>

namespace belay::site {
namespace {

constexpr std::string_view member_prefix = "site/member/";
constexpr std::string_view name_prefix = "site/member-name/";
constexpr std::string_view invitation_prefix = "site/invitation/";
constexpr std::string_view last_member = "site/last-member";
constexpr std::string_view last_invitation = "site/last-invitation";
constexpr size_t most_name_bytes = 63;
constexpr Milliseconds shortest_invitation = std::chrono::minutes(1);
constexpr Milliseconds longest_invitation = std::chrono::hours(24 * 30);
/// So often a change is begun anew that somebody else was faster with.
constexpr int attempts = 100;

struct KeptInvitation {
    std::string digest;
    Role role = Role::agent;
    std::string name, by;
    Milliseconds expires{0};
    std::string used_by = {};   ///< a member's number; empty: not used
    std::string used_key = {};  ///< digest of the key that it was used with
};

void to_json(Json& json, const KeptInvitation& kept)
{
    json = {{"digest", kept.digest},
            {"role", name_of(kept.role)},
            {"name", kept.name},
            {"by", kept.by},
            {"expires_ms", kept.expires.count()},
            {"used_by", kept.used_by},
            {"used_key", kept.used_key}};
}

Role role_in(const Json& json)
{
    const Result<Role> role = role_named(json.at("role").get<std::string>());
    if (!role) throw Json::other_error::create(501, role.error().what, &json);
    return *role;
}

void from_json(const Json& json, KeptInvitation& kept)
{
    kept = {.digest = json.at("digest"),
            .role = role_in(json),
            .name = json.at("name"),
            .by = json.at("by"),
            .expires = Milliseconds(json.at("expires_ms").get<int64_t>()),
            .used_by = json.at("used_by"),
            .used_key = json.at("used_key")};
}

/// Numbers of one length, so that they are sorted as numbers.
std::string numbered(std::string_view prefix, std::string_view id)
{
    return fmt::format("{}{:0>8}", prefix, id);
}

bool is_number(std::string_view text)
{
    return !text.empty() && text.size() <= 19 &&
           text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// The number after the last one, and what makes it ours.
struct Counted {
    uint64_t number = 1;
    store::Compare when;
    store::Write then;
};
Result<Counted> count_on(store::Store& store, std::string_view counter)
{
    const std::optional<store::Entry> last = TRY(store.get(counter));
    Counted counted;
    if (last) counted.number = TRY(from_json_text<uint64_t>(last->value)) + 1;
    counted.when = {.key = std::string(counter), .revision = last ? last->modified : 0};
    counted.then = {.key = std::string(counter), .value = fmt::format("{}", counted.number)};
    return counted;
}

/// That nobody else has changed the entry meanwhile; nothing: it is not there yet.
store::Compare is_as_before(std::string key, const std::optional<store::Entry>& entry)
{
    return {.key = std::move(key), .revision = entry ? entry->modified : 0};
}

store::Compare is_new(std::string key)
{
    return {.key = std::move(key), .revision = 0};
}

std::string name_key(std::string_view name)
{
    return std::string(name_prefix) + std::string(name);
}

std::unexpected<Error> name_taken(const std::string& name)
{
    return fail(ErrorKind::busy, fmt::format("a host called {} is in the site already", name),
                "belay host list");
}

std::unexpected<Error> too_busy()
{
    return fail(ErrorKind::busy, "others change the members of the site all the time", "the same, again");
}

}  // namespace

void to_json(Json& json, const Member& member)
{
    json = {{"id", member.id},
            {"name", member.name},
            {"role", name_of(member.role)},
            {"revoked", member.revoked},
            {"fingerprint", member.fingerprint},
            {"next_fingerprint", member.next_fingerprint},
            {"certificate_ends_ms", member.certificate_ends.count()},
            {"joined_ms", member.joined.count()},
            {"invited_by", member.invited_by}};
}

void from_json(const Json& json, Member& member)
{
    member = {.id = json.at("id"),
              .name = json.at("name"),
              .role = role_in(json),
              .revoked = json.at("revoked"),
              .fingerprint = json.at("fingerprint"),
              .next_fingerprint = json.at("next_fingerprint"),
              .certificate_ends = Milliseconds(json.at("certificate_ends_ms").get<int64_t>()),
              .joined = Milliseconds(json.at("joined_ms").get<int64_t>()),
              .invited_by = json.at("invited_by")};
}

Result<void> check_member_name(std::string_view name)
{
    const auto is_plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    };
    const bool fits =
        !name.empty() && name.size() <= most_name_bytes && is_plain(name.front()) &&
        std::ranges::all_of(name, [&](char c) { return is_plain(c) || c == '.' || c == '-' || c == '_'; });
    // A number would be taken for that of a member.
    if (!fits || is_number(name))
        return fail(
            ErrorKind::usage,
            "the name of a host begins with a letter or a digit, has letters, digits, '.', '-' and '_', "
            "at most 63, and is no number");
    return {};
}

struct Registry::Found {
    Member member;
    store::Entry entry;
};

Result<Registry::Found> Registry::read(std::string_view member)
{
    std::string id(member);
    if (!is_number(member)) {
        const std::optional<store::Entry> named = TRY(store_.get(name_key(member)));
        if (!named)
            return fail(ErrorKind::not_found, fmt::format("no host of the site is called {}", member),
                        "belay host list");
        id = TRY(from_json_text<std::string>(named->value));
    }
    const std::optional<store::Entry> entry = TRY(store_.get(numbered(member_prefix, id)));
    if (!entry)
        return fail(ErrorKind::not_found, fmt::format("no host of the site has the number {}", id),
                    "belay host list");
    return Found{TRY(from_json_text<Member>(entry->value)), *entry};
}

/// What makes a name free until it is taken: nobody has it, or somebody who was revoked. Errors: busy.
Result<store::Compare> Registry::free_name(const std::string& name)
{
    const std::optional<store::Entry> named = TRY(store_.get(name_key(name)));
    if (!named) return is_new(name_key(name));
    const Found holder = TRY(read(TRY(from_json_text<std::string>(named->value))));
    if (!holder.member.revoked) return name_taken(name);
    return is_as_before(name_key(name), named);
}

/// False: somebody else has changed it meanwhile.
Result<bool> Registry::swap(const Found& found, const Member& member, std::vector<store::Write> more,
                            std::vector<store::Compare> when)
{
    store::Transaction transaction{.when = std::move(when), .then = std::move(more)};
    transaction.when.push_back({.key = found.entry.key, .revision = found.entry.modified});
    transaction.then.push_back({.key = found.entry.key, .value = json_text(member)});
    return TRY(store_.commit(transaction)).succeeded;
}

Result<Member> Registry::change(std::string_view member, const std::function<Result<void>(Member&)>& edit)
{
    for (int i = 0; i < attempts; ++i) {
        const Found found = TRY(read(member));
        Member changed = found.member;
        TRY(edit(changed));
        if (TRY(swap(found, changed))) return changed;
    }
    return too_busy();
}

Result<OpenInvitation> Registry::invite(const InvitationAsk& ask, std::string secret, Milliseconds now)
{
    if (ask.valid_for < shortest_invitation || ask.valid_for > longest_invitation)
        return fail(ErrorKind::usage, "an invitation is good for 1 minute to 30 days");
    if (!ask.name.empty()) {
        TRY(check_member_name(ask.name));
        TRY(free_name(ask.name));
    }
    const KeptInvitation kept{.digest = digest_of_secret(secret),
                              .role = ask.role,
                              .name = ask.name,
                              .by = ask.by,
                              .expires = now + ask.valid_for};
    for (int i = 0; i < attempts; ++i) {
        const Counted next = TRY(count_on(store_, last_invitation));
        const std::string key = numbered(invitation_prefix, fmt::format("{}", next.number));
        const store::Commit commit = TRY(store_.commit(
            {.when = {next.when, is_new(key)}, .then = {next.then, {.key = key, .value = json_text(kept)}}}));
        if (commit.succeeded) return OpenInvitation{.number = next.number, .secret = std::move(secret)};
    }
    return too_busy();
}

Result<Registry::Joined> Registry::enrol(const Join& join, Milliseconds now, const Issue& issue)
{
    const auto refused = [&](std::string_view why) {
        return fail(ErrorKind::permission, fmt::format("the invitation {} {}", join.invitation, why),
                    "belay host invite, on a controller");
    };
    const std::string key = numbered(invitation_prefix, fmt::format("{}", join.invitation));
    for (int i = 0; i < attempts; ++i) {
        const std::optional<store::Entry> entry = TRY(store_.get(key));
        if (!entry) return refused("does not exist");
        const auto kept = TRY(from_json_text<KeptInvitation>(entry->value));
        if (!is_same_digest(kept.digest, digest_of_secret(join.secret))) return refused("has another secret");
        if (now >= kept.expires) return refused("has expired");
        if (kept.used_by.empty()) {
            const std::optional<Joined> joined = TRY(use_up(*entry, join, now, issue));
            if (joined) return *joined;
        } else if (kept.used_key == join.key_digest) {
            return again(kept.used_by, issue);
        } else {
            return refused("was used");
        }
    }
    return too_busy();
}

/// Nothing: somebody else has changed something meanwhile.
Result<std::optional<Registry::Joined>> Registry::use_up(const store::Entry& entry, const Join& join,
                                                         Milliseconds now, const Issue& issue)
{
    auto kept = TRY(from_json_text<KeptInvitation>(entry.value));
    const std::string& name = kept.name.empty() ? join.host_name : kept.name;
    TRY(check_member_name(name));
    const store::Compare is_free = TRY(free_name(name));
    const Counted next = TRY(count_on(store_, last_member));
    const std::string id = fmt::format("{}", next.number);
    Joined joined{.member = {.id = id, .name = name, .role = kept.role, .joined = now}, .certificate = {}};
    joined.certificate = TRY(issue(kept.role, id));
    joined.member.fingerprint = joined.certificate.fingerprint;
    joined.member.certificate_ends = joined.certificate.not_after;
    joined.member.invited_by = kept.by;
    kept.used_by = id;
    kept.used_key = join.key_digest;
    const std::string member_key = numbered(member_prefix, id);
    const store::Transaction transaction{
        .when = {{.key = entry.key, .revision = entry.modified}, next.when, is_new(member_key), is_free},
        .then = {{.key = entry.key, .value = json_text(kept)},
                 next.then,
                 {.key = member_key, .value = json_text(joined.member)},
                 {.key = name_key(name), .value = json_text(id)}}};
    const store::Commit commit = TRY(store_.commit(transaction));
    if (!commit.succeeded) return std::optional<Joined>();
    return std::optional<Joined>(joined);
}

/// For a machine that asks again with the key that it has joined with.
Result<Registry::Joined> Registry::again(const std::string& id, const Issue& issue)
{
    Joined joined;
    joined.member = TRY(find(id));
    joined.certificate = TRY(issue(joined.member.role, id));
    TRY(give_next(id, joined.certificate));
    return joined;
}

Result<Member> Registry::admit(const Certificate& certificate, Milliseconds now)
{
    const Identity& identity = certificate.identity;
    const auto refused = [&](std::string_view why) {
        return fail(ErrorKind::permission,
                    fmt::format("the certificate of the {} {} {}", name_of(identity.role), identity.id, why),
                    "belay host invite, on a controller");
    };
    for (int i = 0; i < attempts; ++i) {
        const Result<Found> found = read(identity.id);
        if (!found && found.error().kind == ErrorKind::not_found) return refused("is for nobody");
        if (!found) return std::unexpected(found.error());
        const Member& member = found->member;
        if (member.role != identity.role) return refused("is for another role");
        if (member.revoked) return refused("was revoked");
        if (now >= certificate.not_after) return refused("has expired");
        if (certificate.fingerprint == member.fingerprint) return member;
        if (certificate.fingerprint != member.next_fingerprint) return refused("was replaced by a newer one");
        Member promoted = member;
        promoted.fingerprint = std::exchange(promoted.next_fingerprint, {});
        if (TRY(swap(*found, promoted))) return promoted;
    }
    return too_busy();
}

Result<void> Registry::give_next(const std::string& id, const Certificate& next)
{
    TRY(change(id, [&](Member& member) -> Result<void> {
        if (member.revoked)
            return fail(ErrorKind::permission, fmt::format("the host {} was revoked", member.name));
        member.next_fingerprint = next.fingerprint;
        member.certificate_ends = next.not_after;
        return {};
    }));
    return {};
}

Result<Member> Registry::find(std::string_view member)
{
    return TRY(read(member)).member;
}

Result<std::vector<Member>> Registry::all()
{
    std::vector<Member> members;
    std::string after;
    while (true) {
        const std::vector<store::Entry> entries = TRY(store_.list(member_prefix, after));
        if (entries.empty()) return members;
        for (const store::Entry& entry : entries) members.push_back(TRY(from_json_text<Member>(entry.value)));
        after = entries.back().key;
    }
}

Result<Member> Registry::revoke(std::string_view member)
{
    return change(member, [](Member& changed) -> Result<void> {
        changed.revoked = true;
        return {};
    });
}

Result<Member> Registry::rename(std::string_view member, const std::string& name)
{
    TRY(check_member_name(name));
    for (int i = 0; i < attempts; ++i) {
        const Found found = TRY(read(member));
        if (found.member.name == name) return found.member;
        const store::Compare is_free = TRY(free_name(name));
        Member renamed = found.member;
        renamed.name = name;
        std::vector<store::Write> names = {{.key = name_key(name), .value = json_text(renamed.id)}};
        // Of one that was revoked another may have the name by now.
        const std::optional<store::Entry> before = TRY(store_.get(name_key(found.member.name)));
        const bool is_its_own = before && before->value == json_text(renamed.id);
        if (is_its_own) names.push_back({.key = name_key(found.member.name)});
        if (TRY(swap(found, renamed, names, {is_free, is_as_before(name_key(found.member.name), before)})))
            return renamed;
    }
    return too_busy();
}

}  // namespace belay::site
