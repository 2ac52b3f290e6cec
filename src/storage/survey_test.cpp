// What the survey makes of a real machine, played back, and of tools that are missing, fail or say something
// else. The recordings of whole hosts are made by tests/end_to_end/storage_view.

#include "storage/survey.h"

#include "base/json.h"
#include "base/testing/must.h"
#include "host/recorded.h"
#include "host/recording.h"

#include <fstream>
#include <sstream>

namespace belay::storage::survey_test {
namespace {

using host::Outcome;
using Texts = std::vector<std::string>;

/// A recorded machine of which some answers are others.
class Machine {
  public:
    explicit Machine(const std::string& scene)
    {
        std::ifstream file(fmt::format("{}/{}.jsonl", BELAY_RECORDINGS, scene));
        std::stringstream text;
        text << file.rdbuf();
        for (host::RecordedContact& recorded : must(host::parse_recording(text.str())))
            contacts_.push_back(std::move(recorded.contact));
    }

    /// The program answers so to every question that has this word among its arguments.
    void answer(const std::string& program, const std::string& word, const Result<host::Answer>& said)
    {
        bool was_asked = false;
        for (host::Contact& contact : contacts_) {
            const Texts& argv = contact.question.argv;
            if (argv.empty() || argv.front() != program || std::ranges::find(argv, word) == argv.end())
                continue;
            contact.answer = said;
            was_asked = true;
        }
        REQUIRE_MESSAGE(was_asked, program, " ", word);
    }
    void add(Texts argv, const Outcome& said)
    {
        contacts_.push_back({host::question::run({.argv = std::move(argv)}), said});
    }
    void add(host::Question question, const host::Answer& said)
    {
        contacts_.push_back({std::move(question), said});
    }
    /// In what was answered, `from` is `to`.
    void replace(const std::string& from, const std::string& to)
    {
        std::string text = must(host::format_recording(contacts_));
        size_t count = 0;
        for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size(), ++count)
            text.replace(at, from.size(), to);
        REQUIRE_MESSAGE(count > 0, from);
        contacts_.clear();
        for (host::RecordedContact& recorded : must(host::parse_recording(text)))
            contacts_.push_back(std::move(recorded.contact));
    }

    Survey survey(Depth depth = Depth::health) const
    {
        return must(read_survey(*must(host::recorded_host(must(host::format_recording(contacts_)))), depth));
    }

  private:
    std::vector<host::Contact> contacts_;
};

Result<host::Answer> no_program(const std::string& name)
{
    return fail(ErrorKind::not_found, fmt::format("no program {} on this host", name),
                "apt install something");
}

/// "what: why; next" of each.
Texts left_out(const Survey& survey)
{
    Texts texts;
    for (const NotLooked& part : survey.not_looked)
        texts.push_back(fmt::format("{}: {}; {}", part.what, part.why, part.next));
    return texts;
}

Disk disk_named(const std::string& name)
{
    Disk disk;
    disk.name = name;
    return disk;
}

Json node(const Survey& survey, const std::string& id)
{
    const Json graph = graph_of(survey);
    for (const Json& one : graph.at("nodes")) {
        if (one.at("id") == id) return one;
    }
    FAIL("no node ", id);
    return {};
}

const parse::LvmLogical& volume(const Survey& survey, const std::string& name)
{
    REQUIRE(survey.lvm);
    const auto found = std::ranges::find(survey.lvm->logical, name, &parse::LvmLogical::name);
    REQUIRE(found != survey.lvm->logical.end());
    return *found;
}

std::string id_of(const Survey& survey, const std::string& name)
{
    return "lv:" + volume(survey, name).uuid;
}

}  // namespace

