#include "framework/configuration/key_actions.h"

#include "framework/configuration/author.h"
#include "framework/configuration/merge.h"

namespace belay::framework::configuration {
namespace {

using operation::Act;
using operation::Action;
using operation::Inspection;
using Found = Inspection::Found;
using Is = Register::Progress::Is;

class MakeNewKey final : public Action {
  public:
    explicit MakeNewKey(Site site) : site_(std::move(site)) {}

    Result<Inspection> inspect(host::Host&, const Json& arguments) const override
    {
        const Result<KeyRing> keys = KeyRing::read(site_.key_file, site_.share_keys);
        if (!keys) return std::unexpected(keys.error());
        return Inspection{keys->mark() == arguments.value("had", "") ? Found::absent : Found::done};
    }
    Result<void> apply(host::Host&, const Json& arguments) const override
    {
        Result<KeyRing> keys = KeyRing::read(site_.key_file, site_.share_keys);
        if (!keys) return std::unexpected(keys.error());
        if (keys->mark() != arguments.value("had", "")) return {};
        return keys->add_key();
    }
    Result<std::string> remains(host::Host& host, const Json& arguments, const Json&) const override
    {
        const Inspection found = TRY(inspect(host, arguments));
        return std::string(found.found == Found::done ? "the new key seals" : "");
    }
    Result<void> revert(host::Host&, const Json& arguments, const Json&) const override
    {
        Result<KeyRing> keys = KeyRing::read(site_.key_file, site_.share_keys);
        if (!keys) return std::unexpected(keys.error());
        return keys->prefer(arguments.value("had", ""));
    }

  private:
    const Site site_;
};

/// The object with all of its secrets sealed by the key that seals now; null where they are already.
Result<ObjectPointer> sealed_anew(const Object& object, const KeyRing& keys)
{
    Object fresh = object;
    Result<void> opened;
    for_each_secret(fresh.attributes, *schema_of(object.type), [&](std::string& sealed) {
        if (!opened || keys.is_current(sealed)) return;
        const Result<Secret> plain = keys.unseal(sealed);
        if (plain)
            sealed = keys.seal(plain->view());
        else
            opened = std::unexpected(plain.error());
    });
    if (!opened) {
        Error error = opened.error();
        error.what = fmt::format("{}: {}", title_of(object), error.what);
        return std::unexpected(std::move(error));
    }
    if (fresh == object) return ObjectPointer();
    return std::make_shared<const Object>(std::move(fresh));
}

Result<Delta> resealing(const Configuration& configuration, const KeyRing& keys)
{
    Delta delta;
    for (const auto& [id, object] : configuration.objects()) {
        const ObjectPointer fresh = TRY(sealed_anew(*object, keys));
        if (fresh) delta.objects.push_back({object, fresh});
    }
    return delta;
}

class SealAnew final : public Action {
  public:
    explicit SealAnew(Site site) : site_(std::move(site)) {}

    Result<Inspection> inspect(host::Host&, const Json& arguments) const override
    {
        const Register::Progress progress = TRY(site_.configuration.progress_of(arguments.value("key", "")));
        if (progress.is == Is::placing) return Inspection{Found::partial};
        if (progress.is == Is::made || progress.is == Is::confirmed) return Inspection{Found::done};
        const Delta delta = TRY(left_to_do());
        return Inspection{delta.empty() ? Found::done : Found::absent};
    }
    Result<void> apply(host::Host& host, const Json& arguments) const override
    {
        const std::string key = arguments.value("key", "");
        const Author author = TRY(author_of(site_.store, host, arguments));
        const Register::Progress progress = TRY(site_.configuration.progress_of(key));
        Delta delta = TRY(left_to_do());
        // Half done: what was made is finished, and nothing is sealed twice.
        if (progress.is == Is::placing) {
            const HistoryEntry made = TRY(read_history(site_.store, progress.version));
            delta = made.delta;
        }
        if (delta.empty()) return {};
        TRY(site_.configuration.make(delta, key, author, Confirmation::later));
        return {};
    }
    Result<std::string> remains(host::Host&, const Json& arguments, const Json&) const override
    {
        const Register::Progress progress = TRY(site_.configuration.progress_of(arguments.value("key", "")));
        if (progress.is == Is::not_made || progress.is == Is::taken_back) return std::string();
        return fmt::format("version {} of the configuration", progress.version);
    }
    Result<void> revert(host::Host& host, const Json& arguments, const Json&) const override
    {
        const Author author = TRY(author_of(site_.store, host, arguments));
        return site_.configuration.take_back(arguments.value("key", ""), author);
    }

