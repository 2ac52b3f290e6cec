#include "large_host/large_host.h"

#include "base/json.h"
#include "storage/listing.h"

namespace belay::large_host {
namespace {

using host::Answer;
using host::Call;
using host::Question;
namespace question = host::question;
using Texts = std::vector<std::string>;

constexpr size_t members_each = 3;
constexpr size_t attributes_each = 18;
constexpr uint64_t disk_sectors = 31'251'759'104;

/// The answers of a host that is nowhere, in the order in which the probe asks.
class LargeHost {
  public:
    std::vector<host::Contact> contacts()
    {
        list_devices();
        for (size_t array = 0; array < array_count; ++array) describe_array(array);
        list_links();
        list_bus_paths();
        mount_arrays();
        answer_for_disks();
        return std::move(contacts_);
    }

  private:
    void say(Question question, Answer answer)
    {
        contacts_.push_back({std::move(question), std::move(answer)});
    }
    void say_run(Texts argv, std::string out)
    {
        say(question::run({.argv = std::move(argv)}), host::Outcome{0, std::move(out), ""});
    }
    void say_file(const std::string& path, const std::string& text)
    {
        say(question::at(Call::read, path), text + "\n");
    }

    /// sda ... sdz, sdaa ... sdall
    static std::string disk_name(size_t number)
    {
        std::string letters;
        for (size_t rest = number + 1; rest > 0; rest = (rest - 1) / 26)
            letters.insert(letters.begin(), static_cast<char>('a' + (rest - 1) % 26));
        return "sd" + letters;
    }
    static std::string member(size_t array, size_t leg)
    {
        return disk_name(array * members_each + leg) + "1";
    }
    static std::string array_uuid(size_t array)
    {
        return fmt::format("{:08x}-1111-2222-3333-444444444444", array);
    }

    void add_device(Json row, const std::string& upper = {})
    {
        const std::string name = row.at("kname");
        say(question::at(Call::list, fmt::format("/sys/class/block/{}/holders", name)),
            upper.empty() ? Texts{} : Texts{upper});
        devices_.push_back(std::move(row));
    }

    void list_devices()
    {
        say_run({"udevadm", "settle", "--timeout=30"}, "");
        for (size_t disk = 0; disk < disk_count; ++disk) add_disk(disk);
        for (size_t array = 0; array < array_count; ++array)
            add_device({{"kname", fmt::format("md{}", array)},
                        {"type", "raid1"},
                        {"size", 16'000'000'000'000},
                        {"fstype", "xfs"},
                        {"uuid", fmt::format("{:08x}-9999-4000-8000-000000000000", array)}});
        say_run({"lsblk", "--all", "--json", "--bytes", "--list", "--output", storage::lsblk_columns},
                Json{{"blockdevices", devices_}}.dump());
        say_run(
            {"lsblk", "--nodeps", "--json", "--bytes", "--list", "--output", storage::lsblk_identity_columns},
            Json{{"blockdevices", identities_}}.dump());
    }

    void add_disk(size_t disk)
    {
        const std::string name = disk_name(disk), serial = fmt::format("SER{:06}", disk);
        const size_t array = disk / members_each;
        add_device({{"kname", name},
                    {"type", "disk"},
                    {"size", disk_sectors * 512},
                    {"model", "HUH721216AL"},
                    {"serial", serial},
                    {"pttype", "gpt"},
                    {"ptuuid", fmt::format("{:08x}-0000-4000-8000-000000000000", disk)}});
        add_device({{"kname", name + "1"},
                    {"pkname", name},
                    {"type", "part"},
                    {"size", 16'000'899'612'672},
                    {"start", 2048},
                    {"partuuid", fmt::format("{:08x}-0000-4000-8000-000000000001", disk)},
                    {"fstype", "linux_raid_member"},
                    {"uuid", array_uuid(array)}},
                   array < array_count ? fmt::format("md{}", array) : "");
        identities_.push_back({{"kname", name},
                               {"type", "disk"},
                               {"size", disk_sectors * 512},
                               {"serial", serial},
                               {"wwn", nullptr}});
        links_["/dev/disk/by-id/ata-HUH721216AL_" + serial] = name;
        links_["/dev/disk/by-id/ata-HUH721216AL_" + serial + "-part1"] = name + "1";
    }

    void describe_array(size_t array)
    {
        const std::string name = fmt::format("md{}", array), md = fmt::format("/sys/block/{}/md/", name);
        const std::pair<const char*, const char*> facts[] = {
            {"level", "raid1"},        {"metadata_version", "1.2"}, {"array_state", "clean"},
            {"raid_disks", "3"},       {"degraded", "0"},           {"component_size", "15625000000"},
            {"bitmap/location", "+8"}, {"sync_action", "idle"},     {"sync_completed", "none"},
            {"sync_speed", "none"}};
        for (const auto& [file, text] : facts) say_file(md + file, text);
        say_file(md + "uuid", array_uuid(array));
        say_file(fmt::format("/sys/block/{}/size", name), "31250000000");
        Texts entries;
        for (size_t leg = 0; leg < members_each; ++leg) {
            entries.push_back("dev-" + member(array, leg));
            say_file(md + entries.back() + "/state", "in_sync");
            say_file(md + entries.back() + "/slot", fmt::format("{}", leg));
        }
        say(question::at(Call::list, md.substr(0, md.size() - 1)), entries);
        links_[fmt::format("/dev/disk/by-id/md-uuid-{:08x}:11112222:33334444:44444444", array)] = name;
    }