TEST_CASE("a sound host is seen whole: LVM, swap, loop, ESPs, SMART, where the disks are plugged in")
{
    const Survey survey = Machine("sound-host").survey();
    CHECK(left_out(survey) == Texts{});
    CHECK(survey.physical.size() == 4);
    CHECK(survey.lvm->groups.size() == 2);
    CHECK(volume(survey, "pool").metadata_percent > 5);
    CHECK(volume(survey, "before").origin == "home");
    REQUIRE(survey.swaps.size() == 1);
    CHECK(survey.swaps[0].path == "/srv/data/swap");
    CHECK(survey.loop_files == std::map<std::string, std::string>{{"loop0", "/srv/data/image"}});
    CHECK(survey.bus_paths.at("ubdc") == "platform-uml-blkdev.2");
    CHECK(survey.waiting.empty());
    REQUIRE(survey.smart.size() == 1);
    CHECK(survey.smart.at("sda").passed == true);
}

TEST_CASE("an ESP is read alike where it is mounted and where it is not")
{
    const Survey survey = Machine("sound-host").survey();
    REQUIRE(survey.esps.size() == 2);
    CHECK(survey.esps[0].mounted == "/boot/efi");
    CHECK(survey.esps[1].mounted.empty());
    CHECK(survey.esps[1].formatted);
    REQUIRE(survey.esps[0].files.size() == 3);
    for (size_t i = 0; i < 3; ++i) {
        CHECK(survey.esps[0].files[i].path == survey.esps[1].files[i].path);
        CHECK(survey.esps[0].files[i].digest == survey.esps[1].files[i].digest);
    }
    CHECK(survey.esps[0].files[0].path == "efi/boot/bootx64.efi");
}

TEST_CASE("the tree alone asks neither the disks nor the ESPs")
{
    const Survey survey = Machine("sound-host").survey(Depth::tree);
    CHECK(survey.lvm);
    CHECK(survey.smart.empty());
    CHECK(survey.esps.empty());
}

TEST_CASE("arrays that do not run are known by their members' superblocks, and LVM's missing disk by LVM")
{
    const Survey survey = Machine("troubled-host").survey();
    REQUIRE(survey.waiting.size() == 1);
    const WaitingArray& array = survey.waiting[0];
    CHECK(array.assembled == "md127");
    CHECK(array.level == "raid1");
    CHECK(array.members == Texts{"ubdf"});
    CHECK(array.wanted == 2);
    CHECK(array.active == 1);
    CHECK(node(survey, "array:" + array.uuid).at("state") == "inactive");
    CHECK(node(survey, "disk:ubdf").at("children") == Json{"array:" + array.uuid});
    CHECK(survey.physical.size() == 3);
    CHECK(volume(survey, "logs").fields.at("lv_health_status") == "partial");
}

TEST_CASE("the graph leads from the disk to the volumes, and has nothing of what LVM made for itself")
{
    const Survey survey = Machine("sound-host").survey();
    CHECK(node(survey, "partition:ubda3").at("children") == Json{"pv:ubda3"});
    const std::string group = node(survey, "pv:ubda3").at("children").at(0);
    CHECK(node(survey, "pv:ubdb3").at("children") == Json{group});
    CHECK(node(survey, group).at("children") == Json{id_of(survey, "home"), id_of(survey, "pool")});
    CHECK(node(survey, id_of(survey, "home")).at("children") == Json{id_of(survey, "before")});
    CHECK(node(survey, id_of(survey, "pool")).at("children") == Json{id_of(survey, "guest")});
    const Json guest = node(survey, id_of(survey, "guest"));
    CHECK(guest.at("kind") == "thin_lv");
    CHECK(guest.at("children").at(0) == "filesystem:" + guest.at("device").get<std::string>());
    CHECK(node(survey, "mount:/srv/data").at("children") == Json{"swap:/srv/data/swap", "other:loop0"});
    std::set<std::string> ids;
    const Json graph = graph_of(survey);
    for (const Json& one : graph.at("nodes")) {
        CHECK_MESSAGE(ids.insert(one.at("id")).second, one.at("id"));
        CHECK(!one.at("id").get<std::string>().starts_with("other:dm-"));
    }
    for (const Json& one : graph.at("nodes")) {
        for (const Json& child : one.at("children")) CHECK_MESSAGE(ids.contains(child), child);
    }
}

