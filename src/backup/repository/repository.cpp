#include "backup/repository/repository.h"

#include "backup/repository/sealed_text.h"
#include "backup/repository/this_process.h"
#include "backup/repository/timestamp.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <unordered_map>

namespace belay::backup {
namespace {

/// As restic: more would keep a person waiting who has mistyped the password.
constexpr size_t most_keys_tried = 20;
/// Each holds an index file, of 8 MiB usually.
constexpr size_t most_readers = 4;

struct Unlocked {
    MasterKey master;
    Id id;
};

Result<Unlocked> unlock(Backend& backend, std::string_view password, std::string_view key_hint)
{
    std::vector<ListedFile> keys = TRY(backend.list(FileKind::key));
    if (!key_hint.empty())
        std::ranges::stable_partition(
            keys, [&](const ListedFile& listed) { return listed.id.hex().starts_with(key_hint); });
    std::optional<Error> damaged;
    std::optional<Unlocked> misnamed;
    size_t tried = 0;
    for (const ListedFile& listed : keys) {
        if (++tried > most_keys_tried) break;
        const Result<std::string> text = backend.load({FileKind::key, listed.id});
        if (!text && text.error().kind == ErrorKind::not_found) continue;  // removed meanwhile
        const std::string content = TRY(text);
        const Result<KeyFile> file = KeyFile::from_text(content);
        if (!file) {
            damaged = file.error();
            continue;
        }
        const Result<MasterKey> master = file->unlock(password);
        if (master && Id::of(content) == listed.id) return Unlocked{*master, listed.id};
        // It does, but a check finds it damaged, and it shall be possible to remove it.
        if (master && !misnamed) misnamed = Unlocked{*master, listed.id};
        if (!master && master.error().kind != ErrorKind::permission) damaged = master.error();
    }
    if (misnamed) return *misnamed;
    if (keys.empty())
        return fail(ErrorKind::corrupt, fmt::format("the repository in {} has no key", backend.location()),
                    "put the files of its folder keys back from a copy");
    if (damaged && keys.size() == 1) return std::unexpected(*damaged);
    return fail(ErrorKind::refused,
                fmt::format("the password opens none of the {} keys of the repository in {}", keys.size(),
                            backend.location()),
                "give the right one, as with --password-file");
}

}  // namespace

Result<Repository> Repository::create(std::unique_ptr<Backend> backend, std::string_view password,
                                      const NewRepository& wanted)
{
    if (password.empty())
        return fail(ErrorKind::usage, "an empty password protects nothing",
                    "give one, as with --password-file");
    Config config = TRY(Config::make(wanted.version));
    if (wanted.polynomial) config.polynomial = *wanted.polynomial;
    TRY(backend->create());
    const MasterKey master = TRY(MasterKey::make());
    KeyFile file = TRY(KeyFile::make(master, password, wanted.cost));
    file.created = Timestamp::now().text();
    file.hostname = host_name();
    file.username = user_name();
    const std::string text = file.to_text();
    const Id key_id = Id::of(text);
    TRY(backend->save({FileKind::key, key_id}, text));
    const std::string sealed = TRY(seal_text(master, config.to_text(), false));
    TRY(backend->save({FileKind::config, {}}, sealed));
    return Repository(std::move(backend), config, master, key_id);
}

Result<Repository> Repository::open(std::unique_ptr<Backend> backend, std::string_view password,
                                    std::string_view key_hint)
{
    const Result<std::string> sealed = backend->load({FileKind::config, {}});
    if (!sealed && sealed.error().kind == ErrorKind::not_found)
        return fail(ErrorKind::not_found, fmt::format("there is no repository in {}", backend->location()),
                    "belay backup init makes one");
    const std::string config_bytes = TRY(sealed);
    const Unlocked unlocked = TRY(unlock(*backend, password, key_hint));
    const std::string text = TRY(open_text(unlocked.master, config_bytes));
    const Config config = TRY(Config::from_text(text));
    return Repository(std::move(backend), config, unlocked.master, unlocked.id);
}

Result<std::string> Repository::load_text(const FileName& name) const
{
    std::string bytes = TRY(backend_->load(name));
    if (name.kind != FileKind::config && Id::of(bytes) != name.id)
        return fail(ErrorKind::corrupt,
                    fmt::format("{} is damaged: its digest is not its name", name.text()));
    if (name.kind == FileKind::key) return bytes;
    Result<std::string> text = open_text(key_, bytes);
    if (!text) return fail(ErrorKind::corrupt, fmt::format("{}: {}", name.text(), text.error().what));
    return text;
}

Result<Id> Repository::save_text(FileKind kind, std::string_view text) const
{
    const bool compressed = config_.version >= 2 && kind != FileKind::config;
    const std::string bytes =
        kind == FileKind::key ? std::string(text) : TRY(seal_text(key_, text, compressed));
    const Id id = Id::of(bytes);
    TRY(backend_->save({kind, id}, bytes));
    return id;
}

Result<void> Repository::load_index(const std::function<void(const Id&, const Error&)>& problem)
{
    index_files_.clear();
    return load_newer_index(problem);
}

Result<void> Repository::load_newer_index(const std::function<void(const Id&, const Error&)>& problem)
{
    std::vector<Id> before = std::exchange(index_files_, ids_of(TRY(backend_->list(FileKind::index))));
    std::vector<Id> files;
    std::ranges::set_difference(index_files_, before, std::back_inserter(files));
    std::mutex mutex;  // of the table, of `problem` and `ended`
    std::optional<Error> ended;
    const auto one_problem = [&](const Id& id, const Error& error) {
        const std::lock_guard lock(mutex);
        problem(id, error);
    };
    std::atomic<size_t> next = 0;
    const auto read_some = [&] {
        for (size_t at = next++; at < files.size(); at = next++) {
            const Id& id = files[at];
            const Result<std::string> text = load_text({FileKind::index, id});
            if (text) {
                load_index_file(*text, mutex, [&](const Error& error) { one_problem(id, error); });
                continue;
            }
            const ErrorKind kind = text.error().kind;
            if (kind == ErrorKind::corrupt || kind == ErrorKind::not_found) {
                one_problem(id, text.error());
                continue;
            }
            const std::lock_guard lock(mutex);
            ended = text.error();
            next = files.size();
        }
    };
    {
        std::vector<std::jthread> others;
        const size_t readers =
            std::min({files.size(), most_readers, size_t{std::thread::hardware_concurrency()}});
        while (others.size() + 1 < readers) others.emplace_back(read_some);
        read_some();
    }
    if (!ended) return {};
    index_files_ = std::move(before);
    return std::unexpected(*std::move(ended));
}

void Repository::load_index_file(const std::string& text, std::mutex& mutex,
                                 const std::function<void(const Error&)>& problem)
{
    std::optional<Id> crowded;
    const Result<void> read = read_index(text, [&](const IndexedPack& pack) {
        const std::lock_guard lock(mutex);
        for (const PackedBlob& blob : pack.blobs)
            if (!blobs_.add(pack.id, blob)) crowded = blob.id;
    });
    if (!read) problem(read.error());
    if (crowded)
        problem(
            {ErrorKind::corrupt, fmt::format("an index is damaged: the blob {} lies in more than {} places",
                                             crowded->short_hex(), BlobTable::most_places)});
}

Result<std::vector<Snapshot>> Repository::snapshots(
    const std::function<void(const Id&, const Error&)>& problem, std::span<const Snapshot> known) const
{
    std::unordered_map<Id, const Snapshot*, IdHash> known_by_id;
    for (const Snapshot& snapshot : known) known_by_id.emplace(snapshot.id, &snapshot);
    std::vector<Snapshot> all;
    for (const ListedFile& listed : TRY(backend_->list(FileKind::snapshot))) {
        if (const auto found = known_by_id.find(listed.id); found != known_by_id.end()) {
            all.push_back(*found->second);
            continue;
        }
        const Result<std::string> text = load_text({FileKind::snapshot, listed.id});
        if (!text && text.error().kind == ErrorKind::not_found) continue;  // forgotten meanwhile
        if (!text && text.error().kind != ErrorKind::corrupt) return std::unexpected(text.error());
        Result<Snapshot> snapshot = text ? Snapshot::from_text(*text) : std::unexpected(text.error());
        if (!snapshot) {
            problem(listed.id, snapshot.error());
            continue;
        }
        snapshot->id = listed.id;
        all.push_back(*std::move(snapshot));
    }
    std::ranges::sort(all, [](const Snapshot& a, const Snapshot& b) { return a.time < b.time; });
    return all;
}

Result<SealedBlob> Repository::seal_blob(BlobType type, const Id& id, std::string_view content,
                                         Compression level) const
{
    SealedBlob blob{id, type, {}, 0};
    const bool compressed = config_.version >= 2 && (level != Compression::off || type == BlobType::tree);
    if (!compressed) {
        TRY(seal_onto(key_, content, blob.bytes));
        return blob;
    }
    blob.bytes.assign(seal_front, '\0');
    compress_onto(content, level, blob.bytes);
    TRY(seal_in_place(key_, blob.bytes));
    blob.plain_size = static_cast<uint32_t>(content.size());
    return blob;
}

Result<std::string> Repository::load_blob(BlobType type, const Id& id) const
{
    std::optional<Error> problem;
    for (const StoredBlob& place : blobs_.find_all(type, id)) {
        const Result<std::string> bytes =
            backend_->load({FileKind::pack, place.pack}, place.blob.offset, place.blob.length);
        Result<std::string> content =
            bytes ? open_blob(key_, place.blob, *bytes) : std::unexpected(bytes.error());
        if (content) return content;
        problem = content.error();
        problem->what = fmt::format("pack {}: {}", place.pack.short_hex(), problem->what);
    }
    if (problem) return std::unexpected(*problem);
    return fail(ErrorKind::not_found,
                fmt::format("no index knows the {} blob {}", name_of(type), id.short_hex()));
}

}  // namespace belay::backup