    void list_links()
    {
        Texts names;
        for (const auto& [path, device] : links_) {
            names.push_back(path.substr(path.rfind('/') + 1));
            say(question::at(Call::resolve, path), "/dev/" + device);
        }
        say(question::at(Call::list, "/dev/disk/by-id"), names);
    }

    void list_bus_paths()
    {
        Texts names;
        for (size_t disk = 0; disk < disk_count; ++disk) {
            names.push_back(fmt::format("pci-0000:3b:00.0-sas-phy{}-lun-0", disk));
            say(question::at(Call::resolve, "/dev/disk/by-path/" + names.back()), "/dev/" + disk_name(disk));
            names.push_back(names.back() + "-part1");
        }
        say(question::at(Call::list, "/dev/disk/by-path"), names);
    }

    /// SMART as an ATA disk tells it, with the attributes that such a disk has.
    void answer_for_disks()
    {
        for (size_t disk = 0; disk < disk_count; ++disk) {
            const std::string device = "/dev/" + disk_name(disk);
            Json table = Json::array();
            for (size_t id = 1; id <= attributes_each; ++id)
                table.push_back({{"id", id},
                                 {"name", id == 5 ? "Reallocated_Sector_Ct" : "Some_Attribute"},
                                 {"value", 100},
                                 {"worst", 100},
                                 {"thresh", 16},
                                 {"when_failed", ""},
                                 {"flags",
                                  {{"value", 11},
                                   {"string", "PO-R-- "},
                                   {"prefailure", true},
                                   {"updated_online", true},
                                   {"performance", false},
                                   {"error_rate", true},
                                   {"event_count", false},
                                   {"auto_keep", false}}},
                                 {"raw", {{"value", 0}, {"string", "0"}}}});
            const Json smart = {{"smartctl", {{"version", {7, 3}}, {"exit_status", 0}}},
                                {"device", {{"name", device}, {"type", "sat"}, {"protocol", "ATA"}}},
                                {"model_name", "HUH721216AL"},
                                {"serial_number", fmt::format("SER{:06}", disk)},
                                {"smart_status", {{"passed", true}}},
                                {"ata_smart_attributes", {{"revision", 16}, {"table", table}}}};
            say_run({"smartctl", "--json=c", "--info", "--health", "--attributes", "--log=error",
                     "--nocheck=standby", device},
                    smart.dump());
            answer_for_capacity(disk);
        }
    }

    /// Nothing is hidden.
    void answer_for_capacity(size_t disk)
    {
        const std::string device = "/dev/" + disk_name(disk);
        say(question::at(Call::resolve, "/sys/block/" + disk_name(disk)),
            fmt::format("/sys/devices/pci0000:3a/0000:3b:00.0/host0/target0:0:{}/block/{}", disk,
                        disk_name(disk)));
        say_run({"hdparm", "-N", device}, fmt::format("\n{}:\n max sectors   = {}/{}, HPA is disabled\n",
                                                      device, disk_sectors, disk_sectors));
        say_run({"hdparm", "--dco-identify", device},
                fmt::format("\n{}:\nDCO Checksum verified.\nDCO Revision: 0x0002\n"
                            "The following features can be selectively disabled via DCO:\n"
                            "\tTransfer modes:\n\t\t udma0 udma1 udma2 udma3 udma4 udma5 udma6\n"
                            "\tReal max sectors: {}\n\tATA command/feature sets:\n"
                            "\t\t SMART self_test error_log security HPA 48_bit\n",
                            device, disk_sectors));
    }

    void mount_arrays()
    {
        Json mounts = Json::array();
        for (size_t array = 0; array < array_count; ++array) {
            const std::string numbers = fmt::format("9:{}", array);
            mounts.push_back(
                {{"maj:min", numbers}, {"target", fmt::format("/srv/{}", array)}, {"fstype", "xfs"}});
            say(question::at(Call::resolve, "/sys/dev/block/" + numbers),
                fmt::format("/sys/block/md{}", array));
        }
        say_run({"findmnt", "--kernel", "--list", "--json", "--output", storage::findmnt_columns},
                Json{{"filesystems", mounts}}.dump());
        say_file("/proc/swaps", "Filename");
    }

    Json devices_ = Json::array();
    Json identities_ = Json::array();
    std::map<std::string, std::string> links_;
    std::vector<host::Contact> contacts_;
};

}  // namespace

std::vector<host::Contact> contacts()
{
    return LargeHost().contacts();
}

}  // namespace belay::large_host
