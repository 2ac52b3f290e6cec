#include "site/media/http/media_server.h"

#include "host/files.h"
#include "site/media/http/listener.h"
#include "site/media/state_files.h"

#include <algorithm>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <thread>
#include <unistd.h>

namespace belay::media {
namespace {

constexpr Bytes largest_pem = {256 << 10};
constexpr Milliseconds certificate_lasts = std::chrono::hours(24 * 365 * 10);
/// What waits for a disk needs no processor: more than there are.
constexpr size_t quick_threads = 16;
/// For a change of snapshots. Each is looked at when there is one.
constexpr size_t most_waiters = 1'024;
/// Of the descriptors, for files and all else.
constexpr unsigned spare_descriptors = 512;

/// All that a client may call it.
std::vector<std::string> names_of(const MediaOptions& options, const std::string& address)
{
    std::vector<std::string> names = options.names;
    names.insert(names.end(), {"localhost", "127.0.0.1", "::1"});
    if (const std::string name = host_name(); !name.empty()) names.push_back(name);
    for (const std::string& own : addresses_of_host()) names.push_back(own);
    const std::string listens_at = host_of(address);
    if (!listens_at.empty() && listens_at != "::" && listens_at != "0.0.0.0") names.push_back(listens_at);
    std::ranges::sort(names);
    const auto repeated = std::ranges::unique(names);
    names.erase(repeated.begin(), repeated.end());
    return names;
}

/// As many connections as are wanted, or as the system lets this process have.
unsigned raise_limit(unsigned wanted)
{
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
    const rlim_t all = 2 * rlim_t{wanted} + spare_descriptors;
    limit.rlim_cur = std::min(std::max(limit.rlim_cur, all), limit.rlim_max);
    static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
    if (limit.rlim_cur >= all) return wanted;
    return std::max<unsigned>(static_cast<unsigned>((limit.rlim_cur - spare_descriptors) / 2), 16);
}

}  // namespace

MediaServer::MediaServer(MediaOptions options, Milliseconds wall, site::Log& log)
    : options_(std::move(options)),
      started_(wall),
      log_(log),
      doorkeeper_(account_book_in(options_.state_folder), log)
{
}

MediaServer::~MediaServer()
{
    stop(std::chrono::milliseconds(0));
}

Result<std::unique_ptr<MediaServer>> MediaServer::open(const MediaOptions& options, Milliseconds wall,
                                                       site::Log& log)
{
    std::unique_ptr<MediaServer> server(new MediaServer(options, wall, log));
    TRY(server->begin());
    return server;
}

Result<void> MediaServer::begin()
{
    // What is wrong with the accounts is said now, and not to the first client.
    TRY(read_account_book(account_book_in(options_.state_folder)));
    if (options_.certificate_file.empty() != options_.key_file.empty())
        return fail(ErrorKind::usage, "a certificate and its key are given together");
    HttpServer::Options http;
    http.listener = TRY(listen_at_address(options_.listen));
    address_ = TRY(address_of(http.listener));
    if (options_.without_tls && !is_loopback(host_of(address_)))
        return fail(
            ErrorKind::usage,
            fmt::format("without TLS it serves on loopback alone, and {} is open to others", address_),
            "--listen 127.0.0.1:8000, behind what has TLS");
    spaces_ = TRY(Spaces::open(options_.data_folder));
    if (!options_.without_tls) certificate_ = TRY(read_certificate());
    http.certificate = certificate_;
    http.threads = std::max(std::thread::hardware_concurrency(), 1U);
    most_connections_ = raise_limit(options_.most_connections);
    if (most_connections_ < options_.most_connections)
        log_.standard(
            fmt::format("serves {} connections at once, not {}: it may open no more files "
                        "(LimitNOFILE of its unit, or ulimit -n)",
                        most_connections_, options_.most_connections));
    http.most_connections = most_connections_;
    http.most_of_one_address = options_.most_of_one_address;
    // Those who only wait leave room for those who do something.
    watch_ = TRY(FolderWatch::open(std::min<size_t>(most_waiters, http.most_connections / 4)));
    protocol_ = std::make_unique<RestProtocol>(RestProtocol::Parts{
        .doorkeeper = doorkeeper_, .spaces = *spaces_, .log = log_, .counters = counters_, .watch = *watch_});
    quick_ = std::make_unique<Jobs>(quick_threads);
    slow_ = std::make_unique<Jobs>(std::max(http.threads / 2, 1U));
    http_ = TRY(HttpServer::start(std::move(http), *protocol_, *quick_, *slow_, log_));
    return {};
}

Result<std::shared_ptr<const Certificate>> MediaServer::read_certificate() const
{
    if (!options_.certificate_file.empty()) {
        const std::string chain = TRY(host::files::read(options_.certificate_file, largest_pem));
        const std::string key = TRY(host::files::read(options_.key_file, largest_pem));
        return Certificate::read(chain, key);
    }
    const site::Authority authority = TRY(open_media_authority(options_.state_folder, started_));
    const site::ServerCertificate own =
        TRY(authority.issue_for_server(names_of(options_, address_), started_, certificate_lasts));
    return Certificate::read(own.certificate_pem, own.key_pem);
}

void MediaServer::renew_certificate()
{
    if (options_.without_tls) return;
    const Result<std::shared_ptr<const Certificate>> next = read_certificate();
    const std::lock_guard lock(mutex_);
    if (!next) {
        problem_ = next.error().what;
        return log_.standard(fmt::format("goes on with the certificate as it was: {}", problem_));
    }
    problem_.clear();
    certificate_ = *next;
    http_->show(*next);
    log_.standard("shows a new certificate from now on");
}

Json MediaServer::certificate_status() const
{
    const std::lock_guard lock(mutex_);
    if (!certificate_) return {};
    const std::string& file = options_.certificate_file;
    return {{"file", file.empty() ? Json() : Json(file)},
            {"until_ms", certificate_->until().count()},
            {"problem", problem_.empty() ? Json() : Json(problem_)}};
}

void MediaServer::stop(std::chrono::milliseconds patience)
{
    if (http_) http_->quiesce();
    // Those who wait are answered now.
    if (watch_) watch_->stop();
    if (http_) http_->stop(patience);
}

Result<Json> MediaServer::status() const
{
    const std::shared_ptr<const AccountBook> book = doorkeeper_.book();
    Json spaces = Json::array();
    for (const std::string& name : TRY(spaces_->names())) {
        const std::shared_ptr<Space> space = TRY(spaces_->find(name));
        const uint64_t used = TRY(space->used());
        const auto quota = book->quotas.find(name);
        spaces.push_back({{"name", name},
                          {"used", used},
                          {"quota", quota == book->quotas.end() ? Json() : Json(quota->second)}});
    }
    struct statvfs room{};
    if (::statvfs(options_.data_folder.c_str(), &room) != 0)
        return std::unexpected(system_error(fmt::format("look at {}", options_.data_folder), errno));
    return Json{{"version", BELAY_VERSION},
                {"address", address_},
                {"data", options_.data_folder},
                {"tls", !options_.without_tls},
                {"certificate", certificate_status()},
                {"started_ms", started_.count()},
                {"accounts", book->accounts.size()},
                {"connections", http_->connections()},
                {"most_connections", most_connections_},
                {"uploads", counters_.uploads.load()},
                {"waiting", watch_->waiters()},
                {"requests", counters_.requests.load()},
                {"refused", counters_.refused.load()},
                {"files_kept", counters_.files_kept.load()},
                {"files_removed", counters_.files_removed.load()},
                {"bytes_received", counters_.bytes_received.load()},
                {"bytes_sent", counters_.bytes_sent.load()},
                {"free", uint64_t{room.f_bavail} * room.f_frsize},
                {"total", uint64_t{room.f_blocks} * room.f_frsize},
                {"spaces", std::move(spaces)}};
}

}  // namespace belay::media
