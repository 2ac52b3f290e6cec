#include "backup/backend/rest.h"

#include <algorithm>
#include <charconv>
#include <curl/curl.h>
#include <thread>

namespace belay::backup {
namespace {

constexpr size_t askers_of_sizes = 8;

using Url = std::unique_ptr<CURLU, void (*)(CURLU*)>;

/// A part of a URL; empty where it has none.
std::string part_of(const Url& url, CURLUPart part, unsigned flags = 0)
{
    char* text = nullptr;
    if (::curl_url_get(url.get(), part, &text, flags) != CURLUE_OK) return {};
    const std::unique_ptr<char, void (*)(void*)> frees(text, ::curl_free);
    return text;
}

/// Nothing, if it cannot be read.
Url read_url(const std::string& text)
{
    Url url(::curl_url(), ::curl_url_cleanup);
    if (::curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) url.reset();
    return url;
}

/// Where a server points to, without what may be secret in it.
std::string place_named_by(const HttpAnswer& answer)
{
    const Url url = read_url(answer.location);
    if (url == nullptr || answer.location.size() > 500) return "another place";
    for (const CURLUPart part : {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY, CURLUPART_FRAGMENT})
        ::curl_url_set(url.get(), part, nullptr, 0);
    return part_of(url, CURLUPART_URL);
}

std::unexpected<Error> not_http_url(std::string_view why)
{
    return fail(ErrorKind::usage, fmt::format("the location of the REST server {}", why),
                "it is written as rest:https://USER@HOST:8000/PATH/");
}

/// The error that an answer is, whatever was asked.
Error refusal(const HttpAnswer& answer, std::string_view failed)
{
    const auto says = [&](ErrorKind kind, std::string_view what, std::string next = {}) {
        return Error{.kind = kind, .what = fmt::format("{}: {}", failed, what), .next = std::move(next)};
    };
    switch (answer.status) {
        case 401:
            return says(ErrorKind::permission, "the server wants another user or password (401)",
                        "RESTIC_REST_USERNAME and RESTIC_REST_PASSWORD name them");
        case 403:
            return says(ErrorKind::permission, "the server does not allow it (403)");
        case 404:
            return says(ErrorKind::not_found, "it is not there (404)");
        case 413:
            return says(ErrorKind::no_space, "the server takes no more of us (413)");
        case 429:
            return says(ErrorKind::unavailable, "the server is asked too much (429)");
        case 507:
            return says(ErrorKind::no_space, "the server has no room left (507)");
        default:
            break;
    }
    if (answer.status >= 500)
        return says(ErrorKind::unavailable, fmt::format("the server failed ({})", answer.status));
    if (answer.status >= 300 && answer.status < 400)
        return says(ErrorKind::io,
                    fmt::format("the server sends us to {} ({})", place_named_by(answer), answer.status),
                    "give the address of the repository itself");
    return says(ErrorKind::io, fmt::format("the server answers {}", answer.status));
}

/// "bytes 5-9/20" or "bytes */20".
struct ContentRange {
    std::optional<uint64_t> first, end;
    std::optional<uint64_t> total;

    static ContentRange from(std::string_view text)
    {
        ContentRange range;
        if (!text.starts_with("bytes ")) return range;
        text.remove_prefix(6);
        const size_t dash = text.find('-'), slash = text.find('/');
        if (slash == std::string_view::npos) return range;
        range.total = number(text.substr(slash + 1));
        if (dash >= slash) return range;
        range.first = number(text.substr(0, dash));
        const auto last = number(text.substr(dash + 1, slash - dash - 1));
        if (last) range.end = *last + 1;
        return range;
    }