TEST_CASE("tools that are not installed cost their part and no more, and the package is named")
{
    Machine machine("troubled-host");
    for (const char* tool : {"lvm", "smartctl", "mdadm"}) {
        const std::string word = tool == std::string("lvm")     ? "fullreport"
                                 : tool == std::string("mdadm") ? "--examine"
                                                                : "--info";
        machine.answer(tool, word, no_program(tool));
    }
    machine.answer("env", "mdir", Outcome{127, "", "env: 'mdir': No such file or directory\n"});
    const Survey survey = machine.survey();
    CHECK(left_out(survey) ==
          Texts{"the superblocks of arrays that do not run: no program mdadm on this host; apt install mdadm",
                "LVM: no program lvm on this host; apt install lvm2",
                "SMART: no program smartctl on this host; apt install smartmontools",
                "the ESP on ubdb1: no program mdir on this host; apt install mtools"});
    CHECK(survey.inventory.disks.size() == 9);
    CHECK(survey.esps.size() == 2);  // the one that is mounted, and the one without a filesystem
    CHECK(graph_of(survey).at("not_looked").size() == 4);
    CHECK(node(survey, "disk:ubdc").at("children") == Json{"pv:ubdc"});
    CHECK(node(survey, "array:" + survey.waiting.at(0).uuid).at("state") == "inactive");
    // What device-mapper has is shown instead of the volumes.
    CHECK(node(survey, "partition:ubda3").at("children").at(0).get<std::string>().starts_with("other:dm-"));
}

TEST_CASE("tools that take too long, fail or talk nonsense are told of with their own words")
{
    Machine machine("sound-host");
    machine.answer("lvm", "fullreport", Outcome{5, "", "  WARNING: x\n  Unrecognised field: vg_systemid\n"});
    machine.answer("smartctl", "/dev/sda", fail(ErrorKind::timeout, "smartctl took longer than 15 s"));
    machine.answer("env", "mdir", Outcome{1, "", "init :: non DOS media\nCannot initialize '::'\n"});
    CHECK(left_out(machine.survey()) ==
          Texts{"LVM: lvm ended with 5: Unrecognised field: vg_systemid; lvm fullreport",
                "SMART of sda: smartctl took longer than 15 s; ",
                "the ESP on ubdb1: Cannot initialize '::' (exit code 1); "});
    machine.answer("lvm", "fullreport", Outcome{0, "Hello\n", ""});
    machine.answer("smartctl", "/dev/sda", Outcome{1, "Usage: smartctl\n", ""});
    machine.answer("env", "sh", Outcome{143, "", "Terminated\n"});
    const Texts texts = left_out(machine.survey());
    REQUIRE(texts.size() == 3);
    CHECK(texts[0].starts_with("LVM: "));
    CHECK(texts[1].starts_with("SMART of sda: "));
}

TEST_CASE("a disk that sleeps is not woken, and one behind a controller that hides it is not found")
{
    const auto said = [](int exit, const std::string& message) {
        return Outcome{exit,
                       Json{{"smartctl",
                             {{"exit_status", exit},
                              {"messages", {{{"string", message}, {"severity", "information"}}}}}},
                            {"device", {{"name", "/dev/sda"}}}}
                           .dump(),
                       ""};
    };
    Machine machine("sound-host");
    machine.answer("smartctl", "/dev/sda", said(2, "Device is in STANDBY mode, exit(2)"));
    CHECK(left_out(machine.survey()) ==
          Texts{"SMART of sda: asleep, and not woken: Device is in STANDBY mode; "});
    machine.answer("smartctl", "/dev/sda", said(1, "/dev/sda: Unable to detect device type"));
    CHECK(left_out(machine.survey()) == Texts{"SMART of sda: Unable to detect device type; "});
    // The upper bits speak of the disk, not of the asking.
    machine.answer("smartctl", "/dev/sda", said(64 | 8 | 4, "Warning"));
    CHECK(machine.survey().smart.contains("sda"));
}

