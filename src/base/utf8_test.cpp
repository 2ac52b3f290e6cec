#include "base/utf8.h"

#include <doctest/doctest.h>

namespace belay {
namespace {

TEST_CASE("characters of one to four bytes are read, and nothing else is one")
{
    const auto is = [](std::string_view text, char32_t code, size_t length) {
        const Utf8Character c = first_character(text);
        return c.is_valid && c.code == code && c.length == length;
    };
    CHECK(is("a\xff", U'a', 1));
    CHECK(is("\xc3\xb6x", U'ö', 2));
    CHECK(is("\xe2\x82\xac", U'€', 3));
    CHECK(is("\xf0\x9f\xa7\x97", 0x1f9d7, 4));
    CHECK(is("\xf4\x8f\xbf\xbf", 0x10ffff, 4));
    for (const std::string_view none :
         {"\x80", "\xc0\xaf", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xed\xa0\x80",
          "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xc3", "\xe2\x82", "\xc3(", "\xff"}) {
        CAPTURE(none);
        const Utf8Character c = first_character(none);
        CHECK(!c.is_valid);
        CHECK(c.length == 1);
        CHECK(!is_utf8(none));
    }
    CHECK(is_utf8("größe €"));
    CHECK(is_utf8(""));
    CHECK(
        !is_utf8("gr\xf6\xdf"
                 "e"));
}

}  // namespace
}  // namespace belay
