// The list of a repository's snapshots: one that is known is not sent again, and who likes is told of a
// change.

#include "site/media/conditions.h"
#include "site/media/rest_protocol.h"
#include "site/media/streams.h"

#include <algorithm>

namespace belay::media {
namespace {

constexpr std::chrono::seconds longest_wait{60};

/// What is listed, and its entity tag: a digest of that.
struct SnapshotList {
    std::string text, tag;
};

Result<SnapshotList> snapshots_in(const RepositoryFolder& repository, bool with_sizes)
{
    std::vector<std::string> all;
    TRY(repository.list(Kind::snapshots, 0, [&](std::string_view name, uint64_t size) {
        all.push_back(listed_as_json(name, size, with_sizes));
    }));
    // A folder has no order of its own that could be relied on.
    std::ranges::sort(all);
    SnapshotList list{.text = fmt::format("[{}]", fmt::join(all, ",")), .tag = {}};
    list.tag = fmt::format("\"{}\"", sha256(list.text));
    return list;
}

Answer answer_of(SnapshotList list, const Request& request, const char* type)
{
    Answer answer{.type = type};
    answer.headers.emplace_back("ETag", list.tag);
    answer.headers.emplace_back("Vary", "Accept");
    if (names_tag(request.if_none_match, list.tag))
        answer.status = 304;
    else
        answer.text = std::move(list.text);
    return answer;
}

}  // namespace

/// Of one who knows the list, until there is another one.
class RestProtocol::SnapshotsAwaited final : public Awaited {
  public:
    SnapshotsAwaited(const RestProtocol& protocol, Request request, RepositoryFolder repository,
                     std::unique_ptr<FolderWatch::Waiter> waiter, std::chrono::seconds wait)
        : protocol_(protocol),
          request_(std::move(request)),
          repository_(std::move(repository)),
          waiter_(std::move(waiter)),
          wait_(wait),
          until_(site::boot_now() + wait)
    {
    }

    void wake(int socket, std::function<void()> woken) override
    {
        waiter_->wait(socket, until_, std::move(woken));
    }

    std::optional<Answer> look() override
    {
        // The account may have been shut out meanwhile.
        const Result<Ground> ground = protocol_.ground_of(request_);
        if (!ground) return protocol_.refusal(ground.error(), request_);
        const ListType type = list_type_of(request_);
        Result<SnapshotList> list = snapshots_in(repository_, type.with_sizes);
        if (!list) return protocol_.refusal(list.error(), request_);
        Answer answer = answer_of(*std::move(list), request_, type.name);
        const FolderWatch::Woken why = waiter_->why();
        const bool is_same = answer.status == 304;
        if (is_same && why == FolderWatch::Woken::changed) return {};
        if (!is_same || why == FolderWatch::Woken::time_is_over)
            answer.headers.emplace_back("Preference-Applied", fmt::format("wait={}", wait_.count()));
        return answer;
    }

  private:
    const RestProtocol& protocol_;
    const Request request_;
    const RepositoryFolder repository_;
    const std::unique_ptr<FolderWatch::Waiter> waiter_;
    const std::chrono::seconds wait_;
    const Milliseconds until_;
};

Result<Begun> RestProtocol::list_snapshots(const Ground& ground, const Request& request) const
{
    RepositoryFolder repository = TRY(RepositoryFolder::open(ground.space->folder(), ground.path));
    const std::chrono::seconds wait =
        std::min(wait_preferred(request.prefer).value_or(std::chrono::seconds(0)), longest_wait);
    std::unique_ptr<FolderWatch::Waiter> waiter;
    if (wait > std::chrono::seconds(0) && !request.if_none_match.empty()) {
        // Before the list is made, so that no change falls between.
        const Result<host::Descriptor> folder = repository.folder_of_kind(Kind::snapshots);
        if (folder) waiter = parts_.watch.enter(*folder);
    }
    const ListType type = list_type_of(request);
    SnapshotList list = TRY(snapshots_in(repository, type.with_sizes));
    Answer answer = answer_of(std::move(list), request, type.name);
    if (answer.status != 304 || !waiter) return answer;
    return std::make_unique<SnapshotsAwaited>(*this, request, std::move(repository), std::move(waiter), wait);
}

}  // namespace belay::media
