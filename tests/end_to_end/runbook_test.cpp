// The shipped runbooks as a person uses them, on a real kernel: there and back, and back by themselves.

#include "base/json.h"
#include "host.h"

#include <doctest/doctest.h>
#include <filesystem>

namespace belay {
namespace {

using Words = std::vector<std::string>;

/// A host with a small service and, where it is asked for, a package archive; what must outlive a power cut
/// is on a disk.
class Bench {
  public:
    Bench() { boot(); }

    void boot()
    {
        host_.reset();
        auto host = lab::Host::boot(
            folder_,
            {.name = "runbook", .disks = {{"state", {128 << 20}, "LAB-state"}}, .modules = {"raid1"}});
        REQUIRE_MESSAGE(host.has_value(), host.error().what);
        host_ = std::move(*host);
        const std::string disk = host_->device("state");
        shell("blkid " + disk + " >/dev/null || mke2fs -q -t ext4 " + disk +
              "; mkdir -p /mnt/disk /var/lib/belay; mount " + disk +
              " /mnt/disk; mkdir -p /mnt/disk/belay /mnt/disk/srv; mount --bind /mnt/disk/belay "
              "/var/lib/belay");
        // The service listens on the port that its file names.
        write("/usr/local/bin/demo-reload",
              "#!/bin/sh\n. /mnt/disk/srv/demo.conf\n[ -n \"$PORT\" ] || { echo 'demo.conf names no port' "
              ">&2; exit 1; }\n"
              "[ ! -e /run/demo.pid ] || kill \"$(cat /run/demo.pid)\"\n"
              "setsid nc -lk 127.0.0.1 \"$PORT\" </dev/null >/dev/null 2>&1 &\necho $! >/run/demo.pid\n"
              "for i in 1 2 3 4 5 6 7 8 9; do nc -z 127.0.0.1 \"$PORT\" && exit 0; sleep 0.1; done\n");
        shell("chmod 755 /usr/local/bin/demo-reload");
    }

    void write(const std::string& path, const std::string& text)
    {
        const auto outcome = host_->run({"tee", path}, text);
        REQUIRE((outcome && outcome->exit_code == 0));
    }
    std::string shell(const std::string& line)
    {
        const auto outcome = host_->run({"sh", "-c", line});
        REQUIRE_MESSAGE(outcome.has_value(), outcome.error().what);
        INFO(line, "\n", outcome->out, outcome->err);
        REQUIRE(outcome->exit_code == 0);
        return outcome->out;
    }
    host::Outcome belay(Words words)
    {
        words.insert(words.begin(), std::filesystem::read_symlink("/proc/self/exe").parent_path() / "belay");
        const auto outcome = host_->run(words, {}, std::chrono::minutes(5));
        REQUIRE_MESSAGE(outcome.has_value(), outcome.error().what);
        return *outcome;
    }
    /// belay runbook VERB of a shipped runbook, or of one at a path.
    host::Outcome runbook(const std::string& verb, const std::string& name, const Words& set,
                          const Words& more = {})
    {
        Words words = {"runbook", verb,
                       name.contains('/') ? name : fmt::format("{}/{}.toml", BELAY_RUNBOOKS, name)};
        for (const std::string& value : set) words.insert(words.end(), {"--set", value});
        words.insert(words.end(), more.begin(), more.end());
        return belay(words);
    }
    Json shown(const std::string& id) { return *parse_json(belay({"show", id, "--json"}).out); }
    void hold(const host::Outcome& outcome, int code, const std::string& part = "")
    {
        const std::string said = outcome.out + outcome.err;
        INFO(said);
        CHECK(outcome.exit_code == code);
        CHECK(said.contains(part));
    }
    void power_cut() { host_.reset(); }

