#include "framework/configuration/actions.h"

#include "base/digest.h"
#include "framework/configuration/author.h"
#include "framework/configuration/merge.h"

#include <algorithm>

namespace belay::framework::configuration {
namespace {

using operation::Act;
using operation::Action;
using operation::Catalogue;
using operation::Finding;
using operation::Fingerprint;
using operation::Inspection;
using operation::Verdict;
using Found = Inspection::Found;
using Is = Register::Progress::Is;

constexpr size_t most_locks = 60;  // of the 128 writes of a transaction
constexpr size_t most_lines = 200;

std::string key_in(const Json& arguments)
{
    return arguments.value("key", "");
}

/// What was sealed when the plan was made must still open: a key may have been dropped since.
Result<void> secrets_open(const Delta& delta, const KeyRing& keys)
{
    for (const ObjectDelta& one : delta.objects) {
        if (!one.after) continue;
        Result<void> opened;
        Json attributes = one.after->attributes;
        for_each_secret(attributes, *schema_of(one.after->type), [&](std::string& sealed) {
            const Result<Secret> plain = keys.unseal(sealed);
            if (!plain && opened) opened = std::unexpected(plain.error());
        });
        if (opened) continue;
        Error error = opened.error();
        error.what = fmt::format("{}: {}", title_of(*one.after), error.what);
        return std::unexpected(std::move(error));
    }
    return {};
}

class WriteChange final : public Action {
  public:
    explicit WriteChange(Site site) : site_(std::move(site)) {}

    Result<Inspection> inspect(host::Host&, const Json& arguments) const override
    {
        const Register::Progress progress = TRY(site_.configuration.progress_of(key_in(arguments)));
        const std::string version = fmt::format("version {} of the configuration", progress.version);
        switch (progress.is) {
            case Is::not_made:
                return Inspection{};
            case Is::taken_back:
                return Inspection{.found = Found::absent, .detail = "taken back by " + version};
            case Is::placing:
                return Inspection{.found = Found::partial, .detail = version};
            case Is::made:
            case Is::confirmed:
                return Inspection{.found = Found::done, .detail = version};
        }
        return Inspection{};
    }

    /// What was is in the change itself, object by object; the version is for people.
    Result<Json> remember(host::Host&, const Json&) const override
    {
        const Head head = TRY(read_head(site_.store));
        return Json{{"version", head.version}};
    }

    Result<void> apply(host::Host& host, const Json& arguments) const override
    {
        const Delta delta = TRY(unpack(arguments));
        const Author author = TRY(author_of(site_.store, host, arguments));
        TRY(with_keys(delta));
        TRY(site_.configuration.make(delta, key_in(arguments), author, Confirmation::later));
        return {};
    }

    Result<std::string> remains(host::Host&, const Json& arguments, const Json&) const override
    {
        const Register::Progress progress = TRY(site_.configuration.progress_of(key_in(arguments)));
        if (progress.is == Is::not_made || progress.is == Is::taken_back) return std::string();
        return fmt::format("version {} of the configuration", progress.version);
    }

    Result<void> revert(host::Host& host, const Json& arguments, const Json&) const override
    {
        const Author author = TRY(author_of(site_.store, host, arguments));
        return site_.configuration.take_back(key_in(arguments), author);
    }

  private:
    /// A site without a secret needs no key.
    Result<void> with_keys(const Delta& delta) const
    {
        const Result<KeyRing> keys = KeyRing::read(site_.key_file, site_.share_keys);
        if (keys) return secrets_open(delta, *keys);
        if (keys.error().kind == ErrorKind::not_found) return {};
        return std::unexpected(keys.error());
    }

    const Site site_;
};

class ConfirmChange final : public Action {
  public:
    explicit ConfirmChange(Site site) : site_(std::move(site)) {}

    Result<Inspection> inspect(host::Host&, const Json& arguments) const override
    {
        const Register::Progress progress = TRY(site_.configuration.progress_of(key_in(arguments)));
        // Where nothing was to be written there is nothing to confirm.
        const bool is_settled = progress.is == Is::confirmed || progress.is == Is::not_made;
        return Inspection{is_settled ? Found::done : Found::absent};
    }
    Result<void> apply(host::Host&, const Json& arguments) const override
    {
        return site_.configuration.confirm(key_in(arguments));
    }
    Result<std::string> remains(host::Host&, const Json&, const Json&) const override
    {
        return std::string();
    }
    Result<void> revert(host::Host&, const Json&, const Json&) const override { return {}; }

