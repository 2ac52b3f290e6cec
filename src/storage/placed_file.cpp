#include "storage/placed_file.h"

namespace belay::storage {
namespace {

using host::Command;
using host::Effect;
using host::Host;
using operation::Inspection;
using operation::Json;

Command mode_command(const std::string& path)
{
    return {.argv = {"chmod", "755", path}, .effect = Effect::changes};
}

/// Nothing where there is no such file.
Result<std::optional<std::string>> text_at(Host& host, const std::string& path)
{
    Result<std::string> text = host.read(path);
    if (!text && text.error().kind == ErrorKind::not_found) return std::optional<std::string>();
    if (!text) return std::unexpected(text.error());
    return std::optional(*std::move(text));
}

Result<bool> may_run(Host& host, const std::string& path)
{
    return TRY(host.run({.argv = {"test", "-x", path}})).exit_code == 0;
}

class Place final : public operation::Action {
  public:
    Result<Inspection> inspect(Host& host, const Json& arguments) const override
    {
        const std::string path = arguments.at("path");
        const std::optional<std::string> text = TRY(text_at(host, path));
        using Found = Inspection::Found;
        if (!text) return Inspection{Found::absent, "no such file"};
        if (*text != arguments.at("text").get<std::string>())
            return Inspection{Found::partial, "another file"};
        if (arguments.at("executable") && !TRY(may_run(host, path)))
            return Inspection{Found::partial, "not executable"};
        return Inspection{Found::done, "in its place"};
    }

    Result<Json> remember(Host& host, const Json& arguments) const override
    {
        const std::optional<std::string> text = TRY(text_at(host, arguments.at("path")));
        return text ? Json{{"before", *text}} : Json{{"before", nullptr}};
    }

    Result<void> apply(Host& host, const Json& arguments) const override
    {
        const std::string path = arguments.at("path");
        TRY(host.replace(path, arguments.at("text").get<std::string>()));
        if (arguments.at("executable")) TRY(run_checked(host, mode_command(path)));
        return {};
    }

    Result<std::string> remains(Host& host, const Json& arguments, const Json& remembered) const override
    {
        const std::string path = arguments.at("path");
        const std::optional<std::string> text = TRY(text_at(host, path));
        return text == before(remembered) ? std::string() : path;
    }

    Result<void> revert(Host& host, const Json& arguments, const Json& remembered) const override
    {
        const std::string path = arguments.at("path");
        const std::optional<std::string> text = before(remembered);
        return text ? host.replace(path, *text) : host.remove(path);
    }

  private:
    static std::optional<std::string> before(const Json& remembered)
    {
        if (!remembered.contains("before") || remembered.at("before").is_null()) return std::nullopt;
        return remembered.at("before").get<std::string>();
    }
};

}  // namespace

operation::Act place(const PlacedFile& file)
{
    std::vector<std::string> commands = {fmt::format("# write {}", file.path)};
    if (file.executable) commands.push_back(mode_command(file.path).to_text());
    return {"file.place",
            {{"path", file.path}, {"text", file.text}, {"executable", file.executable}},
            commands,
            {fmt::format("# remove {}, or put back what it was", file.path)}};
}

void fill_placed_file(operation::Catalogue& catalogue)
{
    catalogue.add("file.place", std::make_unique<Place>());
}

}  // namespace belay::storage
