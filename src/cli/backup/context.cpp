#include "cli/backup/context.h"

#include "backup/backend/location.h"
#include "cli/backup/password.h"
#include "cli/backup/source_options.h"
#include "host/real.h"

#include <charconv>
#include <filesystem>
#include <unistd.h>

namespace belay::cli {

using backup::Access;
using backup::Repository;

BackupContext::BackupContext(Console& console, Style style, CommonOptions options)
    : console_(console), style_(style), options_(std::move(options))
{
}

BackupContext::BackupContext(BackupContext& command, const SourceOptions& source)
    : console_(command.console_),
      style_(command.style_),
      options_(source.of(command.options_)),
      password_variable_(SourceOptions::password_variable),
      command_(&command)
{
}

BackupContext::BackupContext(BackupContext& command, CommonOptions options)
    : console_(command.console_),
      style_(command.style_),
      options_(std::move(options)),
      password_variable_(nullptr),
      command_(&command)
{
}

BackupContext::~BackupContext()
{
    ticker_.reset();
}

Result<std::string> BackupContext::location() const
{
    std::string said = options_.repo;
    if (said.empty() && !options_.repository_file.empty()) {
        const std::unique_ptr<host::Host> host = host::real_host();
        std::error_code ignored;
        said = TRY(host->read(std::filesystem::absolute(options_.repository_file, ignored).string()));
        said.resize(std::min(said.find('\n'), said.size()));
    }
    if (said.empty())
        return fail(ErrorKind::usage, "no repository is named",
                    "--repo PLACE, or RESTIC_REPOSITORY in the environment");
    return said;
}

Result<std::unique_ptr<backup::Backend>> BackupContext::place()
{
    const std::string where = TRY(location());
    return backup::open_place(where, TRY(place_options()));
}

Result<backup::PlaceOptions> BackupContext::place_options()
{
    backup::PlaceOptions place;
    backup::HttpOptions& http = place.rest.http;
    http.user = environment("RESTIC_REST_USERNAME");
    http.password = environment("RESTIC_REST_PASSWORD");
    http.ca_file = options_.cacert;
    http.certificate_file = options_.tls_client_cert;
    http.trusts_any_server = options_.insecure_tls;
    if (!options_.limit_upload.empty())
        http.upload_limit = TRY(read_count("--limit-upload", options_.limit_upload));
    if (!options_.limit_download.empty())
        http.download_limit = TRY(read_count("--limit-download", options_.limit_download));
    if (options_.patience_with_server) {
        constexpr std::chrono::seconds longest_connect{10};
        place.rest.retries.gives_up_after = *options_.patience_with_server;
        http.connects_within = longest_connect;
    }
    place.rest.retries.tells = [this](const Error& error, Milliseconds pause) {
        if (options_.quiet) return;
        say_on_error(fmt::format("belay: {}; again in {}\n", clean(style_, error.what), to_text(pause)));
    };
    return place;
}

Result<std::string> BackupContext::password(bool twice) const
{
    return read_password({.file = options_.password_file,
                          .command = options_.password_command,
                          .variable = password_variable_},
                         console_, twice);
}

Result<Repository> BackupContext::open_at(std::unique_ptr<backup::Backend> place,
                                          const std::function<void()>& meanwhile)
{
    const std::string secret = TRY(password(false));
    if (meanwhile) {
        catch_signals();  // before there are other threads, which would get them
        meanwhile();
    }
    Result<Repository> opened = Repository::open(std::move(place), secret, options_.key_hint);
    if (!opened && opened.error().kind == ErrorKind::not_found) fails_with(BackupExit::no_repository);
    if (!opened && opened.error().kind == ErrorKind::refused) fails_with(BackupExit::wrong_password);
    return opened;
}

Result<Repository*> BackupContext::open(std::optional<Access> access)
{
    repository_.emplace(TRY(open_at(TRY(place()))));
    if (access) TRY(lock(*access));
    return &*repository_;
}

void BackupContext::catch_signals()
{
    if (ticker_) return;
    ::signal(SIGPIPE, SIG_IGN);  // who listens may leave, as head(1) does: write_out() sees it
    ticker_ = std::make_unique<Ticker>(
        Milliseconds(100), std::initializer_list<int>{SIGINT, SIGTERM, SIGHUP}, [this] { tick(); },
        [this](int signal) { on_signal(signal); });
}

Result<void> BackupContext::begin_lock(Access access)
{
    catch_signals();
    if (options_.no_lock && access == Access::shared) return {};
    const Milliseconds patience =
        options_.retry_lock.empty() ? Milliseconds(0) : TRY(parse_span(options_.retry_lock));
    const auto until = std::chrono::steady_clock::now() + patience;
    bool is_told = false;
    for (auto pause = Milliseconds(500);; pause = std::min(pause * 2, Milliseconds(15000))) {
        // Who waits for others waits here, not in the midst of the work.
        Result<std::unique_ptr<backup::RepositoryLock>> lock =
            patience > Milliseconds(0) ? backup::RepositoryLock::take(*repository_, access)
                                       : backup::RepositoryLock::begin(*repository_, access);
        if (lock) {
            lock_ = *std::move(lock);
            return {};
        }
        const auto now = std::chrono::steady_clock::now();
        if (lock.error().kind == ErrorKind::busy && now < until) {
            if (!std::exchange(is_told, true))
                note(fmt::format("{}; waiting for it up to {}\n", clean(style_, lock.error().what),
                                 to_text(patience)));
            std::this_thread::sleep_until(std::min(now + pause, until));
            continue;
        }
        if (lock.error().kind == ErrorKind::busy) fails_with(BackupExit::locked);
        return std::unexpected(std::move(lock).error());
    }
}

Result<void> BackupContext::confirm_lock()
{
    if (!lock_) return {};
    Result<void> confirmed = lock_->confirm();
    if (!confirmed && confirmed.error().kind == ErrorKind::busy) fails_with(BackupExit::locked);
    return confirmed;
}

Result<void> BackupContext::lock(Access access)
{
    TRY(begin_lock(access));
    return confirm_lock();
}

Result<Repository*> BackupContext::open_with_index(std::optional<Access> access)
{
    TRY(open(std::nullopt));
    if (access) TRY(begin_lock(*access));
    TRY(load_index());
    TRY(confirm_lock());
    return &*repository_;
}

Result<Repository*> BackupContext::open_unconfirmed(const std::function<void()>& meanwhile)
{
    repository_.emplace(TRY(open_at(TRY(place()), meanwhile)));
    TRY(begin_lock(Access::shared));
    TRY(load_index());
    return &*repository_;
}

Result<void> BackupContext::load_index()
{
    // Which snapshots there are is asked first: of one that a backup ends with meanwhile, the index would not
    // know the blobs.
    snapshots_ = TRY(snapshots());
    return repository_->load_index([this](const backup::Id&, const Error& error) { problem(error); });
}

Result<std::vector<backup::Snapshot>> BackupContext::snapshots()
{
    if (snapshots_) return *snapshots_;
    return repository_->snapshots([this](const backup::Id&, const Error& error) { problem(error); });
}

Result<backup::Compression> BackupContext::compression() const
{
    if (options_.compression.empty() || options_.compression == "auto") return backup::Compression::automatic;
    if (options_.compression == "max") return backup::Compression::max;
    if (options_.compression == "off") return backup::Compression::off;
    return fail(ErrorKind::usage, fmt::format("\"{}\" is no level of compression", options_.compression),
                "--compression auto, max or off");
}

Result<size_t> BackupContext::pack_size() const
{
    if (options_.pack_size.empty() || options_.pack_size == "0") return size_t{16} << 20;
    const uint64_t wanted = TRY(read_count("--pack-size", options_.pack_size));
    if (wanted < 4 || wanted > 128)
        return fail(ErrorKind::usage, fmt::format("packs of {} MiB cannot be made", wanted),
                    "--pack-size 4 to 128");
    return wanted << 20;
}

void BackupContext::out(std::string_view text)
{
    if (!options_.json) write_out(text);
}

void BackupContext::note(std::string_view text)
{
    if (!options_.quiet) out(text);
}

void BackupContext::json(const Json& value)
{
    write_out(json_text(value) + '\n');
}

void BackupContext::error_line(const Json& value)
{
    say_on_error(json_text(value) + '\n');
}

void BackupContext::say_on_error(std::string_view text)
{
    const std::lock_guard lock(mutex_);
    if (watcher_.clear) watcher_.clear();
    console_.err(text);
}

void BackupContext::problem(const Error& error)
{
    ++problems_;
    std::string text = fmt::format("belay: {}\n", clean(style_, error.what));
    if (!error.next.empty()) text += fmt::format("  next: {}\n", clean(style_, error.next));
    say_on_error(text);
}

void BackupContext::watch(Watcher watcher)
{
    const std::lock_guard lock(mutex_);
    watcher_ = std::move(watcher);
}

const std::atomic<bool>& BackupContext::given_up()
{
    ends_orderly_ = true;
    return given_up_;
}

void BackupContext::fails_with(BackupExit code)
{
    exit_of_failure_ = code;
    if (command_ != nullptr) command_->fails_with(code);
}

void BackupContext::tick()
{
    if (signal_end_ && signal_end_->at_once_at &&
        std::chrono::steady_clock::now() >= *signal_end_->at_once_at)
        end_at_once(static_cast<int>(signal_end_->code));
    const std::lock_guard lock(mutex_);
    if (watcher_.tick) watcher_.tick();
}

void BackupContext::is_ended_by_signals(BackupExit code, Milliseconds grace)
{
    signal_end_ = {code, grace};
    ends_orderly_ = true;
    catch_signals();
}

bool BackupContext::leaves_signals()
{
    ticker_.reset();
    return given_up_;
}

void BackupContext::on_signal(int signal)
{
    if (ends_orderly_ && !given_up_.exchange(true)) {
        if (signal_end_) {
            signal_end_->at_once_at = std::chrono::steady_clock::now() + signal_end_->grace;
            return;
        }
        const std::lock_guard lock(mutex_);
        if (watcher_.clear) watcher_.clear();
        console_.err("belay: ending in order; once more: at once\n");
        return;
    }
    {
        const std::lock_guard lock(mutex_);
        if (watcher_.leave) watcher_.leave();
    }
    end_at_once(128 + signal);
}

void BackupContext::end_at_once(int code)
{
    lock_.reset();
    if (repository_) static_cast<void>(backup::remove_own_locks(*repository_));
    ::_exit(code);
}

void BackupContext::write_out(std::string_view text)
{
    const std::lock_guard lock(mutex_);
    if (watcher_.clear) watcher_.clear();
    console_.out(text);
    if (console_.failed() && ticker_) end_at_once(static_cast<int>(BackupExit::failed));
}

int BackupContext::exit_code_of(const Error&) const
{
    if (given_up_) return static_cast<int>(BackupExit::interrupted);
    return static_cast<int>(exit_of_failure_.load().value_or(BackupExit::failed));
}

Result<uint64_t> read_count(const char* option, std::string_view text)
{
    uint64_t count = 0;
    const char* begin = text.data();
    const char* end = begin + text.size();
    const auto [stopped, problem] = std::from_chars(begin, end, count);
    if (problem != std::errc() || stopped != end || text.empty())
        return fail(ErrorKind::usage, fmt::format("{}: \"{}\" is not a whole number", option, text),
                    "belay backup --help");
    return count;
}

Result<uint64_t> read_size(const char* option, std::string_view text)
{
    const Result<Bytes> size = parse_bytes(text);
    if (!size)
        return fail(ErrorKind::usage, fmt::format("{}: {}", option, size.error().what),
                    "write it as 500k, 10M or 2G");
    return size->count;
}

std::vector<std::vector<std::string>> tag_lists(const std::vector<std::string>& said)
{
    std::vector<std::vector<std::string>> lists;
    for (const std::string& text : said) {
        std::vector<std::string>& list = lists.emplace_back();
        for (size_t at = 0; at <= text.size();) {
            const size_t end = std::min(text.find(',', at), text.size());
            list.push_back(text.substr(at, end - at));
            at = end + 1;
        }
    }
    return lists;
}

void FilterOptions::declare(OptionTable& options, bool with_short)
{
    options.values(with_short ? "-H,--host" : "--host", hosts, "HOST",
                   "snapshots of this host alone; may be repeated");
    options.values("--tag", tags, "TAG,...", "snapshots with all these tags; may be repeated: or with those");
    options.values("--path", paths, "PATH", "snapshots of this path alone; may be repeated: and of that");
}

Result<backup::SnapshotFilter> FilterOptions::filter() const
{
    backup::SnapshotFilter filter{.hosts = hosts, .tags = tag_lists(tags)};
    for (const std::string& path : paths) {
        std::error_code problem;
        filter.paths.push_back(std::filesystem::absolute(path, problem).lexically_normal().string());
        if (problem) return fail(ErrorKind::usage, fmt::format("--path: {} leads nowhere from here", path));
    }
    return filter;
}

}  // namespace belay::cli
