#include "backup/maintenance/keys.h"
#include "cli/backup/command.h"
#include "cli/backup/password.h"

#include <algorithm>

namespace belay::cli {
namespace {

using backup::Id;
using backup::KeyEntry;

class KeyCommand final : public BackupCommand {
  public:
    void declare(OptionTable& options) override
    {
        options.value("--new-password-file", new_file_, "FILE", "a file that holds the new password");
        options.value("--new-password-command", new_command_, "COMMAND", "a program that prints it");
        options.value("--host", host_, "HOST", "the host that is noted with a new key");
        options.value("--user", user_, "USER", "the user that is noted with it");
        options.words("action", words_, "list, add, passwd, or remove and the beginning of an id");
    }

    Result<int> run(BackupContext& context) override
    {
        const std::string action = words_.empty() ? "" : words_.front();
        const bool known = action == "list" || action == "add" || action == "passwd" || action == "remove";
        if (!known || words_.size() != (action == "remove" ? 2 : 1))
            return fail(ErrorKind::usage, "key does one of: list, add, passwd, remove ID",
                        "belay backup key list");
        backup::Repository* repository = TRY(context.open(std::nullopt));
        // A person types the new password before anybody is kept waiting by a lock.
        std::string password;
        if (action == "add" || action == "passwd")
            password =
                TRY(read_password({.file = new_file_, .command = new_command_, .what = "the new password"},
                                  context.console(), true));
        TRY(context.lock(action == "list" || action == "add" ? backup::Access::shared
                                                             : backup::Access::exclusive));
        if (action == "list") return list(context, *repository);
        if (action == "remove") return remove(context, *repository);
        const backup::NewKey key{.password = password, .username = user_, .hostname = host_};
        const Id id = TRY(action == "add" ? add_key(*repository, key) : change_password(*repository, key));
        if (context.options().json) context.json({{"message_type", "key"}, {"id", id.hex()}});
        context.note(action == "add"
                         ? fmt::format("added the key {}\n", id.short_hex())
                         : fmt::format("changed the password: the key is {} now\n", id.short_hex()));
        return 0;
    }

  private:
    static Result<int> list(BackupContext& context, const backup::Repository& repository)
    {
        const std::vector<KeyEntry> keys =
            TRY(list_keys(repository, [&](const Id&, const Error& error) { context.problem(error); }));
        if (context.options().json) {
            Json all = Json::array();
            for (const KeyEntry& key : keys)
                all.push_back({{"current", key.is_current},
                               {"id", key.id.short_hex()},
                               {"userName", key.username},
                               {"hostName", key.hostname},
                               {"created", key.created}});
            context.json(all);
        }
        const Style& style = context.style();
        std::vector<std::vector<std::string>> rows{{"", "ID", "User", "Host", "Created"}};
        for (const KeyEntry& key : keys)
            rows.push_back({key.is_current ? "*" : " ", key.id.short_hex(), clean(style, key.username),
                            clean(style, key.hostname), clean(style, key.created)});
        context.out(table(style, rows, 0));
        return context.problems() == 0 ? 0 : static_cast<int>(BackupExit::failed);
    }

    Result<int> remove(BackupContext& context, const backup::Repository& repository) const
    {
        const std::vector<KeyEntry> keys =
            TRY(list_keys(repository, [&](const Id&, const Error& error) { context.problem(error); }));
        const auto is_meant = [&](const KeyEntry& key) { return key.id.hex().starts_with(words_.back()); };
        const auto found = std::ranges::find_if(keys, is_meant);
        if (found == keys.end())
            return fail(ErrorKind::not_found, fmt::format("there is no key {}", words_.back()),
                        "belay backup key list");
        if (std::ranges::count_if(keys, is_meant) > 1)
            return fail(ErrorKind::usage, fmt::format("the ids of several keys begin with {}", words_.back()),
                        "write more of it: belay backup key list");
        TRY(remove_key(repository, found->id));
        context.note(fmt::format("removed the key {}\n", found->id.short_hex()));
        return 0;
    }

    std::string new_file_, new_command_, host_, user_;
    std::vector<std::string> words_;
};

}  // namespace

std::unique_ptr<BackupCommand> make_key_command()
{
    return std::make_unique<KeyCommand>();
}

}  // namespace belay::cli
