#include "backup/maintenance/keys.h"

#include "backup/repository/this_process.h"

#include <algorithm>

namespace belay::backup {

Result<std::vector<KeyEntry>> list_keys(const Repository& repository,
                                        const std::function<void(const Id&, const Error&)>& problem)
{
    std::vector<KeyEntry> keys;
    for (const ListedFile& listed : TRY(repository.backend().list(FileKind::key))) {
        const Result<std::string> text = repository.load_text({FileKind::key, listed.id});
        if (!text && text.error().kind == ErrorKind::not_found) continue;  // removed meanwhile
        if (!text && text.error().kind != ErrorKind::corrupt) return std::unexpected(text.error());
        const Result<KeyFile> file = text ? KeyFile::from_text(*text) : std::unexpected(text.error());
        if (!file) {
            problem(listed.id, file.error());
            continue;
        }
        keys.push_back(
            {listed.id, file->created, file->username, file->hostname, listed.id == repository.key_id()});
    }
    std::ranges::stable_sort(keys, {}, &KeyEntry::created);
    return keys;
}

Result<Id> add_key(const Repository& repository, const NewKey& key)
{
    if (key.password.empty())
        return fail(ErrorKind::usage, "an empty password protects nothing",
                    "give one, as with --new-password-file");
    KeyFile file = TRY(KeyFile::make(repository.key(), key.password, key.cost));
    file.created = Timestamp::now().text();
    file.username = key.username.empty() ? user_name() : key.username;
    file.hostname = key.hostname.empty() ? host_name() : key.hostname;
    const Id id = TRY(repository.save_text(FileKind::key, file.to_text()));
    const std::string text = TRY(repository.load_text({FileKind::key, id}));
    const KeyFile stored = TRY(KeyFile::from_text(text));
    TRY(stored.unlock(key.password));
    return id;
}

Result<void> remove_key(const Repository& repository, const Id& key)
{
    if (key == repository.key_id())
        return fail(ErrorKind::refused,
                    fmt::format("the key {} has opened the repository and stays", key.short_hex()),
                    "open it with another key's password to remove this one");
    // Asked for, because to remove one that is not there is no error.
    TRY(repository.backend().size({FileKind::key, key}));
    return repository.backend().remove({FileKind::key, key});
}

Result<Id> change_password(const Repository& repository, const NewKey& key)
{
    const Id added = TRY(add_key(repository, key));
    const Result<void> removed = repository.backend().remove({FileKind::key, repository.key_id()});
    if (!removed)
        return fail(removed.error().kind,
                    fmt::format("the new password opens the repository, and so does the old one still: {}",
                                removed.error().what),
                    fmt::format("belay backup key remove {}", repository.key_id().short_hex()));
    return added;
}

}  // namespace belay::backup
