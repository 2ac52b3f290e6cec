// What one of two hosts lacks for an upgrade is said before anything is added, with its name and a number,
// and neither of them keeps a trace of what was asked for.

#include "daemon/network/testing/clock_ahead.h"
#include "shop_site.h"

#include <algorithm>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

namespace belay::daemon {
namespace {

/// What an operation could leave of itself on a host: a version, a half of one, what has come of a file, what
/// packages.conf names, its part.
Json traces_on(Machine& host)
{
    const std::string images = host.state() + "-images";
    std::vector<std::string> paths;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(images))
        paths.push_back(entry.path().string());
    std::ranges::sort(paths);
    return {{"paths", paths},
            {"packages", testing::text_of_file(images + "/packages.conf")},
            {"open", host.ask("List", {{"ended", false}}).at("operations")}};
}

/// Why a planned operation does not begin, or has ended at once; it is no more afterwards.
std::string answer_to_add(ShopSite& site, const std::string& operation)
{
    const auto asked = site.controller_.face().call("Request", {{"operation", operation}, {"verb", "add"}});
    if (asked) site.controller_.rest(operation);
    const Json rested = site.controller_.ask("Show", {{"operation", operation}});
    CHECK_MESSAGE(rested.at("state") == (asked ? "aborted" : "planned"), rested.dump(1));
    CHECK_MESSAGE(rested.at("differences").empty(), rested.dump(1));
    if (!asked) CHECK(site.go(operation, {"abort"}) == "aborted");
    return asked ? rested.at("reason").get<std::string>() : asked.error().what;
}

/// Version 2.0 is refused for this reason, said of web2 alone, whether it is planned now or has been
/// (`kept`).
void is_refused(ShopSite& site, const std::string& kept, const std::string& who, const std::string& reason)
{
    std::vector<Json> before;
    for (Machine* const host : {&site.web1_, &site.web2_}) before.push_back(traces_on(*host));
    const Json planned = site.plan("2.0");
    CHECK(planned.at("operation").is_null());
    const std::string said = ShopSite::refusals(planned);
    CHECK_MESSAGE(testing::contains(said, who), said);
    CHECK_MESSAGE(testing::contains(said, reason), said);
    CHECK_MESSAGE(!testing::contains(said, "web1"), said);

    const std::string answer = answer_to_add(site, kept);
    CHECK_MESSAGE(testing::contains(answer, "web2"), answer);
    CHECK_MESSAGE(testing::contains(answer, reason), answer);
    CHECK(traces_on(site.web1_) == before[0]);
    CHECK(traces_on(site.web2_) == before[1]);
    for (Machine* const host : {&site.web1_, &site.web2_}) {
        CHECK(ShopSite::letters(*host) == "1.0 C");
        CHECK(ShopSite::running(*host) == "1.0");
    }
}

/// A file system of its own for the images of a host, seen by this thread and what it starts alone.
class SmallImages {
  public:
    explicit SmallImages(const Machine& host) : folder_(host.state() + "-images")
    {
        std::filesystem::create_directories(folder_);
        const int done = mount("belay-tests", folder_.c_str(), "tmpfs", 0, "mode=0755,size=1g");
        REQUIRE(done == 0);
    }
    ~SmallImages() { umount2(folder_.c_str(), MNT_DETACH); }
    SmallImages(const SmallImages&) = delete;
    SmallImages& operator=(const SmallImages&) = delete;

    void resize(const char* options) const
    {
        REQUIRE(mount("belay-tests", folder_.c_str(), "tmpfs", MS_REMOUNT, options) == 0);
    }
    /// As a check says it.
    std::string free_room() const
    {
        struct statvfs room{};
        REQUIRE(statvfs(folder_.c_str(), &room) == 0);
        return fmt::format("{} free in {}", to_text(Bytes{room.f_bavail * room.f_frsize}), folder_);
    }

  private:
    const std::string folder_;
};

TEST_CASE("too little room on the one that stands by is said before anything is added to either")
{
    if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0 ||
        mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
        MESSAGE("not tried: no mounts are allowed here");
        return;
    }
    ShopSite site;
    const SmallImages images(site.web2_);
    site.install({"1.0"});
    site.publish({"2.0"});
    const std::string kept = site.plan("2.0").at("operation");
    images.resize("size=200m");
    is_refused(site, kept, "the checks of web2 (standby) itself", images.free_room());
    images.resize("size=1g");
    const std::string again = site.plan("2.0").at("operation");
    CHECK_MESSAGE(site.go(again, {"add"}) == "added", site.show(again));
}

/// Its daemon begins anew with a clock that is off.
void set_clock_ahead(ShopSite& site, Machine& host, Milliseconds ahead)
{
    host.stop();
    host.start({"--image-keys", site.controller_.path("keys")},
               {"/usr/bin/env", fmt::format("{}={}", testing::clock_ahead_variable, ahead.count())});
    REQUIRE(host.await_status(testing::is_attached));
}

TEST_CASE("clocks that are not in order are said before anything is added to either")
{
    ShopSite site;
    site.install({"1.0"});
    site.publish({"2.0"});
    const std::string kept = site.plan("2.0").at("operation");
    // Half a minute more, so that what a busy machine takes changes nothing of the number.
    set_clock_ahead(site, site.web2_, 100min + 30s);
    is_refused(site, kept, "the clocks of the hosts agree", "the clock of web2 is 1 h 40 min fast");

    INFO("each may be near enough to the controller's, and the two too far from each other");
    set_clock_ahead(site, site.web1_, 4s);
    set_clock_ahead(site, site.web2_, -4s);
    const std::string said = ShopSite::refusals(site.plan("2.0"));
    CHECK_MESSAGE(testing::contains(said, "the clock of web1 is "), said);
    CHECK_MESSAGE(testing::contains(said, "the clock of web2 is "), said);

    set_clock_ahead(site, site.web1_, 0s);
    const std::string again = site.plan("2.0").at("operation");
    CHECK_MESSAGE(site.go(again, {"add"}) == "added", site.show(again));
}

}  // namespace
}  // namespace belay::daemon