namespace {

/// sda of the sound host as an ATA disk that is awake, with what hdparm says of it.
class AtaMachine : public Machine {
  public:
    explicit AtaMachine(const std::string& at = "/sys/devices/pci0000:00/0000:00:1f.2/ata1/block/sda")
        : Machine("sound-host")
    {
        answer("smartctl", "/dev/sda",
               Outcome{0,
                       Json{{"smartctl", {{"exit_status", 0}}},
                            {"device", {{"name", "/dev/sda"}, {"type", "sat"}, {"protocol", "ATA"}}}}
                           .dump(),
                       ""});
        add(host::question::at(host::Call::resolve, "/sys/block/sda"), at);
    }
    void say_max(const std::string& out, const std::string& err = "")
    {
        add({"hdparm", "-N", "/dev/sda"}, {0, "\n/dev/sda:\n" + out, err});
    }
    void say_dco(const std::string& out, const std::string& err = "")
    {
        add({"hdparm", "--dco-identify", "/dev/sda"}, {0, "\n/dev/sda:\n" + out, err});
    }
};

uint64_t sectors_of_sda()
{
    const Disk disk = must(Machine("sound-host").survey(Depth::tree).inventory.disk("sda"));
    return disk.size.count / disk.logical_sector;
}

std::string shown_of(uint64_t native, const char* said = "HPA is enabled")
{
    return fmt::format(" max sectors   = {}/{}, {}\n", sectors_of_sda(), native, said);
}

std::string dco_of(uint64_t sectors)
{
    return fmt::format("DCO Checksum verified.\nDCO Revision: 0x0002\n\tReal max sectors: {}\n", sectors);
}

}  // namespace

TEST_CASE("an ATA disk that is awake is asked for what it hides, in sectors of its own")
{
    AtaMachine machine;
    machine.say_max(shown_of(sectors_of_sda() + 100));
    machine.say_dco(dco_of(sectors_of_sda() + 300));
    const Survey survey = machine.survey();
    CHECK(left_out(survey) == Texts{});
    const AtaCapacity& capacity = survey.ata_capacities.at("sda");
    const uint64_t sector = survey.inventory.disk("sda")->logical_sector;
    CHECK(capacity.native.count == (sectors_of_sda() + 100) * sector);
    CHECK(capacity.built->count == (sectors_of_sda() + 300) * sector);
    CHECK(machine.survey(Depth::tree).ata_capacities.empty());
}

TEST_CASE("a disk that is no ATA disk is not asked, nor one behind a bridge of USB")
{
    // The recordings have no answer of hdparm's: a question would be told as not looked at.
    CHECK(left_out(Machine("sound-host").survey()) == Texts{});
    CHECK(left_out(AtaMachine("/sys/devices/pci0000:00/0000:00:14.0/usb2/2-1/block/sda").survey()) ==
          Texts{});
}

TEST_CASE("a disk that refuses the question has no HPA; a DCO that is refused or makes no sense is not told")
{
    AtaMachine refusing;
    refusing.say_max(" max sectors   = 100/1, HPA setting seems invalid\n",
                     "SG_IO: bad/missing sense data, sb[]:  70 00 0b 00 00 00 00 0a\n");
    CHECK(left_out(refusing.survey()) == Texts{});
    CHECK(refusing.survey().ata_capacities.empty());
    for (const std::string& dco : {dco_of(1), dco_of(sectors_of_sda() - 1),
                                   std::string("DCO Checksum FAILED!\n"), std::string("x\n")}) {
        AtaMachine machine;
        machine.say_max(shown_of(sectors_of_sda(), "HPA is disabled"));
        machine.say_dco(dco);
        const Survey survey = machine.survey();
        CHECK(left_out(survey) == Texts{});
        CHECK_FALSE(survey.ata_capacities.at("sda").built);
    }
    AtaMachine newer;  // it has no DCO, and is not asked for one
    newer.say_max(shown_of(sectors_of_sda(), "ACCESSIBLE MAX ADDRESS disabled"));
    CHECK(left_out(newer.survey()) == Texts{});
    CHECK(newer.survey().ata_capacities.at("sda").by_accessible_max_address);
}

