#include "storage/efi_entries.h"

#include "base/json.h"

namespace belay::storage::efi {
namespace {

using host::Command;
using host::Effect;
using host::Host;
using operation::Finding;
using operation::Inspection;
using operation::Json;
using operation::Verdict;

constexpr std::string_view hex_digits = "0123456789ABCDEFabcdef";
constexpr size_t most_entries = 1000;  // more than any firmware has room for

std::string lower(std::string_view text)
{
    std::string small(text);
    for (char& c : small) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    return small;
}

bool is_number(std::string_view text)
{
    return text.size() == 4 && text.find_first_not_of(hex_digits) == std::string_view::npos;
}

/// "HD(1,GPT,6cf...,0x800,0x20000)/File(\EFI\debian\grubx64.efi)", or without "File(" since version 18; data
/// may follow.
void read_path(std::string_view path, Entry& entry)
{
    const size_t disk = path.find("HD(");
    if (disk == std::string_view::npos) return;
    const size_t gpt = path.find(",GPT,", disk);
    if (gpt == std::string_view::npos) return;
    const size_t begin = gpt + 5, end = path.find_first_of(",)", begin);
    if (end == std::string_view::npos) return;
    entry.partuuid = lower(path.substr(begin, end - begin));
    std::string_view rest = path.substr(end);
    const size_t slash = rest.find(")/");
    if (slash == std::string_view::npos) return;
    rest.remove_prefix(slash + 2);
    const bool old = rest.starts_with("File(");
    if (old) rest.remove_prefix(5);
    if (!rest.starts_with('\\')) return;
    // A loader's name may hold spaces, and data may follow the name without one: the suffix ends it.
    const size_t suffix = lower(rest).find(".efi");
    if (suffix != std::string_view::npos) entry.loader = rest.substr(0, suffix + 4);
}

/// "Boot0001* debian\tHD(...)".
std::optional<Entry> entry_in(std::string_view line)
{
    if (!line.starts_with("Boot") || line.size() < 10 || !is_number(line.substr(4, 4))) return std::nullopt;
    if ((line[8] != '*' && line[8] != ' ') || line[9] != ' ') return std::nullopt;
    Entry entry{.number = std::string(line.substr(4, 4)), .label = {}, .partuuid = {}, .loader = {}};
    const std::string_view rest = line.substr(10);
    const size_t tab = rest.find('\t');
    entry.label = rest.substr(0, tab);
    if (tab != std::string_view::npos) read_path(rest.substr(tab + 1), entry);
    return entry;
}

std::vector<std::string> order_in(std::string_view list)
{
    std::vector<std::string> numbers;
    while (!list.empty()) {
        const size_t comma = list.find(',');
        if (is_number(list.substr(0, comma))) numbers.emplace_back(list.substr(0, comma));
        list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    }
    return numbers;
}

Command efibootmgr(std::vector<std::string> arguments)
{
    arguments.insert(arguments.begin(), "efibootmgr");
    return {.argv = std::move(arguments), .effect = Effect::changes};
}

Command create_command(const Start& start)
{
    return efibootmgr({"--create-only", "--disk", start.disk, "--part", fmt::format("{}", start.partition),
                       "--label", start.label, "--loader", start.loader});
}

Command order_command(std::vector<std::string> order, const std::string& last)
{
    order.push_back(last);
    return efibootmgr({"--bootorder", fmt::format("{}", fmt::join(order, ","))});
}

Command delete_command(const std::string& number)
{
    return efibootmgr({"--delete-bootnum", "--bootnum", number});
}

/// Errors besides those of read_entries: refused, where the host has no EFI any more.
Result<Entries> entries_now(Host& host)
{
    const std::optional<Entries> entries = TRY(read_entries(host));
    if (!entries)
        return fail(ErrorKind::refused, "this host was not started by UEFI this time",
                    "start it by UEFI, or abort");
    return *entries;
}

bool in_order(const Entries& entries, const std::string& number)
{
    return std::ranges::find(entries.order, number) != entries.order.end();
}

Result<void> remove_all(Host& host, const std::string& partuuid)
{
    const Entries now = TRY(entries_now(host));
    for (const Entry& entry : now.of(partuuid)) TRY(run_checked(host, delete_command(entry.number)));
    return {};
}

class AddEntry final : public operation::Action {
  public:
    Result<Inspection> inspect(Host& host, const Json& arguments) const override
    {
        const Entries now = TRY(entries_now(host));
        const std::vector<Entry> ours = now.of(arguments.at("partuuid").get<std::string>());
        using Found = Inspection::Found;
        if (ours.empty()) return Inspection{Found::absent, "no entry"};
        if (ours.size() > 1) return Inspection{Found::partial, fmt::format("{} entries", ours.size())};
        const bool placed = in_order(now, ours.front().number);
        return Inspection{placed ? Found::done : Found::partial,
                          fmt::format("Boot{}{}", ours.front().number, placed ? "" : ", not in the order")};
    }

