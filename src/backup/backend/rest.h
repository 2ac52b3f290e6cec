#pragma once
// A repository on a server that speaks restic's REST protocol, version 2 or 1: restic's rest-server, `rclone
// serve restic`, and others.
// Source: restic's documentation, "REST Backend".

#include "backup/backend/backend.h"
#include "backup/backend/http_client.h"
#include "backup/backend/rest_listing.h"
#include "backup/backend/retries.h"
#include "backup/backend/snapshots_seen.h"

namespace belay::backup {

struct RestOptions {
    HttpOptions http = {};
    RetryOptions retries = {};
    /// A file, or a list of them, that is larger is taken for damaged.
    uint64_t largest_answer = uint64_t{1} << 30;
};

/// What may pass (nobody answers, a cut, a stall, 5xx, 429) is tried again before it becomes an error,
/// `unavailable`. Errors name the file and the place, and nothing secret.
class RestBackend final : public Backend {
  public:
    /// `url` as restic's users write it behind "rest:"; the user and the password in it come before those
    /// of the options. Nothing is sent yet. Errors: usage.
    static Result<std::unique_ptr<RestBackend>> at(std::string_view url, RestOptions options);

    /// The URL with what it lacks of user and password: at() needs no others then. As it is where it is none.
    static std::string url_with_account(const std::string& url, const std::string& user,
                                        const std::string& password);

    std::string location() const override { return "rest:" + url_; }
    Result<void> create() override;
    /// When an answer is lost, the file is looked for before it is sent again.
    Result<void> save(const FileName& name, std::string_view content) override;
    Result<std::string> load(const FileName& name, uint64_t offset, uint64_t length) override;
    Result<uint64_t> size(const FileName& name) override;
    Result<void> remove(const FileName& name) override;
    /// With a server of version 1 one question more for each file.
    Result<std::vector<ListedFile>> list(FileKind kind) override;

    // For who asks many servers at once, and waits for none of them (HttpQuestions).
    const HttpOptions& http() const { return options_.http; }
    /// What snapshots there are. A server that knows how to wait (RFC 7240) does not answer before they are
    /// others than `seen`, or so many seconds have passed.
    HttpRequest snapshots_question(const SnapshotsSeen& seen, std::chrono::seconds waits) const;
    /// What the answer to it says. Errors: as list().
    Result<SnapshotsSeen> snapshots_answer(const Result<HttpAnswer>& answer, const SnapshotsSeen& seen) const;

  private:
    RestBackend(std::string url, RestOptions options);

    std::string url_of(const FileName& name) const;
    /// "cannot save pack 1f2e3d4c in rest:http://host/".
    std::string failed_to(std::string_view what, const FileName& name) const;
    /// An answer that is worth a look; else `unavailable`.
    Result<HttpAnswer> attempt(const HttpRequest& request, std::string_view failed, Retries& retries);
    /// As attempt(), again and again.
    Result<HttpAnswer> ask(const HttpRequest& request, std::string_view failed);
    /// What the server has by this name: the content of a config is compared, else the size.
    enum class Found { nothing, same, other };
    Result<Found> look_for(const FileName& name, std::string_view content, Retries& retries);
    /// Looks, with pauses, until the server says what it has after a save that failed with `error`.
    Result<Found> look_after(Error error, const FileName& name, std::string_view content, Retries& retries);
    /// What a save has come to that the server has refused.
    Result<void> taken_amiss(const HttpAnswer& answer, const FileName& name, std::string_view content,
                             Retries& retries);
    Error is_there_already() const;
    std::string failed_to_list(FileKind kind) const;
    Result<RestListing> read_listing(const HttpAnswer& answer, FileKind kind) const;
    Result<void> add_sizes(const std::vector<Id>& ids, FileKind kind, std::vector<ListedFile>& all);

    std::string url_;  ///< with a slash at its end, without user and password
    RestOptions options_;
    HttpClient client_;
};

}  // namespace belay::backup