TEST_CASE("an answer that cannot be right raises nothing, and is told as not looked at")
{
    const auto told_of = [](const std::string& out, const std::string& err = "") {
        AtaMachine machine;
        machine.say_max(out, err);
        const Survey survey = machine.survey();
        CHECK(survey.ata_capacities.empty());
        const Texts texts = left_out(survey);
        REQUIRE(texts.size() == 1);
        return texts.front();
    };
    CHECK(told_of(" max sectors   = 0/1, HPA is enabled\n") ==
          "HPA and DCO of sda: what hdparm says of its sectors does not fit its size; ");
    CHECK(told_of(" max sectors   = 5/976773168, HPA is enabled\n") ==
          "HPA and DCO of sda: what hdparm says of its sectors does not fit its size; ");
    CHECK(told_of(shown_of(1, "HPA setting seems invalid (buggy kernel device driver?)")) ==
          "HPA and DCO of sda: hdparm: HPA setting seems invalid (buggy kernel device driver?); ");
    CHECK(told_of(shown_of(sectors_of_sda() + 9),
                  "SG_IO: bad/missing sense data, sb[]:  70 00 05 00 00 00 00 0a\n") ==
          "HPA and DCO of sda: hdparm: SG_IO: bad/missing sense data (illegal request); ");
    CHECK(told_of("", "").starts_with("HPA and DCO of sda: this output of `hdparm -N` is cut"));
}

TEST_CASE("without hdparm it is named with its package, and only where there is an ATA disk to ask")
{
    AtaMachine machine;
    machine.say_max("");
    machine.answer("hdparm", "-N", no_program("hdparm"));
    CHECK(left_out(machine.survey()) ==
          Texts{"HPA and DCO: no program hdparm on this host; apt install hdparm"});
    machine.answer("hdparm", "-N", fail(ErrorKind::timeout, "hdparm took longer than 15 s"));
    CHECK(left_out(machine.survey()) == Texts{"HPA and DCO of sda: hdparm took longer than 15 s; "});
}

TEST_CASE("recordings of the inventory alone still load, and say what they do not hold")
{
    const Survey survey = Machine("leg-failed").survey();
    CHECK(left_out(survey) == Texts{});
    CHECK(survey.inventory.disks.size() == 8);
    CHECK(survey.inventory.arrays.size() == 1);
    CHECK(left_out(Machine("removed").survey()) == Texts{});
}

