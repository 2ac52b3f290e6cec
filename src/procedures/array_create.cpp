#include "operation/plan_builder.h"
#include "procedures/array_life.h"
#include "storage/disk.h"
#include "storage/md_assembly.h"
#include "storage/md_conf.h"
#include "storage/probe.h"
#include "storage/uses.h"

namespace belay::procedures {
namespace {

using namespace belay::storage;
using operation::PlanBuilder;

constexpr const char* help_of_create = "belay procedures array.create";
/// mdadm makes arrays of less, whose data then is a few KiB.
constexpr Bytes least_member{4 << 20};

std::string text_or(const std::map<std::string, std::string>& arguments, const std::string& name,
                    const std::string& fallback)
{
    const auto found = arguments.find(name);
    return found == arguments.end() ? fallback : found->second;
}

std::vector<std::string> split_at_commas(std::string_view text)
{
    std::vector<std::string> parts;
    while (true) {
        const size_t comma = std::min(text.find(','), text.size());
        parts.emplace_back(text.substr(0, comma));
        if (comma == text.size()) return parts;
        text.remove_prefix(comma + 1);
    }
}

/// The devices by name; none twice, and no disk beside one of its own partitions.
Result<std::vector<std::optional<Device>>> named_members(const Inventory& host, const std::string& said)
{
    std::vector<std::optional<Device>> members;
    for (const std::string& word : split_at_commas(said)) {
        if (word == "missing") {
            members.emplace_back();
            continue;
        }
        if (word.empty())
            return fail(ErrorKind::usage, fmt::format("\"{}\" names an empty device", said), help_of_create);
        Device device = TRY(device_named(host, word));
        for (const std::optional<Device>& other : members) {
            if (!other || other->disk.name != device.disk.name) continue;
            if (other->name == device.name)
                return fail(ErrorKind::usage, fmt::format("{} is named twice", shown(device)),
                            "name different devices");
            if (other->is_whole_disk || device.is_whole_disk)
                return fail(ErrorKind::usage,
                            fmt::format("{} and {} are the same disk", shown(*other), shown(device)),
                            "name different devices");
        }
        members.emplace_back(std::move(device));
    }
    return members;
}

/// A name as it may stand under /dev/md. One of digits alone would be a number to mdadm.
Result<void> check_name(const Inventory& host, const std::string& name)
{
    constexpr size_t longest = 24;  // the superblock has 32 for "host:name"
    constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    constexpr std::string_view more = "0123456789._-";
    const bool good = !name.empty() && name.size() <= longest && letters.contains(name.front()) &&
                      name.find_first_not_of(std::string(letters) + std::string(more)) == std::string::npos;
    if (!good)
        return fail(
            ErrorKind::usage,
            fmt::format("\"{}\" is no name for an array: a letter, then letters, digits, '.', '_', '-', "
                        "{} at most",
                        name, longest),
            help_of_create);
    if (host.array_named(name) != nullptr)
        return fail(ErrorKind::refused, fmt::format("there is an array {} already", name),
                    "belay storage show");
    return {};
}

/// The first number that no array has, running or not.
Result<std::string> free_node(host::Host& machine)
{
    const std::vector<std::string> blocks = TRY(machine.list("/sys/class/block"));
    for (int number = 0;; ++number) {
        const std::string name = fmt::format("md{}", number);
        if (std::ranges::find(blocks, name) == blocks.end()) return "/dev/" + name;
    }
}

Result<std::string> new_uuid(host::Host& machine)
{
    const std::string random = TRY(machine.random(16));
    std::string text;
    for (size_t i = 0; i < random.size(); ++i)
        text +=
            fmt::format("{}{:02x}", i > 0 && i % 4 == 0 ? ":" : "", static_cast<unsigned char>(random[i]));
    return text;
}

Result<std::string> one_of(const std::map<std::string, std::string>& arguments, const std::string& name,
                           const std::string& fallback, const std::vector<std::string>& known)
{
    std::string said = text_or(arguments, name, fallback);
    if (std::ranges::find(known, said) != known.end()) return said;
    return fail(ErrorKind::usage,
                fmt::format("--{} is one of {}, not \"{}\"", name, fmt::join(known, ", "), said),
                help_of_create);
}

Result<md::NewArray> asked_for(host::Host& machine, const Inventory& host,
                               const std::map<std::string, std::string>& arguments)
{
    md::NewArray array;
    const std::string& level = arguments.at("level");
    array.level = level.starts_with("raid") ? level : "raid" + level;
    const std::string usual = array.level == "raid0" ? "none" : "internal";
    array.bitmap = TRY(one_of(arguments, "bitmap", usual, {"internal", "none"}));
    array.metadata = TRY(one_of(arguments, "metadata", "1.2", {"1.0", "1.1", "1.2"}));
    if (arguments.contains("chunk")) array.chunk = TRY(parse_bytes(arguments.at("chunk")));
    array.members = TRY(named_members(host, arguments.at("devices")));
    TRY(md::makes_sense(array));
    array.name = text_or(arguments, "name", "");
    if (arguments.contains("name")) TRY(check_name(host, array.name));
    array.node = array.name.empty() ? TRY(free_node(machine)) : "/dev/md/" + array.name;
    const std::optional<std::string> taken = TRY(device_if_there(machine, array.node));
    if (taken)
        return fail(ErrorKind::refused, fmt::format("{} is there already, as /dev/{}", array.node, *taken),
                    "choose another --name");
    array.uuid = TRY(new_uuid(machine));
    return array;
}

/// Members of one size: of a larger one the rest is lost to the array.
Result<void> check_sizes(const md::NewArray& array)
{
    const Device *smallest = nullptr, *largest = nullptr;
    for (const std::optional<Device>& member : array.members) {
        if (!member) continue;
        if (smallest == nullptr || member->size < smallest->size) smallest = &*member;
        if (largest == nullptr || member->size > largest->size) largest = &*member;
    }
    if (smallest->size < least_member)
        return fail(ErrorKind::refused,
                    fmt::format("{} has {}, too little for a member of an array ({} at least)",
                                shown(*smallest), to_text(smallest->size), to_text(least_member)),
                    "take a larger device");
    // mdadm too calls one per cent the bound, and asks.
    if (smallest->size.count < largest->size.count - largest->size.count / 100)
        return fail(ErrorKind::refused,
                    fmt::format("{} has {} bytes and {} has {}: they differ by more than 1 %",
                                shown(*smallest), smallest->size.count, shown(*largest), largest->size.count),
                    "take devices of one size, or make a partition of that size on the larger one");
    return {};
}

void write_create_checks(PlanBuilder& plan, const md::NewArray& array)
{
    std::set<std::string> seen;
    int number = 0;
    for (const std::optional<Device>& member : array.members) {
        ++number;
        if (!member) continue;
        plan.check(fmt::format("member-{}.blank", number),
                   fmt::format("nothing is on {} and nothing uses it", shown(*member)), is_blank(*member));
        if (!seen.insert(member->disk.name).second) continue;
        plan.plan().locks.push_back("disk:" +
                                    (member->disk.by_id.empty() ? member->disk.name : member->disk.by_id));
        if (!member->disk.by_id.empty())
            plan.check(fmt::format("member-{}.identity", number),
                       fmt::format("{} is the disk that was named", shown(member->disk)),
                       disk::is(member->disk));
    }
}

Result<operation::Plan> make_array(host::Host& machine, const std::map<std::string, std::string>& arguments)
{
    const Inventory host = TRY(read_inventory(machine));
    const std::string conf = TRY(one_of(arguments, "conf", "no", {"yes", "no"}));
    const md::NewArray array = TRY(asked_for(machine, host, arguments));
    TRY(check_sizes(array));
    const uint64_t there = array.members.size() - array.missing();
    PlanBuilder plan(
        "array.create",
        fmt::format("Make {}, a {} of {} devices{}", array.node, array.level, array.members.size(),
                    array.missing() > 0 ? fmt::format(", {} missing", array.missing()) : ""),
        {{"level", array.level}, {"devices", arguments.at("devices")}, {"uuid", array.uuid}});
    write_create_checks(plan, array);
    operation::Step& create = plan.activate("create", "make the array", md::create(array));
    for (const std::optional<Device>& member : array.members) {
        if (member && !member->disk.by_id.empty()) create.identity.push_back(disk::is(member->disk));
    }
    create.expects = {md::is_as_made(array)};
    plan.plan().fingerprints = {md::run_fingerprint(array)};
    if (conf == "yes") {
        plan.activate("conf", fmt::format("name it in {}", md::conf_path),
                      md::add_conf_line(array.node, array.metadata, array.uuid));
        plan.plan().fingerprints.push_back(md::conf_fingerprint());
    }
    plan.plan().gates.push_back(
        {"members", fmt::format("{} keeps all its members", array.node), md::is_as_made(array)});
    plan.plan().topology = {
        fmt::format("{}: {} with {} of {} members; what is copied in it goes on by itself", array.node,
                    array.level, there, array.members.size()),
        conf == "yes" ? "for an array that is needed to boot: update-initramfs -u after the commit"
                      : fmt::format("udev assembles it at each boot; for a fixed name add its line to {} "
                                    "(mdadm --detail --brief), then update-initramfs -u",
                                    md::conf_path)};
    plan.plan().left_by_abort = {
        "the blocks of the devices between their first and last 64 KiB: they were blank to us, and may hold "
        "what was written to the array"};
    return plan.build();
}

}  // namespace

Procedure array_create()
{
    return {
        .name = "array.create",
        .summary = "make an array of devices that nothing uses",
        .description =
            "Makes a RAID of disks or partitions that are blank; a member that comes later is written as "
            "\"missing\". Its UUID is decided in the plan. Abort stops it, and puts the first and last 64 "
            "KiB of each device back; commit leaves it as it is.",
        .source = "mdadm(8), create mode",
        .arguments = {{"level", "0, 1, 4, 5, 6 or 10", "1", true},
                      {"devices", "disks or partitions, commas between, or missing", "LAB0003,missing", true},
                      {"name", "it becomes /dev/md/NAME; else the next free number", "data", false},
                      {"bitmap", "internal or none; internal unless it is a raid0", "internal", false},
                      {"metadata", "1.0, 1.1 or 1.2", "1.2", false},
                      {"chunk", "how much is on one device before the next", "512K", false},
                      {"conf", "yes: write its line into mdadm.conf", "no", false}},
        .make = make_array};
}

}  // namespace belay::procedures
