// A certificate from elsewhere is renewed while the server runs.

#include "media_site.h"

#include <thread>

namespace belay::media {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

std::string shell(const std::string& script)
{
    return Scratch::run({"sh", "-c", script});
}

/// An authority, one in between, and certificates of it for 127.0.0.1, made by openssl.
class Issuer {
  public:
    Issuer()
    {
        shell(request("root", "/CN=root") + " -x509 -days 30 -out " + path("root.pem"));
        issue("between", "root", "basicConstraints=critical,CA:TRUE");
    }
    std::string path(const std::string& name) const { return scratch_.path(name); }
    /// NAME.pem, with the one in between, and NAME.key.
    void issue(const std::string& name) const
    {
        issue(name, "between", "subjectAltName=IP:127.0.0.1");
        shell(fmt::format("cat {} >> {}", path("between.pem"), path(name + ".pem")));
    }
    void write(const std::string& name, const std::string& text) const { scratch_.write(name, text); }

  private:
    std::string request(const std::string& name, const std::string& subject) const
    {
        return fmt::format(
            "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {} -subj {} "
            "2>/dev/null",
            path(name + ".key"), subject);
    }
    void issue(const std::string& name, const std::string& by, const std::string& extension) const
    {
        write("extensions", extension + "\n");
        shell(fmt::format(
            "{} | openssl x509 -req -days 30 -CA {} -CAkey {} -CAcreateserial -extfile {} -out {} "
            "2>/dev/null",
            request(name, "/CN=" + name), path(by + ".pem"), path(by + ".key"), path("extensions"),
            path(name + ".pem")));
    }

