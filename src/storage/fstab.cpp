#include "storage/fstab.h"

#include "base/digest.h"
#include "base/json.h"

namespace belay::storage::fstab {
namespace {

using host::Host;
using operation::Finding;
using operation::Inspection;
using operation::Json;
using operation::Verdict;

constexpr const char* kinds[] = {"append", "add_option", "set_spec", "drop"};

Json json_of(const std::vector<Edit>& edits)
{
    Json rows = Json::array();
    for (const Edit& edit : edits)
        rows.push_back({{"kind", kinds[static_cast<size_t>(edit.kind)]},
                        {"target", edit.target},
                        {"value", edit.value}});
    return {{"edits", std::move(rows)}};
}

Result<std::vector<Edit>> edits_in(const Json& arguments)
{
    std::vector<Edit> edits;
    for (const Json& row : arguments.at("edits")) {
        const auto kind = std::ranges::find(kinds, row.at("kind").get<std::string>());
        if (kind == std::end(kinds))
            return fail(ErrorKind::version, "this Belay does not know the edit " + row.at("kind").dump());
        edits.push_back({static_cast<Edit::Kind>(kind - kinds), row.at("target"), row.at("value")});
    }
    return edits;
}

/// As a person would do it.
std::string hint(const Edit& edit)
{
    switch (edit.kind) {
        case Edit::Kind::append:
            return fmt::format("printf '%s\\n' '{}' >> {}", edit.value, path);
        case Edit::Kind::add_option:
            return fmt::format("# {}: add the option {} to the line of {}", path, edit.value, edit.target);
        case Edit::Kind::set_spec:
            return fmt::format("# {}: {} is mounted from {}", path, edit.target, edit.value);
        case Edit::Kind::drop:
            return fmt::format("# {}: remove the line of {}", path, edit.target);
    }
    return {};
}

class EditFile final : public operation::Action {
  public:
    Result<Inspection> inspect(Host& host, const Json& arguments) const override
    {
        const std::string text = TRY(host.read(path));
        const bool made = TRY(edited(text, TRY(edits_in(arguments)))) == text;
        return Inspection{made ? Inspection::Found::done : Inspection::Found::absent,
                          made ? "as it is to be" : "not yet"};
    }

    Result<Json> remember(Host& host, const Json&) const override
    {
        const std::string text = TRY(host.read(path));
        return Json{{"before", text}};
    }

    Result<void> apply(Host& host, const Json& arguments) const override
    {
        const std::string text = TRY(host.read(path));
        return host.replace(path, TRY(edited(text, TRY(edits_in(arguments)))));
    }

    Result<std::string> remains(Host& host, const Json&, const Json& remembered) const override
    {
        if (remembered.empty()) return std::string();
        const bool same = TRY(host.read(path)) == remembered.at("before").get<std::string>();
        return same ? std::string() : fmt::format("another {} than before", path);
    }

    Result<void> revert(Host& host, const Json& arguments, const Json& remembered) const override
    {
        const std::string before = remembered.at("before");
        const std::string ours = TRY(edited(before, TRY(edits_in(arguments))));
        if (TRY(host.read(path)) != ours)
            return fail(ErrorKind::refused,
                        fmt::format("somebody else has changed {} meanwhile, so it is not put back", path),
                        undo_by_hand(TRY(edits_in(arguments))));
        return host.replace(path, before);
    }

  private:
    static std::string undo_by_hand(const std::vector<Edit>& edits)
    {
        std::string all;
        for (const Edit& edit : edits)
            all += fmt::format("{}take this back in {}: {}", all.empty() ? "" : "; ", path,
                               edit.kind == Edit::Kind::append ? edit.value : hint(edit));
        return all;
    }
};

/// "PARTUUID=x" of the file, whatever quotes stand around the value.
std::string without_quotes(std::string text)
{
    std::erase(text, '"');
    return text;
}

Result<Finding> ask_mounts(Host& host, const Json& arguments)
{
    const std::string spec = arguments.at("spec"), target = arguments.at("target");
    const host::Outcome outcome =
        TRY(host.run({.argv = {"findmnt", "--tab-file", path, "--json", "--output",
                               "source,target,fstype,options", "--mountpoint", target}}));
    const std::string wanted = fmt::format("{} mounted on {}, with nofail", spec, target);
    const Json json = TRY(parse_json(outcome.out.empty() ? "{\"filesystems\":[]}" : outcome.out));
    std::string found = "nothing";
    for (const Json& row : json.value("filesystems", Json::array())) {
        if (row.value("target", "") != target) continue;
        const std::string field = row.value("options", "");
        found = fmt::format("{} mounted on {} ({})", row.value("source", ""), target, field);
        const std::vector<std::string> options = options_in(field);
        const bool may_be_missing = std::ranges::find(options, "nofail") != options.end();
        if (without_quotes(row.value("source", "")) == spec && may_be_missing)
            return Finding{Verdict::pass, found, wanted};
    }
    return Finding{Verdict::fail, found, wanted, fmt::format("findmnt --verify --tab-file {}", path)};
}

}  // namespace

operation::Act edit(const std::vector<Edit>& edits)
{
    std::vector<std::string> hints;
    for (const Edit& one : edits) hints.push_back(hint(one));
    return {"fstab.edit", json_of(edits), hints, {fmt::format("# {}: put back as it was", path)}};
}

operation::Question mounts(const std::string& spec, const std::string& target)
{
    return {"fstab.mounts", {{"spec", spec}, {"target", target}}};
}

operation::Question fingerprint()
{
    return {"fstab", Json::object()};
}

void fill(operation::Catalogue& catalogue)
{
    catalogue.add("fstab.edit", std::make_unique<EditFile>());
    catalogue.add_condition("fstab.mounts", ask_mounts);
    catalogue.add_fingerprint("fstab", [](Host& host, const Json&) -> Result<operation::Fingerprint> {
        const std::string text = TRY(host.read(path));
        return operation::Fingerprint{{path, sha256(text)}};
    });
}

}  // namespace belay::storage::fstab