  private:
    lab::Folder folder_ = *lab::Folder::make();
    std::unique_ptr<lab::Host> host_;
};

const std::string conf = "/mnt/disk/srv/demo.conf";
const Words service = {"path=" + conf, "new=/root/demo.conf", "reload=demo-reload",
                       "health=nc -z -w 2 127.0.0.1 7000"};

/// The service runs with its old file, and a new one waits.
void start_service(Bench& bench, const std::string& text)
{
    bench.write(conf, "PORT=7000\n# old\n");
    bench.shell("chmod 640 " + conf + "; demo-reload");
    bench.write("/root/demo.conf", text);
}

TEST_CASE("a configuration file is replaced, and comes back when somebody says so")
{
    Bench bench;
    start_service(bench, "PORT=7000\n# new\n");
    bench.hold(bench.runbook("lint", "service-config", {}), 0, "nothing is wrong");
    bench.hold(bench.runbook("plan", "service-config", service, {"--dry-run"}), 0,
               "cp /root/demo.conf " + conf);
    bench.hold(bench.runbook("add", "service-config", service), 0, "operation 1 is added");
    CHECK(bench.shell("cat " + conf) == "PORT=7000\n# old\n");
    bench.hold(bench.belay({"activate", "1"}), 0);
    CHECK(bench.shell("cat " + conf) == "PORT=7000\n# new\n");
    bench.hold(bench.belay({"abort", "1"}), 0);
    CHECK(bench.shell("cat " + conf) == "PORT=7000\n# old\n");
    CHECK(bench.shell("stat --format=%a " + conf) == "640\n");
    CHECK(bench.shown("1").at("verified") == true);
    CHECK(bench.shown("1").at("differences").empty());

    bench.hold(bench.runbook("run", "service-config", service, {"--yes", "--soak", "2s"}), 0);
    CHECK(bench.shell("cat " + conf) == "PORT=7000\n# new\n");
}

TEST_CASE("a bad configuration is refused where it can be tried, and goes back by itself where it cannot")
{
    Bench bench;
    start_service(bench, "# no port\n");
    Words tried = service;
    tried.push_back("try=grep -q PORT \"$1\"");
    bench.hold(bench.runbook("add", "service-config", tried), 3, "correct /root/demo.conf");
    CHECK(bench.shell("cat " + conf) == "PORT=7000\n# old\n");

    bench.hold(bench.runbook("add", "service-config", service), 0);
    bench.hold(bench.belay({"activate", "1"}), 1, "demo.conf names no port");
    CHECK(bench.shown("1").at("state") == "aborted");
    CHECK(bench.shell("cat " + conf) == "PORT=7000\n# old\n");
    bench.shell("nc -z -w 2 127.0.0.1 7000");
}

TEST_CASE("a service that dies in the soak brings the old configuration back")
{
    Bench bench;
    start_service(bench, "PORT=7000\n# new\n");
    bench.hold(bench.runbook("add", "service-config", service), 0);
    bench.hold(bench.belay({"activate", "1"}), 0);
    bench.shell("kill \"$(cat /run/demo.pid)\"; rm /run/demo.pid");
    bench.hold(bench.belay({"show", "1", "--follow"}), 0, "aborted");
    CHECK(bench.shell("cat " + conf) == "PORT=7000\n# old\n");
    bench.shell("nc -z -w 2 127.0.0.1 7000");
}

TEST_CASE("the power goes in the soak; what was begun can be taken back after the boot")
{
    Bench bench;
    start_service(bench, "PORT=7000\n# new\n");
    bench.hold(bench.runbook("add", "service-config", service), 0);
    bench.hold(bench.belay({"activate", "1"}), 0);
    bench.power_cut();
    bench.boot();
    CHECK(bench.shell("cat " + conf) == "PORT=7000\n# new\n");
    CHECK(bench.shown("1").at("state") == "activated");
    bench.hold(bench.belay({"abort", "1"}), 0);
    CHECK(bench.shell("cat " + conf) == "PORT=7000\n# old\n");
    CHECK(bench.shown("1").at("verified") == true);
}

TEST_CASE("what commands did is there after a power cut in the moment in which the journal says so")
{
    Bench bench;
    const std::string page = "/root/files.toml";
    const std::string text = R"(name = "files"
summary = "Make and remove files by commands"

[[step]]
name = "make"
title = "Make"
phase = "activate"
run = ["cp", "/etc/passwd", "/mnt/disk/srv/made"]
undo = ["rm", "/mnt/disk/srv/made"]

[[step]]
name = "let-go"
title = "Let go"
phase = "commit"
run = ["rm", "/mnt/disk/srv/old"]
one-way = "it is gone"
)";
    const auto cut_after = [&](const Words& words) {
        bench.hold(bench.belay(words), 0);
        bench.power_cut();
        bench.boot();
    };
    bench.write(page, text);
    bench.shell("echo old >/mnt/disk/srv/old; sync");
    bench.hold(bench.runbook("add", page, {}), 0);
    cut_after({"activate", "1"});
    CHECK(bench.shown("1").at("state") == "activated");
    CHECK(bench.shell("cat /mnt/disk/srv/made") == bench.shell("cat /etc/passwd"));
    cut_after({"abort", "1"});
    CHECK(bench.shown("1").at("state") == "aborted");
    CHECK(bench.shell("ls /mnt/disk/srv") == "old\n");