  private:
    const Site site_;
};

std::set<Id> ids_in(const Json& arguments)
{
    const Json ids = arguments.value("ids", Json::array());
    std::set<Id> result;
    for (const Json& id : ids) {
        if (id.is_number_integer()) result.insert(id.get<Id>());
    }
    return result;
}

Result<Finding> ask_unchanged(const Site& site, const Json& arguments)
{
    const Version since = arguments.value("since", Version{0});
    const std::vector<std::string> changes = TRY(site.configuration.changes_since(since, ids_in(arguments)));
    const std::string wanted = fmt::format("nobody has changed them since version {}", since);
    if (changes.empty()) return Finding{Verdict::pass, "nobody has changed them", wanted};
    return Finding{Verdict::fail, changes.front(), wanted, "look at what is there now, and plan again"};
}

std::string digest_of(const Object* object)
{
    return object == nullptr ? "(none)" : sha256(json_text(body_of(*object)));
}

Result<Fingerprint> fingerprint_of(const Site& site, const Json& arguments)
{
    const Snapshot snapshot = TRY(site.configuration.snapshot());
    const Configuration& configuration = *snapshot.configuration;
    Fingerprint lines;
    for (const Id id : ids_in(arguments)) {
        const Object* object = configuration.find(id);
        lines[fmt::format("object {}", id)] = digest_of(object);
    }
    const Json names = arguments.value("names", Json::array());
    for (const Json& name : names) {
        const std::string type = name.value("type", ""), called = name.value("name", "");
        lines[title_of(type, called)] = digest_of(configuration.find(type, called));
    }
    if (lines.size() <= most_lines) return lines;
    std::string all;
    for (const auto& [name, digest] : lines) all += name + digest + '\n';
    return Fingerprint{{fmt::format("{} objects of the configuration", lines.size()), sha256(all)}};
}

}  // namespace

void fill(Catalogue& catalogue, const Site& site)
{
    catalogue.add("config.write", std::make_unique<WriteChange>(site));
    catalogue.add("config.confirm", std::make_unique<ConfirmChange>(site));
    catalogue.add_condition("config.unchanged", [site](host::Host&, const Json& arguments) {
        return ask_unchanged(site, arguments);
    });
    catalogue.add_fingerprint("config.objects", [site](host::Host&, const Json& arguments) {
        return fingerprint_of(site, arguments);
    });
}

Result<Act> write_change(const Delta& delta, const std::string& key, const std::string& lock,
                         std::vector<std::string> lines)
{
    Json arguments = TRY(pack(delta));
    arguments["key"] = key;
    arguments["lock"] = lock;
    return Act{.action = "config.write", .arguments = std::move(arguments), .commands = std::move(lines)};
}

Act confirm_change(const std::string& key)
{
    return {.action = "config.confirm", .arguments = {{"key", key}}, .commands = {}};
}

operation::Question is_unchanged(Version since, const std::set<Id>& ids)
{
    return {"config.unchanged", {{"since", since}, {"ids", ids}}};
}

operation::Question objects_of(const Delta& delta)
{
    std::set<Id> ids;
    Json names = Json::array();
    for (const ObjectDelta& one : delta.objects) {
        if (one.before)
            ids.insert(one.id());
        else
            names.push_back({{"type", one.after->type}, {"name", one.after->name}});
    }
    return {"config.objects", {{"ids", ids}, {"names", std::move(names)}}};
}

std::vector<std::string> locks_of(const Delta& delta)
{
    if (delta.objects.size() > most_locks) return {"config:many"};
    std::vector<std::string> locks;
    for (const ObjectDelta& one : delta.objects) {
        const Object& object = one.object();
        const std::string which = object.id > 0 ? fmt::format("{}", object.id) : "=" + object.name;
        locks.push_back(fmt::format("config:{}/{}", object.type, which));
    }
    std::ranges::sort(locks);
    return locks;
}

}  // namespace belay::framework::configuration
