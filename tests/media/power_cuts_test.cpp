// The power of a media server is cut while clients save: what they were told is kept is there.

#include "base/testing/must.h"
#include "lab/host.h"
#include "lab/own_folder.h"
#include "sampling.h"

#include <map>
#include <random>
#include <set>

namespace belay::media {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr const char* mount_point = "/srv/belay";
constexpr const char* socket = "/run/belay/media.sock";
constexpr const char* port = "8000";

/// A lab host that runs belayd-media on a disk of its own. The account anna has two repositories.
class MediaHost {
  public:
    explicit MediaHost(const std::string& filesystem)
    {
        boot();
        said(fmt::format("mkfs.{} -q {}", filesystem, host_->device("data")));
        mount();
        start_server();
        said(
            fmt::format("echo 'open sesame' > /run/password; {} media add anna --access full "
                        "--password-file /run/password --media-state {}",
                        program("belay"), state()));
        said(
            fmt::format("curl -sf -u 'anna:open sesame' -X POST "
                        "'http://127.0.0.1:{}/anna/blobs/?create=true'",
                        port));
        said(restic("init"));
    }

    void boot()
    {
        host_ = must(lab::Host::boot(
            folder_,
            {.name = "media", .memory = {384 << 20}, .disks = {{"data", {1 << 30}}}, .modules = {}}));
    }
    void mount() { said(fmt::format("mkdir -p {0} && mount {1} {0}", mount_point, host_->device("data"))); }
    void start_server()
    {
        said("mkdir -p /run/belay");
        server_.emplace(start({program("belayd-media"), "--listen", fmt::format("127.0.0.1:{}", port),
                               "--data", data(), "--state-dir", state(), "--without-tls"}));
        said(fmt::format("until test -S {}; do sleep 0.05; done", socket));
    }
    void power_cut()
    {
        host_->power_cut();
        server_.reset();
    }

    lab::Process start(std::vector<std::string> argv) { return must(host_->start(std::move(argv))); }
    /// What a shell command in the guest prints; it must succeed.
    std::string said(const std::string& script)
    {
        const host::Outcome outcome = must(host_->run({"sh", "-c", script}, {}, 120s));
        REQUIRE_MESSAGE(outcome.exit_code == 0, script, ": ", outcome.err, outcome.out);
        return outcome.out;
    }
    /// A shell command, on the repository anna/docs.
    static std::string restic(const std::string& words)
    {
        return fmt::format(
            "RESTIC_PASSWORD=secret restic --no-cache -r "
            "'rest:http://anna:open%20sesame@127.0.0.1:{}/anna/docs/' {}",
            port, words);
    }
    static std::string program(const std::string& name) { return lab::own_folder() + "/" + name; }
    static std::string data() { return std::string(mount_point) + "/data"; }
    static std::string state() { return std::string(mount_point) + "/state"; }