TEST_CASE("ZFS: from the disk to the vdev, the pool, the datasets and what is mounted; and pools away")
{
    Machine machine("sound-host");
    machine.replace(R"(\"LVM2_member\")", R"(\"zfs_member\")");
    machine.answer("lvm", "fullreport", Outcome{0, R"({"report": []})", ""});
    const Survey before = machine.survey();
    CHECK(left_out(before).size() == 1);  // the recording has no zpool
    const std::string member = before.inventory.disk("LAB-c")->content.uuid;

    machine.add({"zpool", "status", "-P"},
                {0,
                 "  pool: tank\n state: DEGRADED\n  scan: none requested\nconfig:\n\n"
                 "\tNAME  STATE READ WRITE CKSUM\n"
                 "\ttank  DEGRADED 0 0 0\n"
                 "\t  mirror-0  DEGRADED 0 0 0\n"
                 "\t    /dev/disk/by-id/ubd-LAB-c  ONLINE 0 0 7\n"
                 "\t    /dev/disk/by-id/ubd-GONE  UNAVAIL 0 0 0\n"
                 "\tlogs\n"
                 "\t  /dev/disk/by-id/ubd-LAB-d  ONLINE 0 0 0\n\n"
                 "errors: No known data errors\n",
                 ""});
    machine.add({"zpool", "list", "-H", "-p", "-o", zpool_columns},
                {0, "tank\t" + member + "\t1000\t600\t400\t60\tDEGRADED\n", ""});
    machine.add({"zfs", "list", "-H", "-p", "-t", "filesystem,volume", "-o", zfs_columns},
                {0,
                 "tank\tfilesystem\t600\t400\t24\t-\t/tank\tyes\n"
                 "tank/mail\tfilesystem\t500\t400\t500\t-\t/srv/mail\tyes\n"
                 "tank/mail/old\tfilesystem\t50\t400\t50\t-\tlegacy\tno\n"
                 "tank/disk\tvolume\t50\t400\t50\t209715200\t-\t-\n",
                 ""});
    machine.add(host::question::at(host::Call::resolve, "/dev/zvol/tank/disk"), std::string("/dev/ubdh"));
    const Survey survey = machine.survey();
    CHECK(left_out(survey) == Texts{});
    CHECK(node(survey, "disk:ubdc").at("children") == Json{"vdev:tank/mirror-0//dev/disk/by-id/ubd-LAB-c"});
    const Json leaf = node(survey, "vdev:tank/mirror-0//dev/disk/by-id/ubd-LAB-c");
    CHECK(leaf.at("checksum_errors") == "7");
    CHECK(leaf.at("children") == Json{"vdev:tank/mirror-0"});
    const Json mirror = node(survey, "vdev:tank/mirror-0");
    CHECK(mirror.at("active") == 1);
    CHECK(mirror.at("wanted") == 2);
    CHECK(mirror.at("children") == Json{"pool:tank"});
    const Json log = node(survey, "vdev:tank//dev/disk/by-id/ubd-LAB-d");
    CHECK(log.at("group") == "logs");
    CHECK(log.at("children") == Json{"pool:tank"});
    CHECK(node(survey, "pool:tank").at("children") ==
          Json{"mount:/tank", "dataset:tank/mail", "dataset:tank/disk"});
    CHECK(node(survey, "dataset:tank/mail").at("children") ==
          Json{"mount:/srv/mail", "dataset:tank/mail/old"});
    CHECK(node(survey, "dataset:tank/disk").at("kind") == "zvol");
    // The zvol's device is no disk of its own.
    const Json graph = graph_of(survey);
    for (const Json& root : graph.at("roots")) CHECK(root != "disk:ubdh");

    const std::vector<PoolAway> away = pools_away(survey);
    REQUIRE(away.size() == 3);  // the other three have UUIDs of their own
    CHECK(away[0].devices == Texts{"ubda3"});
    CHECK(node(survey, "pool:" + away[0].guid).at("state") == "not imported");
}

TEST_CASE("a pool that cannot be asked is not said to be away")
{
    Machine machine("sound-host");
    machine.replace(R"(\"LVM2_member\")", R"(\"zfs_member\")");
    machine.answer("lvm", "fullreport", Outcome{0, R"({"report": []})", ""});
    machine.add({"zpool", "status", "-P"}, {1, "", "cannot open /dev/zfs: Permission denied\n"});
    const Survey survey = machine.survey();
    CHECK(left_out(survey) == Texts{"ZFS: zpool ended with 1: cannot open /dev/zfs: Permission denied; "});
    CHECK(pools_away(survey).empty());
    const std::string member = survey.inventory.disk("LAB-c")->content.uuid;
    CHECK(node(survey, "pool:" + member).at("state") == "not looked at");
}

