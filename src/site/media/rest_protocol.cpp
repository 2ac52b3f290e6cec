#include "site/media/rest_protocol.h"

#include "site/loop.h"
#include "site/media/byte_range.h"
#include "site/media/streams.h"

#include <algorithm>

namespace belay::media {
namespace {

constexpr const char* list_type_1 = "application/vnd.x.restic.rest.v1";
constexpr const char* list_type_2 = "application/vnd.x.restic.rest.v2";
constexpr const char* file_type = "application/octet-stream";
constexpr size_t longest_config = 64 << 10;
/// Where it is not said how long a file is, room is reserved in such steps.
constexpr uint64_t reserved_at_once = 1 << 20;

bool reads(const Request& request)
{
    return request.method == "GET" || request.method == "HEAD";
}

unsigned status_of(const Error& error)
{
    switch (error.kind) {
        case ErrorKind::usage:
        case ErrorKind::corrupt:
            return 400;
        case ErrorKind::permission:
            return 403;
        case ErrorKind::not_found:
            return 404;
        case ErrorKind::refused:
            return 409;
        case ErrorKind::no_space:
            return 507;
        case ErrorKind::busy:
            return 429;
        default:
            return 500;
    }
}

/// What a stranger has sent must not move the cursor of whoever reads the log.
std::string for_log(std::string text)
{
    std::ranges::replace_if(text, [](unsigned char letter) { return letter < ' ' || letter == 0x7f; }, '?');
    return text;
}

Error no_method(const Request& request)
{
    return {.kind = ErrorKind::permission,
            .what = fmt::format("{} is not for this path of a repository", request.method)};
}

}  // namespace

/// A file on its way in.
class RestProtocol::Upload final : public Body {
  public:
    Upload(const RestProtocol& protocol, Ground ground, const Request& request, RepositoryFolder repository,
           IncomingFile file, Reserved reserved)
        : protocol_(protocol),
          ground_(std::move(ground)),
          request_(request),
          repository_(std::move(repository)),
          file_(std::move(file)),
          reserved_(std::move(reserved)),
          largest_(ground_.path.what == RequestPath::What::config ? longest_config : largest_file)
    {
        ++protocol_.parts_.counters.uploads;
    }
    ~Upload() override { --protocol_.parts_.counters.uploads; }

    std::optional<Answer> add(std::string_view bytes) override
    {
        const Result<void> added = take(bytes);
        if (added) return {};
        return protocol_.refusal(added.error(), request_);
    }

    Answer finish() override
    {
        const Result<Kept> kept = keep();
        if (!kept) return protocol_.refusal(kept.error(), request_);
        return {};
    }

  private:
    Result<void> take(std::string_view bytes)
    {
        protocol_.parts_.counters.bytes_received += bytes.size();
        if (file_.size() + bytes.size() > largest_)
            return fail(ErrorKind::usage, fmt::format("it is larger than {}", to_text(Bytes{largest_})));
        if (!request_.length && file_.size() + bytes.size() > room_) {
            const uint64_t more = std::max<uint64_t>(bytes.size(), reserved_at_once);
            TRY(reserved_.add(more, ground_.quota));
            room_ += more;
        }
        return file_.add(bytes);
    }

    Result<Kept> keep()
    {
        if (request_.length && file_.size() != *request_.length)
            return fail(ErrorKind::usage, "less came than was said");
        const RequestPath& path = ground_.path;
        const bool is_lock = path.what == RequestPath::What::file && path.kind == Kind::locks;
        if (is_lock) TRY(file_.note_owner(ground_.user));
        const Kept kept = TRY(file_.keep(repository_, path, ground_.access == Access::full));
        // What was there was as good as none of it.
        const uint64_t room = request_.length ? *request_.length : room_;
        reserved_.keep(kept == Kept::before ? room : room - file_.size());
        if (kept == Kept::before) return kept;
        ++protocol_.parts_.counters.files_kept;
        if (kept == Kept::replaced)
            protocol_.parts_.log.standard(
                fmt::format("{}: {} was damaged here, and is replaced by what {} has sent", path.repository(),
                            path.name, ground_.user));
        return kept;
    }