    static std::optional<uint64_t> number(std::string_view text)
    {
        uint64_t value = 0;
        const char* begin = text.data();
        const auto [end, error] = std::from_chars(begin, begin + text.size(), value);
        if (error != std::errc() || end != begin + text.size()) return std::nullopt;
        return value;
    }
};

/// What was asked for, if the answer is that.
Result<std::string> part_from(HttpAnswer answer, const ByteRange& wanted, std::string_view failed)
{
    const ContentRange range = ContentRange::from(answer.content_range);
    const auto corrupt = [&](std::string_view what) {
        return fail(ErrorKind::corrupt, fmt::format("{}: {}", failed, what));
    };
    // A file with nothing behind the offset: some servers say 416, others send nothing.
    const bool is_end = wanted.length == 0 && range.total == wanted.offset;
    if (is_end && (answer.status == 416 || answer.status == 206)) return std::string();
    const bool goes_beyond =
        range.total && (wanted.offset > *range.total || wanted.length > *range.total - wanted.offset);
    if (answer.status == 416 || goes_beyond)
        return corrupt(range.total ? fmt::format("it ends at byte {}", *range.total) : "it ends before");
    if (!answer.is_good()) return std::unexpected(refusal(answer, failed));
    if (answer.status != 206) return corrupt("the server sends the whole where a part was asked for");
    const uint64_t length = wanted.length != 0 ? wanted.length : range.total.value_or(0) - wanted.offset;
    if (range.first != wanted.offset || range.end != wanted.offset + length)
        return corrupt("the server sends another part than was asked for");
    if (answer.is_too_large || answer.body.size() != length)
        return corrupt("the server sends more or less than it says");
    return std::move(answer.body);
}

}  // namespace

Result<std::unique_ptr<RestBackend>> RestBackend::at(std::string_view url, RestOptions options)
{
    const Url parts = read_url(std::string(url));
    if (parts == nullptr) return not_http_url("is no URL");
    const std::string scheme = part_of(parts, CURLUPART_SCHEME);
    if (scheme != "http" && scheme != "https")
        return not_http_url("begins with neither http:// nor https://");
    if (!part_of(parts, CURLUPART_QUERY).empty() || !part_of(parts, CURLUPART_FRAGMENT).empty())
        return not_http_url("ends with a query");
    const std::string user = part_of(parts, CURLUPART_USER, CURLU_URLDECODE);
    if (!user.empty()) {
        options.http.user = user;
        const std::string password = part_of(parts, CURLUPART_PASSWORD, CURLU_URLDECODE);
        if (!password.empty()) options.http.password = password;
    }
    ::curl_url_set(parts.get(), CURLUPART_USER, nullptr, 0);
    ::curl_url_set(parts.get(), CURLUPART_PASSWORD, nullptr, 0);
    std::string bare = part_of(parts, CURLUPART_URL);
    if (!bare.ends_with('/')) bare += '/';
    return std::unique_ptr<RestBackend>(new RestBackend(std::move(bare), std::move(options)));
}

std::string RestBackend::url_with_account(const std::string& url, const std::string& user,
                                          const std::string& password)
{
    const Url parts = read_url(url);
    if (parts == nullptr) return url;
    const auto add = [&](CURLUPart part, const std::string& value) {
        if (value.empty() || !part_of(parts, part).empty()) return;
        ::curl_url_set(parts.get(), part, value.c_str(), CURLU_URLENCODE);
    };
    add(CURLUPART_USER, user);
    // A password alone is nobody's.
    if (!part_of(parts, CURLUPART_USER).empty()) add(CURLUPART_PASSWORD, password);
    return part_of(parts, CURLUPART_URL);
}

RestBackend::RestBackend(std::string url, RestOptions options)
    : url_(std::move(url)), options_(std::move(options)), client_(options_.http)
{
}

std::string RestBackend::url_of(const FileName& name) const
{
    if (name.kind == FileKind::config) return url_ + "config";
    return fmt::format("{}{}/{}", url_, folder_of(name.kind), name.id.hex());
}

std::string RestBackend::failed_to(std::string_view what, const FileName& name) const
{
    return fmt::format("cannot {} {} in {}", what, name.text(), location());
}

Result<HttpAnswer> RestBackend::attempt(const HttpRequest& request, std::string_view failed, Retries& retries)
{
    Result<HttpAnswer> answer = client_.send(request);
    if (!answer) {
        answer.error().what = fmt::format("{}: {}", failed, answer.error().what);
        return answer;
    }
    retries.ask_for(answer->retry_after);
    if (answer->status < 400) return answer;
    Error error = refusal(*answer, failed);
    if (error.kind == ErrorKind::unavailable) return std::unexpected(std::move(error));
    return answer;
}

Result<HttpAnswer> RestBackend::ask(const HttpRequest& request, std::string_view failed)
{
    Retries retries(options_.retries);
    for (;;) {
        Result<HttpAnswer> answer = attempt(request, failed, retries);
        if (answer || !retries.again(answer.error())) return answer;
    }
}

Result<void> RestBackend::create()
{
    const Result<uint64_t> config = size({});
    if (config)
        return fail(ErrorKind::refused, fmt::format("there is a repository in {} already", location()));
    if (config.error().kind != ErrorKind::not_found) return std::unexpected(config.error());
    const std::string failed = fmt::format("cannot make a repository in {}", location());
    const HttpAnswer answer = TRY(ask({.method = HttpMethod::post, .url = url_ + "?create=true"}, failed));
    if (!answer.is_good()) return std::unexpected(refusal(answer, failed));
    return {};
}

Error RestBackend::is_there_already() const
{
    return {.kind = ErrorKind::refused,
            .what = fmt::format("there is a repository in {} already", location())};
}

Result<RestBackend::Found> RestBackend::look_for(const FileName& name, std::string_view content,
                                                 Retries& retries)
{
    // Two configs may well be of one size.
    const bool compares = name.kind == FileKind::config;
    const HttpRequest request{.method = compares ? HttpMethod::get : HttpMethod::head, .url = url_of(name)};
    const HttpAnswer answer = TRY(attempt(request, failed_to("look at", name), retries));
    if (answer.status == 404) return Found::nothing;
    if (!answer.is_good()) return std::unexpected(refusal(answer, failed_to("look at", name)));
    if (!compares) return answer.content_length == content.size() ? Found::same : Found::other;
    if (answer.body == content) return Found::same;
    // The beginning of ours: the server was ended while it wrote.
    return content.starts_with(answer.body) ? Found::nothing : Found::other;
}

Result<RestBackend::Found> RestBackend::look_after(Error error, const FileName& name,
                                                   std::string_view content, Retries& retries)
{
    for (;;) {
        if (!retries.again(error)) return std::unexpected(std::move(error));
        Result<Found> found = look_for(name, content, retries);
        if (found || found.error().kind != ErrorKind::unavailable) return found;
        error = std::move(found.error());
    }
}

Result<void> RestBackend::save(const FileName& name, std::string_view content)
{
    const bool is_config = name.kind == FileKind::config;
    if (is_config) {
        // Some servers would replace it.
        const Result<uint64_t> there = size(name);
        if (there) return std::unexpected(is_there_already());
        if (there.error().kind != ErrorKind::not_found) return std::unexpected(there.error());
    }
    const std::string failed = failed_to("save", name);
    const HttpRequest request{.method = HttpMethod::post, .url = url_of(name), .body = content};
    Retries retries(options_.retries);
    for (;;) {
        Result<HttpAnswer> answer = attempt(request, failed, retries);
        if (answer && answer->is_good()) return {};
        if (answer) return taken_amiss(*answer, name, content, retries);
        const Found found = TRY(look_after(std::move(answer.error()), name, content, retries));
        if (found == Found::same) return {};
        if (found == Found::other && is_config) return std::unexpected(is_there_already());
    }
}

Result<void> RestBackend::taken_amiss(const HttpAnswer& answer, const FileName& name,
                                      std::string_view content, Retries& retries)
{
    // A server that replaces nothing says no to what it has.
    if (answer.status == 403 || answer.status == 409) {
        const Result<Found> found = look_for(name, content, retries);
        if (found && *found != Found::nothing && name.kind == FileKind::config)
            return std::unexpected(is_there_already());
        if (found && *found == Found::same) return {};
    }
    return std::unexpected(refusal(answer, failed_to("save", name)));
}

Result<std::string> RestBackend::load(const FileName& name, uint64_t offset, uint64_t length)
{
    const std::string failed = failed_to("load", name);
    HttpRequest request{.url = url_of(name), .largest_answer = options_.largest_answer};
    if (length > options_.largest_answer)
        return fail(ErrorKind::corrupt,
                    fmt::format("{}: {} bytes are more than any file has", failed, length));
    const ByteRange wanted{offset, length};
    if (offset != 0 || length != 0) request.range = wanted;
    if (length != 0) request.largest_answer = length;
    HttpAnswer answer = TRY(ask(request, failed));
    if (request.range) return part_from(std::move(answer), wanted, failed);
    if (!answer.is_good()) return std::unexpected(refusal(answer, failed));
    if (answer.status != 200 || answer.is_too_large)
        return fail(ErrorKind::corrupt,
                    fmt::format("{}: {}", failed,
                                answer.is_too_large
                                    ? fmt::format("it is larger than {} bytes", request.largest_answer)
                                    : "the server sends a part where the whole was asked for"));
    return std::move(answer.body);
}

Result<uint64_t> RestBackend::size(const FileName& name)
{
    const std::string failed = failed_to("look at", name);
    const HttpAnswer answer = TRY(ask({.method = HttpMethod::head, .url = url_of(name)}, failed));
    if (!answer.is_good()) return std::unexpected(refusal(answer, failed));
    if (!answer.content_length)
        return fail(ErrorKind::corrupt, fmt::format("{}: the server does not say its size", failed));
    return *answer.content_length;
}

Result<void> RestBackend::remove(const FileName& name)
{
    const std::string failed = failed_to("remove", name);
    const HttpAnswer answer = TRY(ask({.method = HttpMethod::remove, .url = url_of(name)}, failed));
    if (!answer.is_good() && answer.status != 404) return std::unexpected(refusal(answer, failed));
    return {};
}

Result<std::vector<ListedFile>> RestBackend::list(FileKind kind)
{
    if (kind == FileKind::config) return std::vector<ListedFile>();
    const HttpAnswer answer = TRY(
        ask({.url = fmt::format("{}{}/", url_, folder_of(kind)), .largest_answer = options_.largest_answer},
            failed_to_list(kind)));
    RestListing listing = TRY(read_listing(answer, kind));
    std::vector<ListedFile> all = std::move(listing.files);
    TRY(add_sizes(listing.names, kind, all));
    return all;
}

std::string RestBackend::failed_to_list(FileKind kind) const
{
    return fmt::format("cannot list {} in {}", folder_of(kind), location());
}

Result<RestListing> RestBackend::read_listing(const HttpAnswer& answer, FileKind kind) const
{
    const std::string failed = failed_to_list(kind);
    // A folder that is not there has no files. But rclone's 404 means that it could not be read.
    if (answer.status == 404 && answer.server.starts_with("rclone/"))
        return fail(ErrorKind::io, fmt::format("{}: the server cannot read it (404)", failed));
    if (answer.status == 404) return RestListing();
    if (!answer.is_good()) return std::unexpected(refusal(answer, failed));
    if (answer.is_too_large)
        return fail(ErrorKind::corrupt,
                    fmt::format("{}: the list is larger than {} bytes", failed, options_.largest_answer));
    const bool is_version_2 = answer.content_type == "application/vnd.x.restic.rest.v2";
    Result<RestListing> listing = read_rest_listing(answer.body, is_version_2);
    if (!listing) return fail(listing.error().kind, fmt::format("{}: {}", failed, listing.error().what));
    return listing;
}

HttpRequest RestBackend::snapshots_question(const SnapshotsSeen& seen, std::chrono::seconds waits) const
{
    constexpr std::chrono::seconds for_the_way{30};
    HttpRequest request{.url = fmt::format("{}{}/", url_, folder_of(FileKind::snapshot)),
                        .largest_answer = options_.largest_answer,
                        .ends_within = waits + for_the_way};
    if (seen.mark.empty()) return request;  // there is nothing to wait for: the first answer is wanted
    request.fields = {"If-None-Match: " + seen.mark, fmt::format("Prefer: wait={}", waits.count())};
    return request;
}

Result<SnapshotsSeen> RestBackend::snapshots_answer(const Result<HttpAnswer>& answer,
                                                    const SnapshotsSeen& seen) const
{
    const std::string failed = failed_to_list(FileKind::snapshot);
    if (!answer) {
        Error error = answer.error();
        error.what = fmt::format("{}: {}", failed, error.what);
        return std::unexpected(std::move(error));
    }
    SnapshotsSeen now = seen;
    now.is_awaited = answer->preference_applied.starts_with("wait=");
    if (answer->status == 304 && !seen.mark.empty()) return now;
    const RestListing listing = TRY(read_listing(*answer, FileKind::snapshot));
    std::vector<Id> ids = listing.names;
    for (const ListedFile& file : listing.files) ids.push_back(file.id);
    now.listing = digest_of_listing(std::move(ids));
    constexpr size_t longest_mark = 1 << 10;
    now.mark = answer->etag.size() <= longest_mark ? answer->etag : std::string();
    return now;
}

Result<void> RestBackend::add_sizes(const std::vector<Id>& ids, FileKind kind, std::vector<ListedFile>& all)
{
    std::mutex mutex;
    std::optional<Error> error;
    size_t next = 0;
    const auto asks = [&] {
        for (;;) {
            std::unique_lock lock(mutex);
            if (error || next == ids.size()) return;
            const Id& id = ids[next++];
            lock.unlock();
            const Result<uint64_t> size_of_it = size({kind, id});
            lock.lock();
            if (size_of_it) all.push_back({id, *size_of_it});
            // One that is not there was removed meanwhile.
            if (!size_of_it && size_of_it.error().kind != ErrorKind::not_found) error = size_of_it.error();
        }
    };
    {
        std::vector<std::jthread> askers(std::min(askers_of_sizes, ids.size()));
        for (std::jthread& asker : askers) asker = std::jthread(asks);
    }
    if (error) return std::unexpected(*std::move(error));
    return {};
}

}  // namespace belay::backup