TEST_CASE(
    "several paths to one disk: what is on it hangs under the multipath device, and SMART is asked once")
{
    Survey survey;
    survey.inventory.disks = {disk_named("sda"), disk_named("sdb")};
    for (Disk& disk : survey.inventory.disks) disk.content = {"ext4", "u", ""};
    survey.inventory.others = {{"dm-0", "mpath", {4096}, {"ext4", "u", ""}},
                               {"dm-1", "crypt", {4096}, {"xfs", "v", ""}}};
    survey.inventory.holders = {{"sda", "dm-0"}, {"sdb", "dm-0"}};
    survey.mapped = {{"dm-0", {"mpatha", "mpath-35000c500a1b2c3d4"}}, {"dm-1", {"secret", "CRYPT-LUKS2-x"}}};
    CHECK(node(survey, "disk:sda").at("children") == Json{"other:dm-0"});
    CHECK(node(survey, "disk:sdb").at("children") == Json{"other:dm-0"});
    CHECK(node(survey, "other:dm-0").at("kind") == "multipath");
    CHECK(node(survey, "other:dm-0").at("mapped") == "mpatha");
    CHECK(node(survey, "other:dm-0").at("children") == Json{"filesystem:dm-0"});
    CHECK(node(survey, "other:dm-1").at("kind") == "crypt");
}

TEST_CASE("what is masked: serial numbers, and world-wide names in every form that a tool writes")
{
    Survey survey;
    survey.inventory.disks = {disk_named("sda"), disk_named("sdb"), disk_named("nvme0n1")};
    survey.inventory.disks[0].serial = "S3Z8NB0K";
    survey.inventory.disks[0].wwn = "0x5000c500a1b2c3d4";
    survey.inventory.disks[1].serial = "abc";
    survey.inventory.disks[2].wwn = "eui.0025385b61b04b1c";
    survey.smart["sdb"].serial = "WD-WCC4N0123456";
    const Texts secrets = identities(survey);
    for (const char* secret : {"S3Z8NB0K", "0x5000c500a1b2c3d4", "5000c500a1b2c3d4", "2712847316",
                               "WD-WCC4N0123456", "eui.0025385b61b04b1c", "0025385b61b04b1c", "392480967452"})
        CHECK_MESSAGE(std::ranges::find(secrets, secret) != secrets.end(), secret);
    CHECK(std::ranges::find(secrets, "abc") == secrets.end());
}

TEST_CASE("what is masked of a disk that is gone: its name, which stays behind in a pool of ZFS")
{
    Pool pool;
    pool.status = must(parse::parse_zpool_status(
                           "  pool: tank\n state: DEGRADED\nconfig:\n\n\tNAME STATE READ WRITE CKSUM\n"
                           "\ttank DEGRADED 0 0 0\n\t  mirror-0 DEGRADED 0 0 0\n"
                           "\t    /dev/disk/by-id/virtio-S1234-part1 REMOVED 0 0 0\n"
                           "\t    /dev/disk/by-id/ata-HERE_77001122-part1 ONLINE 0 0 0\n"
                           "\t    123456789 UNAVAIL 0 0 0  was "
                           "/dev/disk/by-id/ata-WDC_WD30EFRX-68_WD-WMC4N17-part1\n"
                           "\tcache\n\t  /dev/disk/by-id/nvme-SSD_980_S64DNF0R_1 UNAVAIL 0 0 0\n"
                           "\t  /dev/disk/by-id/wwn-0x5000c500a1b2c3d4 UNAVAIL 0 0 0\n"
                           "errors: No known data errors\n"))
                      .pools.at(0);
    pool.devices = {{"/dev/disk/by-id/ata-HERE_77001122-part1", "sda1"}};
    Survey survey;
    survey.pools = {pool};
    Texts secrets = identities(survey);
    std::ranges::sort(secrets);
    CHECK(secrets == Texts{"0x5000c500a1b2c3d4", "S1234", "SSD_980_S64DNF0R_1", "WD-WMC4N17"});
}

}  // namespace belay::storage::survey_test
