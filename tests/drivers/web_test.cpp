// HAProxy with two servers behind it, and nginx, for real, under clients that count what is not answered:
// there is nothing of it when a server is drained and restarted, HAProxy reloaded, nginx replaced while it
// serves.

#include "load.h"
#include "own_hosts.h"
#include "store/scratch_folder.h"
#include "upgrade/driver/look_text.h"

namespace belay {
namespace {

using daemon::testing::Ran;
using daemon::testing::run_to_end;
using upgrade::driver::Look;
using upgrade::driver::Role;

constexpr const char* haproxy = "/usr/sbin/haproxy";
constexpr const char* nginx = "/usr/sbin/nginx";

/// Programs that go into the background, each with a file that has its number.
class Web {
  public:
    ~Web()
    {
        for (const std::string& name : begun_) {
            const pid_t pid = pid_of(name);
            if (pid <= 0) continue;
            kill(pid, SIGTERM);
            CHECK(testing::becomes([&] { return kill(pid, 0) != 0; }));
        }
    }
    Web() = default;
    Web(const Web&) = delete;
    Web& operator=(const Web&) = delete;

    std::string path(const std::string& name) const { return folder_ / name; }
    void write(const std::string& name, const std::string& text) const { std::ofstream(path(name)) << text; }
    void begin(const std::string& name, const std::vector<std::string>& words)
    {
        const Ran ran = run_to_end(words);
        REQUIRE_MESSAGE(ran.code == 0, ran.said);
        begun_.push_back(name);
        REQUIRE(testing::becomes([&] { return pid_of(name) > 0; }));
    }
    pid_t pid_of(const std::string& name) const
    {
        pid_t pid = 0;
        std::ifstream(path(name + ".pid")) >> pid;
        return pid;
    }

