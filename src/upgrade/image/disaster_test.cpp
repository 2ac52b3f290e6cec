// Killed in the midst of it, and a disk that is full.

#include "host/real.h"
#include "upgrade/image/expansion.h"
#include "upgrade/image/testing/sample.h"

#include <csignal>
#include <sys/resource.h>
#include <sys/wait.h>

namespace belay::upgrade::image {
namespace {

/// Does it in a child, which ends with 0 where it says so.
int in_child(const std::function<bool()>& act)
{
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) _exit(act() ? 0 : 1);
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    return status;
}

}  // namespace

TEST_CASE(
    "killed at any point of an expansion, what is there is whole or a leftover, and the next one ends well")
{
    const Workshop shop;
    const std::unique_ptr<host::Host> host = host::real_host();
    for (int file = 0; file < 40; ++file)
        write_file(shop.path(fmt::format("root/many/{}", file)),
                   std::string(static_cast<size_t>(file) * 5000, 'm'));
    const std::string image = shop.build_image();
    size_t calls = 0;
    const auto count = [&](Bytes, Bytes) -> Result<void> {
        ++calls;
        return {};
    };
    must(expand(image, shop.trusted, shop.path("counted"), count, Bytes{0}));
    REQUIRE(calls > 40);
    for (size_t kill_at = 1; kill_at <= calls; ++kill_at) {
        const int status = in_child([&] {
            size_t call = 0;
            const auto die = [&](Bytes, Bytes) -> Result<void> {
                if (++call == kill_at) raise(SIGKILL);
                return {};
            };
            return expand(image, shop.trusted, shop.library(), die, Bytes{0}).has_value();
        });
        REQUIRE(WIFSIGNALED(status));
        CHECK(must(list_installed(*host, shop.library())).empty());
        CHECK(must(remove_leftovers(shop.library())).size() <= 1);
        CHECK(left_in(shop.library()).empty());
    }
    must(expand(image, shop.trusted, shop.library(), {}, Bytes{0}));
    CHECK(verify_installed(shop.library(), "shop", {"2.0"}, shop.trusted));
}

TEST_CASE("killed at any time of an expansion or a removal, the next one ends well")
{
    const Workshop shop;
    const std::unique_ptr<host::Host> host = host::real_host();
    for (int file = 0; file < 200; ++file)
        write_file(shop.path(fmt::format("root/many/{}", file)), std::string(9000, 'm'));
    const std::string image = shop.build_image();
    for (int round = 0; round < 40; ++round) {
        const pid_t child = fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            while (expand(image, shop.trusted, shop.library(), {}, Bytes{0}) &&
                   remove_installed(*host, shop.library(), "shop", {"2.0"})) {
            }
            _exit(1);
        }
        // The child goes on for ever; each round ends it elsewhere.
        const timespec pause{.tv_sec = 0, .tv_nsec = 1'000'000 * (round % 20) + 12'345 * round};
        nanosleep(&pause, nullptr);
        REQUIRE(kill(child, SIGKILL) == 0);
        int status = 0;
        REQUIRE(waitpid(child, &status, 0) == child);
        REQUIRE(WIFSIGNALED(status));
        must(remove_leftovers(shop.library()));
        for (const Installed& installed : must(list_installed(*host, shop.library())))
            CHECK(verify_installed(shop.library(), installed.manifest.name, installed.manifest.version,
                                   shop.trusted));
        for (const std::string& path : left_in(shop.library())) CHECK(path.starts_with("shop"));
    }
    must(expand(image, shop.trusted, shop.library(), {}, Bytes{0}));
    CHECK(verify_installed(shop.library(), "shop", {"2.0"}, shop.trusted));
}

TEST_CASE("a disk that is full leaves nothing, of an expansion or of an image that is built or signed")
{
    const Workshop shop;
    const std::string image = shop.build_image(), sound = file_text(image);
    for (const rlim_t limit : {rlim_t{0}, rlim_t{100}, rlim_t{100'000}}) {
        const int status = in_child([&] {
            signal(SIGXFSZ, SIG_IGN);
            const rlimit most{limit, limit};
            if (setrlimit(RLIMIT_FSIZE, &most) != 0) return false;
            const bool expanded = expand(image, shop.trusted, shop.library(), {}, Bytes{0}).has_value();
            const bool built = limit < sound.size() && build(shop.order()).has_value();
            const bool is_signed = limit < sound.size() && sign_image(image, shop.other_key).has_value();
            return !expanded && !built && !is_signed;
        });
        CHECK(WIFEXITED(status));
        CHECK(WEXITSTATUS(status) == 0);
        CHECK(left_in(shop.library()).empty());
        CHECK(file_text(image) == sound);
        for (const auto& entry : std::filesystem::directory_iterator(shop.folder.path()))
            CHECK(!entry.path().filename().string().starts_with('.'));
    }
}

}  // namespace belay::upgrade::image