  private:
    Result<Delta> left_to_do() const
    {
        const Result<KeyRing> keys = KeyRing::read(site_.key_file, site_.share_keys);
        if (!keys) return std::unexpected(keys.error());
        const Snapshot snapshot = TRY(site_.configuration.snapshot());
        return resealing(*snapshot.configuration, *keys);
    }

    const Site site_;
};

class DropOldKeys final : public Action {
  public:
    explicit DropOldKeys(Site site) : site_(std::move(site)) {}

    Result<Inspection> inspect(host::Host&, const Json&) const override
    {
        const Result<KeyRing> keys = KeyRing::read(site_.key_file, site_.share_keys);
        if (!keys) return std::unexpected(keys.error());
        return Inspection{keys->size() == 1 ? Found::done : Found::absent};
    }
    Result<void> apply(host::Host&, const Json&) const override
    {
        Result<KeyRing> keys = KeyRing::read(site_.key_file, site_.share_keys);
        if (!keys) return std::unexpected(keys.error());
        const Snapshot snapshot = TRY(site_.configuration.snapshot());
        const Delta delta = TRY(resealing(*snapshot.configuration, *keys));
        if (!delta.empty()) return needed(*delta.objects.front().before, "");
        const std::map<std::string, Version> pending = TRY(read_pending(site_.store));
        for (const auto& [key, version] : pending) {
            const Result<HistoryEntry> entry = read_history(site_.store, version);
            if (!entry) return std::unexpected(entry.error());
            for (const ObjectDelta& one : entry->delta.objects) {
                const bool needs = one.before && TRY(sealed_anew(*one.before, *keys)) != nullptr;
                if (needs) return needed(*one.before, entry->author.operation);
            }
        }
        return keys->keep_only(keys->mark());
    }
    Result<std::string> remains(host::Host&, const Json&, const Json&) const override
    {
        return std::string();
    }
    Result<void> revert(host::Host&, const Json&, const Json&) const override { return {}; }

  private:
    static Result<void> needed(const Object& object, const std::string& operation)
    {
        if (operation.empty())
            return fail(ErrorKind::refused,
                        fmt::format("an old key still opens a secret of {}", title_of(object)));
        return fail(ErrorKind::refused,
                    fmt::format("an old key still opens a secret of {} that operation {} may bring back",
                                title_of(object), operation),
                    fmt::format("belay commit {}", operation));
    }

    const Site site_;
};

}  // namespace

bool open_all(const KeyRing& keys, const Configuration& configuration)
{
    bool all = true;
    for (const auto& [id, object] : configuration.objects()) {
        Json attributes = object->attributes;
        for_each_secret(attributes, *schema_of(object->type),
                        [&](const std::string& sealed) { all = all && keys.unseal(sealed).has_value(); });
    }
    return all;
}

void fill_keys(operation::Catalogue& catalogue, const Site& site)
{
    catalogue.add("config.new-key", std::make_unique<MakeNewKey>(site));
    catalogue.add("config.seal-anew", std::make_unique<SealAnew>(site));
    catalogue.add("config.drop-old-keys", std::make_unique<DropOldKeys>(site));
}

Act make_new_key(const std::string& had)
{
    return {.action = "config.new-key", .arguments = {{"had", had}}, .commands = {}};
}

Act seal_anew(const std::string& key, const std::string& lock)
{
    return {.action = "config.seal-anew", .arguments = {{"key", key}, {"lock", lock}}, .commands = {}};
}

Act drop_old_keys()
{
    return {.action = "config.drop-old-keys", .arguments = Json::object(), .commands = {}};
}

}  // namespace belay::framework::configuration