  private:
    store::ScratchFolder folder_;
    std::vector<std::string> begun_;
};

class Balanced : public Web {
  public:
    Balanced()
    {
        for (const char* name : {"web1", "web2"}) {
            write(name, fmt::format("defaults\n  mode http\n  timeout client 10s\nfrontend shop\n"
                                    "  bind 127.0.0.1:{}\n  http-request return status 200 content-type "
                                    "text/plain string ok\n",
                                    name == std::string("web1") ? 7811 : 7812));
            begin(name, {haproxy, "-D", "-f", path(name), "-p", path(std::string(name) + ".pid")});
        }
        write("front",
              fmt::format(
                  "global\n  stats socket {} mode 600 level admin expose-fd listeners\n"
                  "defaults\n  mode http\n  timeout connect 5s\n  timeout client 10s\n  timeout server 10s\n"
                  "frontend all\n  bind 127.0.0.1:7801\n  default_backend shop\n"
                  "backend shop\n  option httpchk GET /\n"
                  "  server web1 127.0.0.1:7811 check inter 200ms\n  server web2 127.0.0.1:7812 check inter "
                  "200ms\n",
                  path("socket")));
        begin("front", {haproxy, "-W", "-D", "-f", path("front"), "-p", path("front.pid")});
    }
    Ran server(const std::string& name, const std::string& verb) const
    {
        return run_to_end({TEST_DRIVER, "haproxy", "--socket", path("socket"), "--server", "shop/" + name,
                           "--pid-file", path(name + ".pid"), verb});
    }
    Ran itself(const std::string& verb) const
    {
        return run_to_end(
            {TEST_DRIVER, "haproxy", "--socket", path("socket"), "--pid-file", path("front.pid"), verb});
    }
};

Look look_in(const Ran& ran)
{
    REQUIRE_MESSAGE(ran.code == 0, ran.said);
    const auto look = upgrade::driver::parse_look(ran.out);
    REQUIRE_MESSAGE(look.has_value(), ran.out);
    return *look;
}

void check_all_answered(testing::Load& load)
{
    const Json told = load.end();
    MESSAGE(told.at("answered").dump(), " answered, ", told.at("failed").size(), " failed");
    CHECK_MESSAGE(told.at("failed").empty(), told.at("failed").dump().substr(0, 1000));
    CHECK(told.at("answered") > 0);
}

TEST_CASE("servers behind HAProxy are drained, restarted and taken back under load: no request fails")
{
    if (!testing::can_run({haproxy, "/bin/nc"})) return;
    testing::have_own_network();
    Balanced web;
    testing::Load load({TEST_DRIVERS "/web_load", "7801", "8"});
    for (const std::string name : {"web1", "web2", "web1"}) {
        CAPTURE(name);
        const Look before = look_in(web.server(name, "look"));
        CHECK(before.role == Role::active);
        CHECK(before.hot);
        CHECK(before.runs_from == haproxy);
        CHECK(web.server(name, "restart").code == 1);
        const Ran drained = web.server(name, "drain");
        REQUIRE_MESSAGE(drained.code == 0, drained.said);
        CHECK(look_in(web.server(name, "look")).role == Role::standby);
        const Ran last = web.server(name == "web1" ? "web2" : "web1", "drain");
        CHECK(last.code == 1);
        CHECK(last.said.find("no other server of shop/") != std::string::npos);
        const pid_t pid = web.pid_of(name);
        const Ran restarted = web.server(name, "restart");
        CHECK_MESSAGE(restarted.code == 0, restarted.said);
        CHECK(web.pid_of(name) != pid);
        const Ran taken_back = web.server(name, "undrain");
        CHECK_MESSAGE(taken_back.code == 0, taken_back.said);
    }
    check_all_answered(load);
    CHECK(web.server("web9", "look").said.find("HAProxy has no server shop/web9") != std::string::npos);
}

TEST_CASE("HAProxy itself is reloaded under load: no request fails")
{
    if (!testing::can_run({haproxy, "/bin/nc"})) return;
    testing::have_own_network();
    Balanced web;
    testing::Load load({TEST_DRIVERS "/web_load", "7801", "8"});
    for (int round = 0; round < 5; ++round) {
        const std::string before = look_in(web.itself("look")).says;
        const Ran renewed = web.itself("renew");
        CHECK_MESSAGE(renewed.code == 0, renewed.said);
        CHECK(look_in(web.itself("look")).says != before);
    }
    CHECK(web.itself("stand-by").code == 1);
    check_all_answered(load);
}

TEST_CASE("nginx is replaced under load, and goes on where the new one does not start: no request fails")
{
    if (!testing::can_run({nginx})) return;
    testing::have_own_network();
    Web web;
    const std::string good = fmt::format(
        "pid {};\nerror_log {};\nuser nobody nogroup;\nworker_processes 2;\nevents {{}}\nhttp {{\n  "
        "access_log "
        "off;\n  server {{\n"
        "    listen 127.0.0.1:7802;\n    location / {{ return 200 ok; }}\n  }}\n}}\n",
        web.path("nginx.pid"), web.path("log"));
    web.write("nginx.conf", good);
    web.begin("nginx", {nginx, "-c", web.path("nginx.conf")});
    const auto driver = [&](const char* verb) {
        return run_to_end({TEST_DRIVER, "nginx", "--pid-file", web.path("nginx.pid"), verb});
    };
    testing::Load load({TEST_DRIVERS "/web_load", "7802", "8"});
    for (int round = 0; round < 5; ++round) {
        const pid_t before = web.pid_of("nginx");
        const Ran renewed = driver("renew");
        CHECK_MESSAGE(renewed.code == 0, renewed.said);
        CHECK(web.pid_of("nginx") != before);
        CHECK(testing::becomes([&] { return kill(before, 0) != 0; }));
    }
    const Look look = look_in(driver("look"));
    CHECK(look.role == Role::active);
    CHECK(look.runs_from == nginx);
    CHECK(look.version.starts_with("1."));

    // Killed behind the start of the new one: the next goes on.
    const pid_t old = web.pid_of("nginx");
    kill(old, SIGUSR2);
    REQUIRE(testing::becomes([&] { return web.pid_of("nginx") > 0 && web.pid_of("nginx") != old; }));
    CHECK(look_in(driver("look")).says.find("is being replaced") != std::string::npos);
    CHECK(driver("renew").code == 0);
    CHECK(testing::becomes([&] { return kill(old, 0) != 0; }));

    const pid_t last = web.pid_of("nginx");
    web.write("nginx.conf", "nonsense;\n");
    const Ran refused = driver("renew");
    CHECK(refused.code == 1);
    CHECK(refused.said.find("the new nginx did not start") != std::string::npos);
    CHECK(web.pid_of("nginx") == last);
    check_all_answered(load);
}

}  // namespace
}  // namespace belay