    bench.write(page, text);
    bench.hold(bench.runbook("add", page, {}), 0);
    bench.hold(bench.belay({"activate", "2"}), 0);
    cut_after({"commit", "2"});
    CHECK(bench.shown("2").at("state") == "committed");
    CHECK(bench.shell("ls /mnt/disk/srv") == "made\n");
}

TEST_CASE("a setting of the kernel is changed, and the timer takes it back")
{
    Bench bench;
    const std::string look = "sysctl --values dev.raid.speed_limit_max";
    const std::string file = "/etc/sysctl.d/90-belay-dev.raid.speed_limit_max.conf";
    const std::string old = bench.shell(look);
    const Words set = {"setting=dev.raid.speed_limit_max", "value=123456"};
    bench.hold(bench.runbook("add", "kernel-setting", set, {"--timer", "3s"}), 0);
    bench.hold(bench.belay({"activate", "1"}), 0);
    CHECK(bench.shell(look) == "123456\n");
    CHECK(bench.shell("tail -n 1 " + file) == "dev.raid.speed_limit_max = 123456\n");
    bench.hold(bench.belay({"show", "1", "--follow"}), 0, "the timer ran out");
    CHECK(bench.shell(look) == old);
    bench.shell("test ! -e " + file);
    CHECK(bench.shown("1").at("verified") == true);

    bench.hold(bench.runbook("run", "kernel-setting", set, {"--yes"}), 0);
    CHECK(bench.shell(look) == "123456\n");
    bench.hold(bench.runbook("plan", "kernel-setting", {"setting=no.such", "value=1"}), 3, "no.such");
    bench.hold(bench.runbook("plan", "kernel-setting", {"setting=a b", "value=1"}), 2, "not as its pattern");
}

/// An archive with three versions of a package: 3.0 cannot be configured.
void make_archive(Bench& bench)
{
    bench.shell(R"(
rm -rf /etc/apt/sources.list.d/* /etc/apt/preferences.d/*; mkdir -p /srv/archive
echo 'deb [trusted=yes] copy:/srv/archive ./' >/etc/apt/sources.list
for v in 1.0 2.0 3.0; do
    mkdir -p /tmp/p/DEBIAN /tmp/p/usr/share/belay-demo
    echo $v >/tmp/p/usr/share/belay-demo/version
    printf 'Package: belay-demo\nVersion: %s\nArchitecture: all\nMaintainer: a test\nDescription: a test\n' $v >/tmp/p/DEBIAN/control
    [ $v != 3.0 ] || { printf '#!/bin/sh\nexit 1\n' >/tmp/p/DEBIAN/postinst; chmod 755 /tmp/p/DEBIAN/postinst; }
    dpkg-deb --build /tmp/p /srv/archive >/dev/null; rm -rf /tmp/p
done
cd /srv/archive && dpkg-scanpackages --multiversion . >Packages 2>/dev/null
apt-get update >/dev/null && apt-get install --yes belay-demo=1.0 >/dev/null 2>&1)");
}

TEST_CASE("a package is upgraded, and its old version is the way back")
{
    Bench bench;
    make_archive(bench);
    const auto version = [&] {
        return bench.shell(
            "cat /usr/share/belay-demo/version; dpkg-query -W -f '${db:Status-Abbrev}${Version}' belay-demo");
    };
    const Words to2 = {"package=belay-demo", "version=2.0", "health=test -e /usr/share/belay-demo/version"};
    bench.hold(bench.runbook("add", "package-upgrade", to2), 0);
    CHECK(version() == "1.0\nii 1.0");
    bench.shell("rm -r /srv/archive");  // the way back needs no archive, and the way on neither
    bench.hold(bench.belay({"activate", "1"}), 0);
    CHECK(version() == "2.0\nii 2.0");
    bench.hold(bench.belay({"abort", "1"}), 0);
    CHECK(version() == "1.0\nii 1.0");
    CHECK(bench.shown("1").at("verified") == true);
    CHECK(bench.shown("1").at("differences").empty());
    bench.shell("test ! -e /var/cache/belay/package-upgrade/belay-demo");
}

TEST_CASE("a package that cannot be configured goes back by itself")
{
    Bench bench;
    make_archive(bench);
    const Words set = {"package=belay-demo", "version=3.0", "health=true"};
    bench.hold(bench.runbook("add", "package-upgrade", set), 0);
    bench.hold(bench.belay({"activate", "1"}), 1);
    CHECK(bench.shown("1").at("state") == "aborted");
    CHECK(bench.shown("1").at("differences").empty());
    CHECK(bench.shell("dpkg-query -W -f '${db:Status-Abbrev}${Version}' belay-demo") == "ii 1.0");
    const Words to2 = {"package=belay-demo", "version=2.0", "health=true"};
    bench.hold(bench.runbook("run", "package-upgrade", to2, {"--yes"}), 0);
    CHECK(bench.shell("dpkg-query -W -f '${db:Status-Abbrev}${Version}' belay-demo") == "ii 2.0");
}

TEST_CASE("the daemon is killed in a step that nobody can see: a person decides, and nothing ran twice")
{
    Bench bench;
    bench.write("/root/blind.toml", R"(name = "blind"
summary = "Count"
[[step]]
name = "count"
title = "Count one more"
phase = "activate"
run = ["sh", "-c", "echo more >>/root/count; sleep 2; echo over >/root/over"]
undo = ["sed", "-i", "$d", "/root/count"]
[fingerprint]
files = ["/root/count"]
)");
    bench.shell("echo first >/root/count");
    bench.hold(bench.runbook("add", "/root/blind.toml", {}), 0);
    bench.hold(bench.belay({"activate", "1", "--no-wait"}), 0);
    bench.shell(
        "until grep -q more /root/count; do sleep 0.05; done; pkill -KILL -x belayd; "
        "until test -e /root/over; do sleep 0.05; done; sleep 0.2");
    bench.hold(bench.belay({"show", "1", "--follow"}), 0, "nobody knows whether the step count ran");
    CHECK(bench.shown("1").at("state") == "held");
    CHECK(bench.shell("cat /root/count") == "first\nmore\n");
    bench.hold(bench.belay({"abort", "1"}), 0);
    CHECK(bench.shell("cat /root/count") == "first\n");
    CHECK(bench.shown("1").at("differences").empty());
}

}  // namespace
}  // namespace belay
