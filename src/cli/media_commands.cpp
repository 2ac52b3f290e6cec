#include "cli/media_commands.h"

#include "cli/backup/password.h"
#include "cli/fields.h"
#include "host/files.h"
#include "site/client.h"
#include "site/identity/secret.h"
#include "site/media/account_book.h"
#include "site/media/request_path.h"
#include "site/media/state_files.h"

#include <algorithm>
#include <filesystem>

namespace belay::cli {
namespace {

using media::Access;
using media::AccountBook;

constexpr size_t generated_bytes = 24;
constexpr Bytes largest_htpasswd{16 << 20};

/// One run of such a command.
class MediaCommand {
  public:
    MediaCommand(const Invocation& asked, Console& console, const Style& style)
        : asked_(asked),
          console_(console),
          style_(style),
          state_(asked.media_state.empty() ? media::default_state_folder : asked.media_state),
          book_(media::account_book_in(state_))
    {
    }

    Result<int> status();
    Result<int> add();
    Result<int> list();
    Result<int> set_password();
    Result<int> change_access();
    Result<int> set_disabled();
    Result<int> remove();
    Result<int> quota();
    Result<int> import();
    Result<int> write_htpasswd();
    Result<int> certificate();

  private:
    /// The name of the account or space that the command is about.
    Result<std::string> wanted(const std::string& word, const char* what) const
    {
        if (word.empty())
            return fail(ErrorKind::usage, fmt::format("which {}? none was named", what),
                        "belay media --help");
        return word;
    }
    Result<std::string> new_password(const std::string& account)
    {
        if (asked_.generate) return site::as_text(site::new_secret(generated_bytes));
        const std::string what = fmt::format("the password of {}", account);
        return read_password({.file = asked_.password_file, .command = {}, .what = what.c_str()}, console_,
                             true);
    }
    Result<void> change(const std::function<Result<void>(AccountBook&)>& how)
    {
        return media::change_account_book(book_, how);
    }
    /// Errors: unavailable, where none runs; those of the call.
    Result<Json> status_of_server() const;
    /// [{name, used, quota}] as a table; empty where there are none.
    std::string table_of_spaces(const Json& spaces, size_t indent) const;
    static Json spaces_of(const AccountBook& book, const Result<Json>& status);
    void say(const Json& json, const std::string& text)
    {
        console_.out(asked_.json ? json_text(json) + '\n' : text);
    }
    /// A change was made; a password that was made for it is said here, and nowhere else.
    int done(Json json, std::string text, const std::string& password = {})
    {
        if (asked_.generate && !password.empty()) {
            json["password"] = password;
            text += fmt::format("  its password, which nobody can say again: {}\n", password);
        }
        say(json, text);
        return 0;
    }

