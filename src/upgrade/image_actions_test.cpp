#include "upgrade/image_actions.h"

#include "base/json.h"
#include "host/real.h"
#include "upgrade/image/library.h"
#include "upgrade/image/testing/sample.h"

namespace belay::upgrade {
namespace {

/// A host that no file comes to.
struct ImageHost {
    ImageHost() { fill(catalogue, carrier); }
    const operation::Action& add() const { return *must(catalogue.action("image.add")); }

    image::Workshop shop;
    std::unique_ptr<host::Host> host = host::real_host();
    Carrier carrier{{.images = shop.library(),
                     .keys = shop.path("keys"),
                     .here = [](const std::string&) -> Result<std::string> {
                         return fail(ErrorKind::not_found, "there is no file");
                     },
                     .fetch = [](const std::string&, uint64_t, const auto&, const auto&) -> Result<void> {
                         return fail(ErrorKind::not_found, "there is no file");
                     }}};
    operation::Catalogue catalogue;
};

TEST_CASE("what a power cut has left of an image that was on its way goes with an abort")
{
    const ImageHost there;
    const image::Workshop& shop = there.shop;
    const std::unique_ptr<host::Host>& host = there.host;
    const operation::Action& add = there.add();
    const Json arguments =
        add_image(shop.library(), {.image = "shop", .version = "2.0", .file = "", .files = ""}).arguments;
    const Json remembered = must(add.remember(*host, arguments));
    CHECK(must(add.remains(*host, arguments, remembered)).empty());
    image::write_file(shop.library() + "/.shop-2.0.abcdef/bin/shop", "x");
    CHECK(must(add.remains(*host, arguments, remembered)) == "shop 2.0, half unpacked or half removed");
    REQUIRE(add.revert(*host, arguments, remembered));
    CHECK(must(add.remains(*host, arguments, remembered)).empty());
    CHECK(image::left_in(shop.library()).empty());
}

TEST_CASE("a file that was unpacked goes for good before the journal says that the image is there")
{
    const ImageHost there;
    const image::Workshop& shop = there.shop;
    const std::unique_ptr<host::Host>& host = there.host;
    const operation::Action& add = there.add();
    const Json arguments =
        add_image(shop.library(), {.image = "shop", .version = "2.0", .file = "abc", .files = ""}).arguments;
    // As a power cut brings it back after it was removed, or a kill leaves it.
    image::write_file(shop.library() + "/.incoming-abc", "x");
    REQUIRE(add.make_durable(*host, arguments));
    CHECK(image::left_in(shop.library()).empty());
}

}  // namespace
}  // namespace belay::upgrade
