#include "storage/grub_devices.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace belay::storage::grub_devices {
namespace {

using host::Command;
using host::Effect;
using host::Host;
using operation::Finding;
using operation::Inspection;
using operation::Json;
using operation::Verdict;

constexpr std::string_view name_line = "Name: grub-pc/install_devices";
constexpr std::string_view value_field = "Value: ";
constexpr Bytes largest_file{16 << 20};
/// As many disks as a host may start from, and more.
constexpr size_t most_names = 256;

/// "a, b": names are without blanks.
List names_in(std::string_view value)
{
    List list;
    while (list.size() < most_names) {
        const size_t begin = value.find_first_not_of(", \t");
        if (begin == std::string_view::npos) break;
        value.remove_prefix(begin);
        const size_t end = std::min(value.find_first_of(", \t"), value.size());
        list.emplace_back(value.substr(0, end));
        value.remove_prefix(end);
    }
    return list;
}

std::string shown(const List& list)
{
    return list.empty() ? "none" : fmt::format("{}", fmt::join(list, ", "));
}

bool has(const List& list, const std::string& name)
{
    return std::ranges::find(list, name) != list.end();
}

Command answer_command(const List& list)
{
    return {.argv = {"debconf-communicate", "--frontend=noninteractive", "grub-pc"},
            .effect = Effect::changes,
            .input = fmt::format("set grub-pc/install_devices {}\nfset grub-pc/install_devices seen true\n",
                                 fmt::join(list, ", "))};
}

Result<List> read_answered(Host& host)
{
    return TRY(read(host)).value_or(List());
}

Edit edit_in(const Json& arguments)
{
    return {arguments.at("add"), arguments.at("drop")};
}

class Change final : public operation::Action {
  public:
    Result<Inspection> inspect(Host& host, const Json& arguments) const override
    {
        const List list = TRY(read_answered(host));
        const bool done = edited(list, edit_in(arguments)) == list;
        return Inspection{done ? Inspection::Found::done : Inspection::Found::absent, shown(list)};
    }

    Result<Json> remember(Host& host, const Json&) const override
    {
        const List before = TRY(read_answered(host));
        return Json{{"before", before}};
    }

    Result<void> apply(Host& host, const Json& arguments) const override
    {
        const List list = edited(TRY(read_answered(host)), edit_in(arguments));
        TRY(run_checked(host, answer_command(list)));
        return {};
    }

    Result<std::string> remains(Host& host, const Json& arguments, const Json& remembered) const override
    {
        if (remembered.empty()) return std::string();
        const List list = TRY(read_answered(host));
        const bool same = put_back(list, edit_in(arguments), remembered.at("before")) == list;
        return same ? std::string() : fmt::format("the disks of grub-pc: {}", shown(list));
    }

    Result<void> revert(Host& host, const Json& arguments, const Json& remembered) const override
    {
        const List list = put_back(TRY(read_answered(host)), edit_in(arguments), remembered.at("before"));
        TRY(run_checked(host, answer_command(list)));
        return {};
    }

  private:
    /// The list without what the edit did; as it was, where nobody else has touched it.
    static List put_back(const List& list, const Edit& edit, const List& before)
    {
        if (list == edited(before, edit)) return before;
        Edit back;
        std::ranges::copy_if(edit.add, std::back_inserter(back.drop),
                             [&](const std::string& name) { return !has(before, name); });
        std::ranges::copy_if(edit.drop, std::back_inserter(back.add),
                             [&](const std::string& name) { return has(before, name); });
        return edited(list, back);
    }
};

Result<Finding> ask_names(Host& host, const Json& arguments)
{
    const std::string disk = arguments.at("disk");
    const List list = TRY(read_answered(host));
    return Finding{has(list, disk) ? Verdict::pass : Verdict::fail, shown(list),
                   fmt::format("{} among the disks on which grub-pc installs GRUB", disk),
                   "dpkg-reconfigure grub-pc"};
}

}  // namespace

std::optional<List> parse(std::string_view text)
{
    bool ours = false;
    std::optional<List> list;
    while (!text.empty()) {
        const size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.empty()) ours = false;
        if (line == name_line) {
            ours = true;
            list.emplace();
        }
        if (ours && line.starts_with(value_field)) list = names_in(line.substr(value_field.size()));
    }
    return list;
}

Result<std::optional<List>> read(Host& host)
{
    const Result<std::string> text = host.read(path, largest_file);
    if (text) return parse(*text);
    if (text.error().kind == ErrorKind::not_found) return std::optional<List>();
    return std::unexpected(text.error());
}

List edited(List list, const Edit& edit)
{
    std::erase_if(list, [&](const std::string& name) { return has(edit.drop, name); });
    std::ranges::copy_if(edit.add, std::back_inserter(list),
                         [&](const std::string& name) { return !has(list, name); });
    return list;
}

operation::Act change(const List& known, const Edit& edit)
{
    return {"grub_devices.change",
            {{"add", edit.add}, {"drop", edit.drop}},
            {answer_command(edited(known, edit)).to_text()},
            {answer_command(known).to_text()}};
}

operation::Question names(const std::string& disk)
{
    return {"grub_devices.names", {{"disk", disk}}};
}

operation::Question fingerprint()
{
    return {"grub_devices", Json::object()};
}

void fill(operation::Catalogue& catalogue)
{
    catalogue.add("grub_devices.change", std::make_unique<Change>());
    catalogue.add_condition("grub_devices.names", ask_names);
    catalogue.add_fingerprint("grub_devices", [](Host& host, const Json&) -> Result<operation::Fingerprint> {
        const std::string list = shown(TRY(read_answered(host)));
        return operation::Fingerprint{{"grub-pc/install_devices", list}};
    });
}

}  // namespace belay::storage::grub_devices