    const Scratch scratch_;
};

MediaSite::Kind by(const Issuer& issuer)
{
    return {
        .more = {"--tls-cert", issuer.path("live/fullchain.pem"), "--tls-key", issuer.path("live/key.pem")}};
}

/// Puts a certificate there as it is done by copying into the files, or as certbot does it: by links.
void copy_live(const Issuer& issuer, const std::string& name)
{
    shell(fmt::format("cp {} {}; cp {} {}", issuer.path(name + ".pem"), issuer.path("live/fullchain.pem"),
                      issuer.path(name + ".key"), issuer.path("live/key.pem")));
}
void link_live(const Issuer& issuer, const std::string& name)
{
    shell(fmt::format("rm -f {1} {3}; ln -s {0} {1}; ln -s {2} {3}", issuer.path(name + ".pem"),
                      issuer.path("live/fullchain.pem"), issuer.path(name + ".key"),
                      issuer.path("live/key.pem")));
}

/// The common name of the certificate that a client is shown, which trusts the issuer's root.
std::string shown(const MediaSite& site, const std::string& root)
{
    const std::string said = shell(fmt::format(
        "openssl s_client -connect 127.0.0.1:{} -CAfile {} -verify_return_error </dev/null 2>/dev/null "
        "| openssl x509 -noout -subject",
        site.port(), root));
    return said.substr(said.find("CN = ") + 5, said.find('\n') - said.find("CN = ") - 5);
}

void await_shown(const MediaSite& site, const Issuer& issuer, const std::string& name)
{
    for (const auto until = Clock::now() + 20s; shown(site, issuer.path("root.pem")) != name;)
        REQUIRE_MESSAGE(Clock::now() < until, name, ": ", site.log());
}

Json problem_of(const MediaSite& site)
{
    return site.status().at("certificate").at("problem");
}

TEST_CASE(
    "a certificate that is renewed is shown from then on, however its files are replaced, and no connection "
    "is cut")
{
    const Issuer issuer;
    for (const char* name : {"first", "second", "third", "fourth"}) issuer.issue(name);
    std::filesystem::create_directory(issuer.path("live"));
    copy_live(issuer, "first");
    const MediaSite site(by(issuer));
    site.add("anna", "team", "full");
    CHECK(shown(site, issuer.path("root.pem")) == "first");
    const std::string url = fmt::format("https://127.0.0.1:{}/team/r/", site.port());
    const std::string curl = "curl -sf --cacert " + issuer.path("root.pem") + " -u 'anna:open sesame' ";
    shell(curl + "-X POST '" + url + "?create=true'");
    const std::string content = Scratch::random_text(900'000, 1);
    site.scratch().write("content", content);
    std::string sent;
    std::jthread upload([&] {
        sent = shell(curl + "--limit-rate 100k -w '%{http_code}' -H 'Expect:' -X POST --data-binary @" +
                     site.scratch().path("content") + " " + url + "data/" + sha256(content));
    });
    for (const auto until = Clock::now() + 20s; site.status().at("uploads") == 0;)
        REQUIRE(Clock::now() < until);

    copy_live(issuer, "second");
    await_shown(site, issuer, "second");
    link_live(issuer, "third");
    await_shown(site, issuer, "third");
    CHECK(site.status().at("uploads") == 1);
    upload.join();
    CHECK(sent == "200");

    INFO("a folder in place of another is not seen, but by who is told");
    std::filesystem::create_directory(issuer.path("next"));
    shell(fmt::format("cp {} {}; cp {} {}; mv {} {}; mv {} {}", issuer.path("fourth.pem"),
                      issuer.path("next/fullchain.pem"), issuer.path("fourth.key"),
                      issuer.path("next/key.pem"), issuer.path("live"), issuer.path("before"),
                      issuer.path("next"), issuer.path("live")));
    CHECK(shown(site, issuer.path("root.pem")) == "third");
    ::kill(site.pid(), SIGHUP);
    await_shown(site, issuer, "fourth");
    CHECK(problem_of(site).is_null());
    INFO("and the new folder is the one that is watched");
    copy_live(issuer, "first");
    await_shown(site, issuer, "first");
}

TEST_CASE("a new certificate that is no good is not taken, and that is said")
{
    const Issuer issuer;
    for (const char* name : {"first", "second"}) issuer.issue(name);
    std::filesystem::create_directory(issuer.path("live"));
    copy_live(issuer, "first");
    const MediaSite site(by(issuer));
    CHECK(problem_of(site).is_null());
    CHECK(site.status().at("certificate").at("file") == issuer.path("live/fullchain.pem"));
    const auto is_said = [&](const std::string& part) {
        for (const auto until = Clock::now() + 20s; Clock::now() < until;) {
            const Json problem = problem_of(site);
            if (problem.is_string() && problem.get<std::string>().find(part) != std::string::npos)
                return true;
        }
        return false;
    };
    issuer.write("live/fullchain.pem", "no certificate\n");
    CHECK(is_said("the certificate (PEM) cannot be read"));
    CHECK(site.log().find("goes on with the certificate as it was") != std::string::npos);
    CHECK(site.belay({"media", "status"}).find("is not taken: ") != std::string::npos);
    CHECK(shown(site, issuer.path("root.pem")) == "first");
    shell(fmt::format("cp {} {}", issuer.path("second.pem"), issuer.path("live/fullchain.pem")));
    CHECK(is_said("are not of each other"));
    issuer.write("live/key.pem", "no key\n");
    CHECK(is_said("the key"));
    std::filesystem::remove(issuer.path("live/key.pem"));
    ::kill(site.pid(), SIGHUP);
    CHECK(is_said("live/key.pem"));
    CHECK(shown(site, issuer.path("root.pem")) == "first");
    copy_live(issuer, "second");
    await_shown(site, issuer, "second");
    CHECK(problem_of(site).is_null());
    CHECK(site.belay({"media", "status"}).find("is not taken") == std::string::npos);
}

TEST_CASE("a server without one from elsewhere makes another when it is told to, of the same authority")
{
    const MediaSite site;
    const auto serial = [&] {
        return shell(
            fmt::format("openssl s_client -connect 127.0.0.1:{} -CAfile {} -verify_return_error </dev/null "
                        "2>/dev/null | openssl x509 -noout -serial",
                        site.port(), site.certificate()));
    };
    const std::string before = serial();
    CHECK(serial() == before);
    ::kill(site.pid(), SIGHUP);
    for (const auto until = Clock::now() + 20s; serial() == before;) REQUIRE(Clock::now() < until);
    CHECK(site.status().at("certificate").at("file").is_null());
}

TEST_CASE("clients come and go while the certificate is renewed again and again")
{
    const MediaSite site;
    site.add("anna", "team", "full");
    std::atomic<bool> is_over = false;
    std::atomic<unsigned> served = 0;
    std::vector<std::jthread> clients;
    for (int client = 0; client < 3; ++client)
        clients.emplace_back([&] {
            while (!is_over) {
                CHECK(shell(fmt::format(
                          "curl -s -o /dev/null -w '%{{http_code}}' --cacert {} -u 'anna:open sesame' "
                          "https://127.0.0.1:{}/team/r/config",
                          site.certificate(), site.port())) == "404");
                ++served;
            }
        });
    for (const auto until = Clock::now() + 3s; Clock::now() < until;) {
        ::kill(site.pid(), SIGHUP);
        std::this_thread::sleep_for(5ms);
    }
    is_over = true;
    clients.clear();
    MESSAGE(served.load(), " clients were served");
    CHECK(served > 10);
}

}  // namespace
}  // namespace belay::media