    const Invocation& asked_;
    Console& console_;
    const Style& style_;
    const std::string state_, book_;
};

Result<Json> MediaCommand::status_of_server() const
{
    const std::string socket = asked_.media_socket.empty() ? media::default_socket : asked_.media_socket;
    const auto client = site::connect({.socket = socket, .state_folder = {}, .daemon = {}});
    if (!client) {
        const bool nobody =
            client.error().kind == ErrorKind::unavailable || client.error().kind == ErrorKind::not_found;
        if (!nobody) return std::unexpected(client.error());
        return fail(ErrorKind::unavailable, fmt::format("no media server answers at {}", socket),
                    "sudo systemctl start belayd-media, or belayd --role media");
    }
    return (*client)->call("MediaStatus", Json::object());
}

Result<int> MediaCommand::status()
{
    const Json now = TRY(status_of_server());
    const auto bytes = [&](const char* field) { return to_text(Bytes{now.value(field, uint64_t{0})}); };
    const auto number = [&](const char* field) { return now.value(field, uint64_t{0}); };
    std::string text = fmt::format("serves {} at {}{}, since {}\n", clean(style_, now.value("data", "")),
                                   now.value("address", ""), now.value("tls", false) ? "" : " without TLS",
                                   style_.clock(Milliseconds(number("started_ms"))));
    const Json certificate = now.value("certificate", Json());
    if (certificate.is_object())
        text += fmt::format("its certificate is good until {}\n",
                            style_.clock(Milliseconds(certificate.value("until_ms", int64_t{0}))));
    const Json problem = certificate.is_object() ? certificate.value("problem", Json()) : Json();
    if (problem.is_string())
        text += fmt::format(
            "the one in {} is not taken: {}\n  next: systemctl reload belayd-media, when it is right\n",
            clean(style_, certificate.value("file", "")), clean(style_, problem.get<std::string>()));
    text += fmt::format(
        "{} (at most {}) and {} now, {} waiting for a change; {}, {} refused; {} files kept, {} removed; {} "
        "in, {} out\n",
        counted(number("connections"), "connection", "connections"), number("most_connections"),
        counted(number("uploads"), "upload", "uploads"), number("waiting"),
        counted(number("requests"), "request", "requests"), number("refused"), number("files_kept"),
        number("files_removed"), bytes("bytes_received"), bytes("bytes_sent"));
    text += fmt::format("{} free of {}; {}\n", bytes("free"), bytes("total"),
                        counted(number("accounts"), "account", "accounts"));
    say(now, text + table_of_spaces(now.value("spaces", Json::array()), 2));
    return 0;
}

std::string MediaCommand::table_of_spaces(const Json& spaces, size_t indent) const
{
    const auto bytes_or = [](const Json& bytes, const char* without) {
        return bytes.is_null() ? std::string(without) : to_text(Bytes{bytes.get<uint64_t>()});
    };
    std::vector<std::vector<std::string>> rows{{"space", "used", "quota"}};
    for (const Json& space : spaces)
        rows.push_back({clean(style_, space.value("name", "")),
                        bytes_or(space.value("used", Json()), "not known"),
                        bytes_or(space.value("quota", Json()), "none")});
    return rows.size() > 1 ? table(style_, rows, indent) : std::string();
}

/// Those that there are, that somebody may use, or that have a quota.
Json MediaCommand::spaces_of(const AccountBook& book, const Result<Json>& status)
{
    std::map<std::string, Json> used;
    for (const auto& [name, account] : book.accounts)
        for (const auto& [space, access] : account.spaces) used[space] = status ? Json(0) : Json();
    for (const auto& [space, quota] : book.quotas) used[space] = status ? Json(0) : Json();
    for (const Json& space : status ? status->value("spaces", Json::array()) : Json::array())
        used[space.value("name", "")] = space.value("used", Json());
    Json spaces = Json::array();
    for (const auto& [name, bytes] : used) {
        const auto quota = book.quotas.find(name);
        spaces.push_back({{"name", name},
                          {"used", bytes},
                          {"quota", quota == book.quotas.end() ? Json() : Json(quota->second)}});
    }
    return spaces;
}

Result<int> MediaCommand::add()
{
    const std::string name = TRY(wanted(asked_.target, "account"));
    const std::string space = asked_.name.empty() ? name : asked_.name;
    const Access access = asked_.access.empty() ? Access::append : TRY(media::access_named(asked_.access));
    const std::string password = TRY(new_password(name));
    TRY(change([&](AccountBook& book) -> Result<void> {
        TRY(book.add(name, password));
        return book.grant(name, space, access);
    }));
    const std::string text = fmt::format(
        "{} may come, with access {} to the space {}\n"
        "  a client there: belay backup, or a restic of today: -r rest:https://HOST:8000/{}/ --cacert "
        "media.pem,\n"
        "  with RESTIC_REST_USERNAME and RESTIC_REST_PASSWORD; restic 0.14 wants them in the location:\n"
        "  rest:https://{}:PASSWORD@HOST:8000/{}/, in a file of --repository-file\n"
        "  media.pem is what belay media certificate says\n",
        clean(style_, name), name_of(access), clean(style_, space), clean(style_, space), clean(style_, name),
        clean(style_, space));
    return done({{"account", name}, {"space", space}, {"access", name_of(access)}}, text, password);
}

Result<int> MediaCommand::list()
{
    const AccountBook book = TRY(media::read_account_book(book_));
    Json accounts = Json::array();
    std::vector<std::vector<std::string>> rows{{"account", "may come", "spaces"}};
    for (const auto& [name, account] : book.accounts) {
        Json spaces = Json::object();
        std::vector<std::string> words;
        for (const auto& [space, access] : account.spaces) {
            spaces[space] = name_of(access);
            words.push_back(fmt::format("{} ({})", clean(style_, space), name_of(access)));
        }
        rows.push_back({clean(style_, name), account.disabled ? "no" : "yes",
                        words.empty() ? "none" : fmt::format("{}", fmt::join(words, ", "))});
        accounts.push_back(
            {{"account", name}, {"disabled", account.disabled}, {"spaces", std::move(spaces)}});
    }
    const Result<Json> status = status_of_server();
    Json spaces = spaces_of(book, status);
    std::string text =
        rows.size() > 1 ? table(style_, rows, 0) : "there is no account\n  next: belay media add NAME\n";
    if (const std::string more = table_of_spaces(spaces, 0); !more.empty()) text += "\n" + more;
    if (!status && !spaces.empty())
        text += fmt::format("what is used is not known: {}\n", status.error().what);
    say({{"accounts", std::move(accounts)}, {"spaces", std::move(spaces)}}, text);
    return 0;
}

Result<int> MediaCommand::set_password()
{
    const std::string name = TRY(wanted(asked_.target, "account"));
    // Before a person types a password for nobody.
    const AccountBook now = TRY(media::read_account_book(book_));
    if (!now.accounts.contains(name))
        return fail(ErrorKind::not_found, fmt::format("there is no account {}", name), "belay media list");
    const std::string password = TRY(new_password(name));
    TRY(change([&](AccountBook& book) { return book.set_password(name, password); }));
    return done({{"account", name}}, fmt::format("{} has another password\n", clean(style_, name)), password);
}

Result<int> MediaCommand::change_access()
{
    const std::string name = TRY(wanted(asked_.target, "account"));
    const std::string space = TRY(wanted(asked_.name, "space"));
    std::optional<Access> access;
    if (asked_.command == Command::media_grant) access = TRY(media::access_named(asked_.access));
    TRY(change([&](AccountBook& book) { return book.grant(name, space, access); }));
    return done(
        {{"account", name}, {"space", space}, {"access", access ? Json(name_of(*access)) : Json()}},
        access ? fmt::format("{} has access {} to the space {}\n", clean(style_, name), name_of(*access),
                             clean(style_, space))
               : fmt::format("{} may use the space {} no more\n", clean(style_, name), clean(style_, space)));
}

Result<int> MediaCommand::set_disabled()
{
    const std::string name = TRY(wanted(asked_.target, "account"));
    const bool disabled = asked_.command == Command::media_disable;
    TRY(change([&](AccountBook& book) { return book.set_disabled(name, disabled); }));
    return done({{"account", name}, {"disabled", disabled}},
                fmt::format("{} may {}\n", clean(style_, name), disabled ? "not come" : "come"));
}

Result<int> MediaCommand::remove()
{
    const std::string name = TRY(wanted(asked_.target, "account"));
    TRY(change([&](AccountBook& book) { return book.remove(name); }));
    return done({{"account", name}},
                fmt::format("the account {} is gone; what it has stored is there\n", clean(style_, name)));
}

Result<int> MediaCommand::quota()
{
    const std::string space = TRY(wanted(asked_.name, "space"));
    std::optional<uint64_t> bytes;
    if (asked_.quota.empty()) return fail(ErrorKind::usage, "how much may lie there? as 500G, or none");
    if (asked_.quota != "none") bytes = TRY(parse_bytes(asked_.quota)).count;
    TRY(change([&](AccountBook& book) { return book.set_quota(space, bytes); }));
    return done({{"space", space}, {"quota", bytes ? Json(*bytes) : Json()}},
                fmt::format("in the space {} may lie {}\n", clean(style_, space),
                            bytes ? to_text(Bytes{*bytes}) : "as much as there is room for"));
}

/// Lines NAME:HASH, as htpasswd writes them.
Result<int> MediaCommand::import()
{
    const std::string file = TRY(wanted(asked_.file, "file"));
    const Access access = asked_.access.empty() ? Access::append : TRY(media::access_named(asked_.access));
    std::error_code ignored;
    const std::string text =
        TRY(host::files::read(std::filesystem::absolute(file, ignored).string(), largest_htpasswd));
    size_t taken = 0;
    TRY(change([&](AccountBook& book) -> Result<void> {
        size_t line_number = 0;
        for (size_t from = 0; from < text.size();) {
            const size_t end = std::min(text.find('\n', from), text.size());
            const std::string line = text.substr(from, end - from);
            from = end + 1;
            ++line_number;
            if (line.empty() || line.starts_with('#')) continue;
            const size_t colon = std::min(line.find(':'), line.size());
            const std::string name = line.substr(0, colon);
            const Result<void> added =
                book.add_hashed(name, std::string_view(line).substr(std::min(colon + 1, line.size())));
            const Result<void> granted = added ? book.grant(name, name, access) : added;
            if (!granted)
                return fail(granted.error().kind, fmt::format("{}:{}: {}; nothing was taken in", file,
                                                              line_number, granted.error().what));
            ++taken;
        }
        return {};
    }));
    return done({{"accounts", taken}}, fmt::format("took in {}\n", counted(taken, "account", "accounts")));
}

Result<int> MediaCommand::write_htpasswd()
{
    const AccountBook book = TRY(media::read_account_book(book_));
    Json json = Json::object();
    std::string text;
    for (const auto& [name, account] : book.accounts) {
        if (account.disabled) continue;
        text += fmt::format("{}:{}\n", name, account.hash);
        json[name] = account.hash;
    }
    say(json, text);
    return 0;
}

Result<int> MediaCommand::certificate()
{
    const Milliseconds wall =
        std::chrono::duration_cast<Milliseconds>(std::chrono::system_clock::now().time_since_epoch());
    const site::Authority authority = TRY(media::open_media_authority(state_, wall));
    say({{"certificate", authority.certificate_pem()}}, authority.certificate_pem());
    return 0;
}

}  // namespace

bool is_of_media(Command command)
{
    return command >= Command::media_status && command <= Command::media_certificate;
}

Result<int> media_command(const Invocation& asked, Console& console, const Style& style)
{
    MediaCommand command(asked, console, style);
    switch (asked.command) {
        case Command::media_status:
            return command.status();
        case Command::media_add:
            return command.add();
        case Command::media_list:
            return command.list();
        case Command::media_password:
            return command.set_password();
        case Command::media_grant:
        case Command::media_revoke:
            return command.change_access();
        case Command::media_disable:
        case Command::media_enable:
            return command.set_disabled();
        case Command::media_remove:
            return command.remove();
        case Command::media_quota:
            return command.quota();
        case Command::media_import:
            return command.import();
        case Command::media_export:
            return command.write_htpasswd();
        default:
            return command.certificate();
    }
}

}  // namespace belay::cli
