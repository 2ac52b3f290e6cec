#pragma once
// The members of a site as the store knows them: who was invited, who has joined, whose certificate counts.
//
// Keys, all values JSON:
//   site/last-member                 the last number that was given
//   site/member/NNNNNNNN             a Member
//   site/member-name/NAME            its number: a name is there once, but for those who were revoked
//   site/last-invitation             the last number that was given
//   site/invitation/NNNNNNNN         {digest, role, name, by, expires_ms, used_by, used_key}
//
// A member that was revoked stays, so that its number and its history do; its name is free for another. An
// invitation that was used stays for the audit.

#include "site/identity/identity.h"
#include "store/store.h"

#include <functional>
#include <optional>
#include <vector>

namespace belay::site {

struct Member {
    std::string id = {};  ///< a decimal number, never used again
    std::string name = {};
    Role role = Role::agent;
    bool revoked = false;
    std::string fingerprint = {};  ///< of the certificate that counts
    std::string next_fingerprint =
        {};  ///< of one that was given to take its place, and was not used yet; empty: none
    Milliseconds certificate_ends{0};  ///< wall clock; of the newest one
    Milliseconds joined{0};
    std::string invited_by = {};
};
void to_json(nlohmann::json& json, const Member& member);
void from_json(const nlohmann::json& json, Member& member);

/// What a person asks for, or what became of it.
struct InvitationAsk {
    Role role = Role::agent;
    std::string name = {};  ///< what the member will be called; empty: as it calls itself
    Milliseconds valid_for = std::chrono::hours(1);  ///< 1 min to 30 days
    std::string by = {};
};

struct OpenInvitation {
    uint64_t number = 0;
    std::string secret;  ///< 16 bytes, known from nowhere else
};

/// A letter or digit first, then those, '.', '-' and '_'; 63 at most. Errors: usage.
Result<void> check_member_name(std::string_view name);

/// Times are wall clock. Errors of all: those of the store. Threads: any; two registries of one store agree.
class Registry {
  public:
    explicit Registry(store::Store& store) : store_(store) {}

    /// `secret`: 16 random bytes. Errors: usage, busy (a member has this name).
    Result<OpenInvitation> invite(const InvitationAsk& ask, std::string secret, Milliseconds now);

    /// Makes a certificate for a member that joins.
    using Issue = std::function<Result<Certificate>(Role role, const std::string& id)>;
    struct Join {
        uint64_t invitation = 0;
        std::string secret;
        std::string key_digest;  ///< of the key that the machine has made: Authority::key_digest
        std::string host_name;
    };
    struct Joined {
        Member member;
        Certificate certificate;
    };
    /// Uses an invitation up, in one transaction with the member that it makes. Whoever asks again with the
    /// same key has not got the answer: the same member gets another certificate. Errors: permission (there
    /// is no such invitation, or it was used, or has expired, or the secret is wrong: `what` says which, for
    /// the audit and not for the stranger), usage and busy for the name; those of `issue`.
    Result<Joined> enrol(const Join& join, Milliseconds now, const Issue& issue);

    /// The member that this certificate speaks for. One that was given as the next and is used for the first
    /// time takes the place of the one before. Errors: permission (unknown, revoked, replaced, expired).
    Result<Member> admit(const Certificate& certificate, Milliseconds now);
    /// Notes what takes the place of the certificate that counts, once it is used. Errors: not_found,
    /// permission (revoked).
    Result<void> give_next(const std::string& id, const Certificate& next);

    /// By name or number. Errors: not_found.
    Result<Member> find(std::string_view member);
    Result<std::vector<Member>> all();  ///< by number
    /// Its certificates no longer count, from now on and for good. Errors: not_found.
    Result<Member> revoke(std::string_view member);
    /// Errors: not_found, usage, busy.
    Result<Member> rename(std::string_view member, const std::string& name);

  private:
    struct Found;
    Result<std::optional<Joined>> use_up(const store::Entry& entry, const Join& join, Milliseconds now,
                                         const Issue& issue);
    Result<Joined> again(const std::string& id, const Issue& issue);
    Result<Found> read(std::string_view id);
    Result<store::Compare> free_name(const std::string& name);
    Result<bool> swap(const Found& found, const Member& member, std::vector<store::Write> more = {},
                      std::vector<store::Compare> when = {});
    Result<Member> change(std::string_view member, const std::function<Result<void>(Member&)>& edit);

    store::Store& store_;
};

}  // namespace belay::site