    Result<void> apply(Host& host, const Json& arguments) const override
    {
        const Start start{arguments.at("disk"), arguments.at("partition"), arguments.at("partuuid"),
                          arguments.at("label"), arguments.at("loader")};
        Entries now = TRY(entries_now(host));
        if (now.of(start.partuuid).empty()) {
            TRY(run_checked(host, create_command(start)));
            now = TRY(entries_now(host));
        }
        const std::vector<Entry> ours = now.of(start.partuuid);
        if (ours.empty())
            return fail(ErrorKind::failed,
                        fmt::format("the firmware does not keep an entry for {}", start.disk),
                        "efibootmgr --verbose");
        for (size_t i = 1; i < ours.size(); ++i) TRY(run_checked(host, delete_command(ours[i].number)));
        if (!in_order(now, ours.front().number))
            TRY(run_checked(host, order_command(now.order, ours.front().number)));
        return {};
    }

    Result<std::string> remains(Host& host, const Json& arguments, const Json&) const override
    {
        const Entries now = TRY(entries_now(host));
        const std::vector<Entry> ours = now.of(arguments.at("partuuid").get<std::string>());
        return ours.empty() ? std::string() : fmt::format("the boot entry Boot{}", ours.front().number);
    }

    Result<void> revert(Host& host, const Json& arguments, const Json&) const override
    {
        return remove_all(host, arguments.at("partuuid"));
    }
};

class RemoveEntries final : public operation::Action {
  public:
    Result<Inspection> inspect(Host& host, const Json& arguments) const override
    {
        const Entries now = TRY(entries_now(host));
        const size_t count = now.of(arguments.at("partuuid").get<std::string>()).size();
        return Inspection{count == 0 ? Inspection::Found::done : Inspection::Found::absent,
                          fmt::format("{} entries", count)};
    }

    Result<void> apply(Host& host, const Json& arguments) const override
    {
        return remove_all(host, arguments.at("partuuid"));
    }

    Result<std::string> remains(Host&, const Json&, const Json&) const override { return std::string(); }

    Result<void> revert(Host&, const Json& arguments, const Json&) const override
    {
        return fail(ErrorKind::refused, fmt::format("the boot entry of {} does not come back",
                                                    arguments.at("partuuid").get<std::string>()));
    }
};

Result<Finding> ask_has_entry(Host& host, const Json& arguments)
{
    const Entries now = TRY(entries_now(host));
    const std::vector<Entry> ours = now.of(arguments.at("partuuid").get<std::string>());
    const bool right = ours.size() == 1 && in_order(now, ours.front().number);
    return Finding{
        right ? Verdict::pass : Verdict::fail,
        ours.empty() ? "no entry" : fmt::format("{} entries, Boot{}", ours.size(), ours.front().number),
        "one boot entry that is in the order", "efibootmgr --verbose"};
}

}  // namespace

std::vector<Entry> Entries::of(std::string_view partuuid) const
{
    std::vector<Entry> found;
    for (const Entry& entry : all) {
        if (!entry.partuuid.empty() && entry.partuuid == partuuid) found.push_back(entry);
    }
    return found;
}

Result<Entries> parse_entries(std::string_view text)
{
    Entries entries;
    bool theirs = false;
    while (!text.empty()) {
        const size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.starts_with("BootOrder: ")) entries.order = order_in(line.substr(11));
        theirs = theirs || line.starts_with("BootOrder: ") || line.starts_with("BootCurrent: ") ||
                 line.starts_with("Timeout: ") || line.starts_with("No BootOrder is set");
        if (std::optional<Entry> entry = entry_in(line)) {
            theirs = true;
            entries.all.push_back(*std::move(entry));
        }
        if (entries.all.size() > most_entries)
            return fail(ErrorKind::corrupt, "efibootmgr lists too many entries");
    }
    if (!theirs)
        return fail(ErrorKind::corrupt, "this is not what efibootmgr prints", "efibootmgr --verbose");
    return entries;
}

Result<std::optional<Entries>> read_entries(Host& host)
{
    const Result<std::vector<std::string>> variables = host.list("/sys/firmware/efi");
    if (!variables && variables.error().kind == ErrorKind::not_found) return std::optional<Entries>();
    if (!variables) return std::unexpected(variables.error());
    const host::Outcome outcome = TRY(run_checked(host, {.argv = {"efibootmgr", "--verbose"}}));
    return std::optional(TRY(parse_entries(outcome.out)));
}

operation::Act add_entry(const Start& start, const Entries& now)
{
    return {"efi.add_entry",
            {{"disk", start.disk},
             {"partition", start.partition},
             {"partuuid", start.partuuid},
             {"label", start.label},
             {"loader", start.loader}},
            {create_command(start).to_text(), order_command(now.order, "NEW").to_text()},
            {delete_command("NEW").to_text()}};
}

operation::Act remove_entries(const std::string& partuuid, const Entries& now)
{
    std::vector<std::string> commands;
    for (const Entry& entry : now.of(partuuid)) commands.push_back(delete_command(entry.number).to_text());
    return {"efi.remove_entries", {{"partuuid", partuuid}}, commands};
}

operation::Question has_entry(const std::string& partuuid)
{
    return {"efi.has_entry", {{"partuuid", partuuid}}};
}

void fill(operation::Catalogue& catalogue)
{
    catalogue.add("efi.add_entry", std::make_unique<AddEntry>());
    catalogue.add("efi.remove_entries", std::make_unique<RemoveEntries>());
    catalogue.add_condition("efi.has_entry", ask_has_entry);
}

}  // namespace belay::storage::efi
