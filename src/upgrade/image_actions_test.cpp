#include "upgrade/image_actions.h"

#include "base/json.h"
#include "host/real.h"
#include "upgrade/image/library.h"
#include "upgrade/image/testing/sample.h"

namespace belay::upgrade {
namespace {

TEST_CASE("what a power cut has left of an image that was on its way goes with an abort")
{
    const image::Workshop shop;
    const std::unique_ptr<host::Host> host = host::real_host();
    Carrier carrier({.images = shop.library(),
                     .keys = shop.path("keys"),
                     .here = [](const std::string&) -> Result<std::string> {
                         return fail(ErrorKind::not_found, "there is no file");
                     },
                     .fetch = [](const std::string&, uint64_t, const auto&, const auto&) -> Result<void> {
                         return fail(ErrorKind::not_found, "there is no file");
                     }});
    operation::Catalogue catalogue;
    fill(catalogue, carrier);
    const operation::Action& add = *must(catalogue.action("image.add"));
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

}  // namespace
}  // namespace belay::upgrade
