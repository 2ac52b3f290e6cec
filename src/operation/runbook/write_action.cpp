// A file of a runbook: written whole, and put back by itself. A command may follow that takes it up (a
// reload); it follows the way back too, so that the old file is taken up again.

#include "base/json.h"
#include "host/encoding.h"
#include "operation/runbook/commands.h"

namespace belay::operation::runbook {
namespace {

constexpr Bytes largest_file{1 << 20};

struct Standing {
    std::optional<std::string> bytes = {};  ///< nothing: there is no such file
    std::string mode = {};                  ///< asked only where the step sets one
};

Result<Standing> standing_of(host::Host& host, const Json& arguments)
{
    const std::string path = arguments.at("path");
    Standing standing;
    Result<std::string> bytes = host.read(path, largest_file);
    if (!bytes && bytes.error().kind == ErrorKind::not_found) return standing;
    standing.bytes = TRY(std::move(bytes));
    if (!arguments.contains("mode")) return standing;
    standing.mode = TRY(run_checked(host, {.argv = {"stat", "--dereference", "--format=%a", path}})).out;
    while (standing.mode.ends_with('\n')) standing.mode.pop_back();
    return standing;
}

std::string without_zeros(std::string_view mode)
{
    return std::string(mode.substr(std::min(mode.find_first_not_of('0'), mode.size() - 1)));
}

host::Command chmod(const std::string& mode, const std::string& path)
{
    return {.argv = {"chmod", mode, path}, .effect = host::Effect::changes};
}

class WriteFile final : public Action {
  public:
    Result<Inspection> inspect(host::Host& host, const Json& arguments) const override
    {
        using Found = Inspection::Found;
        const Standing standing = TRY(standing_of(host, arguments));
        const bool right_mode = !arguments.contains("mode") ||
                                standing.mode == without_zeros(arguments.at("mode").get<std::string>());
        if (!standing.bytes) return Inspection{Found::absent, "it is not there"};
        if (*standing.bytes != TRY(host::decode_bytes(arguments.at("bytes"))))
            return Inspection{Found::absent, "it has another text"};
        if (!right_mode) return Inspection{Found::partial, "it has the mode " + standing.mode};
        if (!arguments.contains("run")) return Inspection{Found::done};
        if (!arguments.contains("check")) return Inspection{Found::unseen};
        const Answer answer = TRY(ask(host, arguments.at("check")));
        return Inspection{answer.yes ? Found::done : Found::partial, answer.yes ? "" : answer.found};
    }

    Result<Json> remember(host::Host& host, const Json& arguments) const override
    {
        const Standing standing = TRY(standing_of(host, arguments));
        Json kept = {{"was", standing.bytes ? host::encode_bytes(*standing.bytes) : Json(nullptr)},
                     {"mode", standing.mode}};
        if (arguments.contains("remember"))
            kept["text"] = host::encode_bytes(TRY(ask_to_remember(host, arguments)));
        return kept;
    }

    Result<void> apply(host::Host& host, const Json& arguments) const override
    {
        const std::string path = arguments.at("path");
        const std::string bytes = TRY(host::decode_bytes(arguments.at("bytes")));
        if (arguments.contains("mode")) TRY(set_mode(host, arguments, path));
        TRY(host.replace(path, bytes));
        if (const auto command = run_command(arguments)) TRY(run_checked(host, *command));
        return {};
    }

    bool sees_remains(const Json& arguments) const override { return !arguments.contains("run"); }

    Result<std::string> remains(host::Host& host, const Json& arguments,
                                const Json& remembered) const override
    {
        const std::string path = arguments.at("path");
        if (arguments.contains("run")) return fmt::format("the new {} and what took it up", path);
        const Standing standing = TRY(standing_of(host, arguments));
        if (standing.bytes != TRY(old_bytes(remembered))) return fmt::format("the new {}", path);
        const bool same = !standing.bytes || standing.mode == remembered.value("mode", "");
        return same ? std::string() : fmt::format("the new mode of {}", path);
    }

    Result<void> revert(host::Host& host, const Json& arguments, const Json& remembered) const override
    {
        const std::string path = arguments.at("path");
        const std::optional<std::string> old = TRY(old_bytes(remembered));
        if (old)
            TRY(host.replace(path, *old));
        else
            TRY(host.remove(path));
        const std::string mode = remembered.value("mode", "");
        if (old && !mode.empty()) TRY(run_checked(host, chmod(mode, path)));
        if (const auto command = undo_command(arguments, remembered_text(remembered)))
            TRY(run_checked(host, *command));
        return {};
    }

    /// The file is on the disk already; what took it up may have written others, and chmod has not synced.
    Result<void> make_durable(host::Host& host, const Json& arguments) const override
    {
        if (!arguments.contains("run") && !arguments.contains("mode")) return {};
        return sync_all(host);
    }

  private:
    static Result<std::optional<std::string>> old_bytes(const Json& remembered)
    {
        const Json& was = remembered.at("was");
        if (was.is_null()) return std::optional<std::string>();
        return std::optional(TRY(host::decode_bytes(was)));
    }

    /// Before the text is there: what only some may read is never there for all, not for a moment.
    static Result<void> set_mode(host::Host& host, const Json& arguments, const std::string& path)
    {
        const std::string mode = arguments.at("mode");
        const Standing standing = TRY(standing_of(host, arguments));
        if (!standing.bytes) {
            TRY(run_checked(host, {.argv = {"install", "--mode=" + mode, "/dev/null", path},
                                   .effect = host::Effect::changes}));
        } else if (standing.mode != without_zeros(mode)) {
            TRY(run_checked(host, chmod(mode, path)));
        }
        return {};
    }
};

}  // namespace

std::unique_ptr<Action> write_action()
{
    return std::make_unique<WriteFile>();
}

}  // namespace belay::operation::runbook