  private:
    const lab::Folder folder_ = must(lab::Folder::make());
    std::unique_ptr<lab::Host> host_;
    std::optional<lab::Process> server_;
};

/// Takes what a process has said so far, line by line; what is no whole line waits.
void take_lines(lab::Process& process, std::string& rest, const std::function<void(const std::string&)>& take)
{
    // Nothing, or nothing any more: the power may have been cut.
    const Result<std::string> said = process.read(1ms);
    if (!said) return;
    rest += *said;
    for (size_t end = rest.find('\n'); end != std::string::npos; end = rest.find('\n')) {
        take(rest.substr(0, end));
        rest.erase(0, end + 1);
    }
}

/// What clients were told.
struct Told {
    std::set<std::string> files;      ///< "KIND ID", of the repository blobs
    std::set<std::string> snapshots;  ///< of the repository docs, by their first digits
};

/// Who saves when the power is cut.
enum class Client {
    sender,
    restic,
    done,  ///< a sender that has sent three: nothing that comes later syncs what they left
};

std::vector<std::string> words_of(Client client, unsigned seed)
{
    const std::string sender = fmt::format("{} {} {}", MediaHost::program("belay-media-sender"), port, seed);
    if (client == Client::sender) return {"sh", "-c", sender};
    if (client == Client::done) return {"sh", "-c", sender + " 3; echo done"};
    // Each time with something new; that there is a snapshot is seen as soon as it is said.
    const std::string backup = MediaHost::restic("backup /run/new 2>&1");
    return {"sh", "-c", "while :; do head -c 3000000 /dev/urandom > /run/new; " + backup + "; done"};
}

/// Cuts the power some time after the client was told first that something is kept; adds all that it was
/// told.
void save_until_cut(MediaHost& host, Client client, unsigned seed, Milliseconds time, Told& told)
{
    lab::Process process = host.start(words_of(client, seed));
    std::string rest, said;
    bool is_told = false;
    const auto take = [&] {
        take_lines(process, rest, [&](const std::string& line) {
            constexpr std::string_view before = "snapshot ", after = " saved";
            const bool is_snapshot = line.starts_with(before) && line.ends_with(after);
            const bool is_done = line == "done";
            if (client != Client::restic && !is_done) told.files.insert(line);
            if (is_snapshot) told.snapshots.insert(line.substr(before.size(), 8));
            is_told = is_told || is_snapshot || is_done || client == Client::sender;
            said += line + "\n";
        });
    };
    const auto gives_up = Clock::now() + 90s;
    for (; !is_told && Clock::now() < gives_up; take()) continue;
    REQUIRE_MESSAGE(is_told, said);
    for (const auto until = Clock::now() + time; Clock::now() < until;) take();
    host.power_cut();
    take();
}

/// Every file that has the name of a digest, by "KIND ID", and its digest.
std::map<std::string, std::string> digests(MediaHost& host, const std::string& repository)
{
    const std::string said = host.said(
        fmt::format("cd {}/anna/{} && find . -type f -exec sha256sum {{}} +", MediaHost::data(), repository));
    std::map<std::string, std::string> all;
    for (size_t from = 0; from < said.size();) {
        const std::string line = said.substr(from, said.find('\n', from) - from);
        from += line.size() + 1;
        // "DIGEST  ./KIND/.../NAME"
        const std::string name = line.substr(line.rfind('/') + 1);
        if (name.size() != 64) continue;
        const size_t kind = line.find("./") + 2;
        all[fmt::format("{} {}", line.substr(kind, line.find('/', kind) - kind), name)] = line.substr(0, 64);
    }
    return all;
}

void survives_power_cuts(const std::string& filesystem, unsigned cuts)
{
    MediaHost host(filesystem);
    std::mt19937 random(7);
    Told told;
    for (unsigned cut = 0; cut < cuts; ++cut) {
        const auto client = static_cast<Client>(cut % 3);
        const Milliseconds time(client == Client::done ? 0 : random() % 4000);
        INFO("cut ", cut, " after ", time.count(), " ms, ", filesystem);
        save_until_cut(host, client, cut, time, told);
        host.boot();
        host.mount();
        const std::map<std::string, std::string> files = digests(host, "blobs");
        for (const std::string& file : told.files) CHECK_MESSAGE(files.contains(file), file);
        for (const auto& [name, digest] : files) CHECK_MESSAGE(name.ends_with(" " + digest), name);
        for (const auto& [name, digest] : digests(host, "docs"))
            CHECK_MESSAGE(name.ends_with(" " + digest), name);
        host.start_server();
        host.said(MediaHost::restic("unlock --remove-all"));
        host.said(MediaHost::restic("check --read-data"));
        const std::string snapshots = host.said(MediaHost::restic("snapshots --compact"));
        for (const std::string& id : told.snapshots)
            CHECK_MESSAGE(snapshots.find("\n" + id) != std::string::npos, id, "\n", snapshots);
        INFO("what was on its way has gone");
        CHECK(host.said(fmt::format("ls {}/anna/.incoming", MediaHost::data())).empty());
    }
    MESSAGE(filesystem, ": ", told.files.size(), " files and ", told.snapshots.size(),
            " snapshots kept beyond ", cuts, " cuts");
}

TEST_CASE("what clients were told is kept outlives power cuts on ext4")
{
    survives_power_cuts("ext4", is_whole() ? 40 : 4);
}

TEST_CASE("what clients were told is kept outlives power cuts on XFS")
{
    survives_power_cuts("xfs", is_whole() ? 40 : 3);
}

}  // namespace
}  // namespace belay::media