    const RestProtocol& protocol_;
    const Ground ground_;
    const Request request_;
    const RepositoryFolder repository_;
    IncomingFile file_;
    Reserved reserved_;
    uint64_t room_ = 0;
    const uint64_t largest_;
};

bool RestProtocol::is_slow(const Request& request)
{
    return !request.user.empty() && !parts_.doorkeeper.remembers(request.user, request.password);
}

Answer RestProtocol::refusal(const Error& error, const Request& request) const
{
    ++parts_.counters.refused;
    parts_.log.trace(fmt::format("{} {} {} {}: {}", request.peer, for_log(request.user), request.method,
                                 for_log(request.path), error.what));
    std::string text = error.what;
    // Where it lies here is nothing to those who are elsewhere.
    if (status_of(error) >= 500 && error.kind != ErrorKind::no_space) {
        parts_.log.standard(
            fmt::format("cannot do {} {}: {}", request.method, for_log(request.path), error.what));
        text = "the media server cannot do it at the moment; its log says why";
    }
    if (!error.next.empty()) text += fmt::format(" ({})", error.next);
    return {.status = status_of(error), .text = text + "\n"};
}

Result<void> RestProtocol::check_password(const Request& request)
{
    const auto found =
        parts_.doorkeeper.check(request.user, request.password, request.peer, site::boot_now());
    switch (found) {
        case Doorkeeper::Found::right:
            return {};
        case Doorkeeper::Found::not_now:
            return fail(ErrorKind::busy, "too many wrong passwords: wait up to a minute");
        case Doorkeeper::Found::wrong:
            break;
    }
    parts_.log.standard(fmt::format("{}: wrong password of '{}', or there is no such account", request.peer,
                                    for_log(request.user)));
    return fail(ErrorKind::permission, "wrong account or password");
}

Result<RestProtocol::Ground> RestProtocol::ground_of(const Request& request) const
{
    Ground ground;
    ground.path = TRY(parse_request_path(request.path));
    const std::shared_ptr<const AccountBook> book = parts_.doorkeeper.book();
    const std::optional<Access> access = book->access(request.user, ground.path.space);
    if (!access)
        return fail(ErrorKind::permission,
                    fmt::format("the account {} may not use the space {}", request.user, ground.path.space),
                    fmt::format("on the media server: belay media grant {} {} append", request.user,
                                ground.path.space));
    ground.access = *access;
    ground.user = request.user;
    ground.space = TRY(parts_.spaces.find(ground.path.space));
    if (const auto quota = book->quotas.find(ground.path.space); quota != book->quotas.end())
        ground.quota = quota->second;
    return ground;
}

Begun RestProtocol::begin(const Request& request)
{
    ++parts_.counters.requests;
    if (request.is_ambiguous) {
        Answer answer =
            refusal({.kind = ErrorKind::usage, .what = "the length of the body is said twice"}, request);
        answer.is_for_stranger = true;
        return answer;
    }
    const Result<void> known = request.user.empty()
                                   ? fail(ErrorKind::permission, "an account and its password are wanted")
                                   : check_password(request);
    if (!known) {
        Answer answer = refusal(known.error(), request);
        answer.is_for_stranger = true;
        if (answer.status == 403) {
            answer.status = 401;
            answer.headers.emplace_back("WWW-Authenticate", "Basic realm=\"belay media\", charset=\"UTF-8\"");
        } else {
            answer.headers.emplace_back("Retry-After", "60");
        }
        return answer;
    }
    Result<Ground> ground = ground_of(request);
    if (!ground) return refusal(ground.error(), request);
    using What = RequestPath::What;
    const What what = ground->path.what;
    const bool is_lock = what == What::file && ground->path.kind == Kind::locks;
    const auto answered = [&](Result<Answer> answer) -> Answer {
        return answer ? *std::move(answer) : refusal(answer.error(), request);
    };
    if (reads(request) && what == What::list && ground->path.kind == Kind::snapshots) {
        Result<Begun> begun = list_snapshots(*ground, request);
        return begun ? *std::move(begun) : refusal(begun.error(), request);
    }
    if (reads(request) && what == What::list) return answered(list(*ground, request));
    if (reads(request) && what != What::repository) return answered(read(*ground, request));
    const bool may_add = is_lock || ground->access != Access::read;
    if (request.method == "POST" && !may_add)
        return refusal({.kind = ErrorKind::permission,
                        .what = fmt::format("the account {} may only read here", ground->user)},
                       request);
    if (request.method == "POST" && what == What::repository && request.creates)
        return answered(create(*ground));
    if (request.method == "POST" && (what == What::config || what == What::file)) {
        Result<std::unique_ptr<Body>> body = receive(*std::move(ground), request);
        if (!body) return refusal(body.error(), request);
        return *std::move(body);
    }
    if (request.method == "DELETE" && (what == What::config || what == What::file))
        return answered(remove(*ground));
    return refusal(no_method(request), request);
}

Result<Answer> RestProtocol::create(const Ground& ground) const
{
    TRY(RepositoryFolder::create(ground.space->folder(), ground.path));
    return Answer{};
}

Result<Answer> RestProtocol::read(const Ground& ground, const Request& request) const
{
    const RepositoryFolder repository = TRY(RepositoryFolder::open(ground.space->folder(), ground.path));
    StoredFile file = TRY(repository.read(ground.path));
    ByteRange range;
    const RangeFound found = find_range(request.range, file.size, range);
    Answer answer{.type = file_type};
    answer.headers.emplace_back("Accept-Ranges", "bytes");
    if (found == RangeFound::beyond) {
        answer.status = 416;
        answer.headers.emplace_back("Content-Range", fmt::format("bytes */{}", file.size));
        return answer;
    }
    if (found == RangeFound::part) {
        answer.status = 206;
        answer.headers.emplace_back("Content-Range", fmt::format("bytes {}-{}/{}", range.offset,
                                                                 range.offset + range.length - 1, file.size));
    }
    answer.length = range.length;
    if (request.method == "GET") parts_.counters.bytes_sent += range.length;
    answer.stream = stream_of(std::move(file), range.offset, range.length);
    return answer;
}

Result<Answer> RestProtocol::list(const Ground& ground, const Request& request) const
{
    RepositoryFolder repository = TRY(RepositoryFolder::open(ground.space->folder(), ground.path));
    const ListType type = list_type_of(request);
    Answer answer{.type = type.name};
    answer.stream = list_of(std::move(repository), ground.path.kind, type.with_sizes);
    return answer;
}

RestProtocol::ListType RestProtocol::list_type_of(const Request& request)
{
    const bool with_sizes = request.accept.find(list_type_2) != std::string::npos;
    return {.name = with_sizes ? list_type_2 : list_type_1, .with_sizes = with_sizes};
}

Result<Answer> RestProtocol::remove(const Ground& ground) const
{
    const RequestPath& path = ground.path;
    const RepositoryFolder repository = TRY(RepositoryFolder::open(ground.space->folder(), path));
    if (ground.access != Access::full) {
        const bool is_lock = path.what == RequestPath::What::file && path.kind == Kind::locks;
        if (!is_lock)
            return fail(ErrorKind::permission,
                        fmt::format("the account {} may remove nothing here but its locks", ground.user));
        const Result<StoredFile> lock = repository.read(path);
        if (!lock && lock.error().kind != ErrorKind::not_found) return std::unexpected(lock.error());
        if (lock && !is_owner(*lock, ground.user))
            return fail(
                ErrorKind::permission,
                fmt::format("the account {} may remove only the locks that it has made", ground.user));
    }
    const std::optional<uint64_t> size = TRY(repository.remove(path));
    if (!size) return fail(ErrorKind::not_found, "it is not there");
    ground.space->given_back(*size);
    ++parts_.counters.files_removed;
    return Answer{};
}

Result<std::unique_ptr<Body>> RestProtocol::receive(Ground ground, const Request& request) const
{
    if (request.length && *request.length > largest_file)
        return fail(ErrorKind::usage, fmt::format("it is larger than {}", to_text(Bytes{largest_file})));
    RepositoryFolder repository = TRY(RepositoryFolder::open(ground.space->folder(), ground.path));
    Reserved reserved(ground.space);
    if (request.length) TRY(reserved.add(*request.length, ground.quota));
    IncomingFile file = TRY(IncomingFile::open(ground.space->folder()));
    return std::make_unique<Upload>(*this, std::move(ground), request, std::move(repository), std::move(file),
                                    std::move(reserved));
}

}  // namespace belay::media
