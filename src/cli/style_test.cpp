#include "cli/style.h"

#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/fields.h"

#include <doctest/doctest.h>

namespace belay::cli {
namespace {

constexpr Style utf8{.colour = false, .unicode = true, .width = 0, .clock = utc_time};
constexpr Style ascii{.colour = false, .unicode = false, .width = 0, .clock = utc_time};

TEST_CASE("a disk's label cannot give orders to the terminal")
{
    CHECK(clean(utf8, "evil\x1b[2Jname") == "evil?[2Jname");
    CHECK(clean(utf8,
                "a\x9b"
                "b\x7f") == "a?b?");
    CHECK(clean(utf8, "back\xe2\x80\xaewards") == "back?wards");  // the right-to-left override
    CHECK(clean(utf8, "two\nlines") == "two lines");
    CHECK(clean(utf8, "größe") == "größe");
    CHECK(clean(utf8, "\xed\xa0\x80 \xc0\xaf") == "??? ??");  // a surrogate, an overlong slash
}

TEST_CASE("an ASCII terminal gets ASCII")
{
    CHECK(clean(ascii, "größe") == "gr??e");
    CHECK(fit(ascii, "a long title", 8) == "a lon...");
    CHECK(marks_of(ascii).last_branch == "`- ");
}

TEST_CASE("columns are counted as a terminal shows them")
{
    CHECK(columns_of("größe") == 5);
    CHECK(columns_of("磁盘") == 4);
    CHECK(columns_of("\x1b[31mred\x1b[0m") == 3);
}

TEST_CASE("what does not fit is cut with a mark, and never in the middle of a wide character")
{
    CHECK(fit(utf8, "Replace sda by sdc", 18) == "Replace sda by sdc");
    CHECK(fit(utf8, "Replace sda by sdc", 10) == "Replace s…");
    CHECK(fit(utf8, "磁盘磁盘", 4) == "磁…");
    CHECK(fit(utf8, "abc", 0).empty());
}

TEST_CASE("sentences break between words, and hang below their beginning")
{
    Style narrow = utf8;
    narrow.width = 20;
    CHECK(wrap(narrow, "one two three four five six", 2, 4) == "one two three four\n    five six");
    CHECK(wrap(narrow, "averyveryverylongwordthatstays", 2, 4) == "averyveryverylongwordthatstays");
    CHECK(wrap(utf8, "a pipe has no width, so nothing breaks", 70, 4) ==
          "a pipe has no width, so nothing breaks");
}

TEST_CASE("a table's last column goes below the others where it has no room beside them")
{
    Style narrow = utf8;
    narrow.width = 30;
    CHECK(table(narrow, {{"7", "2025-02-08 12:00:00", "Replace sda by sdc"}}, 0) ==
          "7  2025-02-08 12:00:00\n    Replace sda by sdc\n");
    CHECK(table(narrow, {{"7", "Replace sda by sdc in the array md0"}}, 0) ==
          "7  Replace sda by sdc in the\n   array md0\n");
    CHECK(table(utf8, {{"7", "a", "b"}, {"12", "c", ""}}, 2) == "  7   a  b\n  12  c\n");
}

TEST_CASE("without colour no escape sequence is written")
{
    CHECK(paint(utf8, Tone::bad, "no") == "no");
    Style colour = utf8;
    colour.colour = true;
    CHECK(paint(colour, Tone::bad, "no") == "\x1b[31mno\x1b[0m");
}

TEST_CASE("the locale says whether UTF-8 may be written, LC_ALL before LC_CTYPE before LANG")
{
    CHECK(is_utf8_locale("", "", "de_DE.UTF-8"));
    CHECK(is_utf8_locale("", "C.utf8", "C"));
    CHECK_FALSE(is_utf8_locale("C", "", "de_DE.UTF-8"));
    CHECK_FALSE(is_utf8_locale("", "", ""));
    CHECK_FALSE(is_utf8_locale("", "POSIX", "en_US.UTF-8"));
}

TEST_CASE("a newer daemon's surprise reads as empty")
{
    const Json odd = {{"title", 7}, {"steps", "none"}, {"left_ms", "soon"}, {"gone", nullptr}};
    CHECK(text_of(utf8, odd, "title") == "7");
    CHECK(list_of(odd, "steps").empty());
    CHECK(number_of(odd, "left_ms") == 0);
    CHECK_FALSE(has(odd, "gone"));
    CHECK(text_of(utf8, Json(3), "title").empty());
}

TEST_CASE("every kind of error has its documented exit code")
{
    using enum ErrorKind;
    const std::pair<ErrorKind, int> codes[] = {
        {usage, 2},    {not_found, 5},   {refused, 3}, {busy, 4},    {permission, 6},
        {no_space, 8}, {unavailable, 7}, {version, 7}, {corrupt, 8}, {timeout, 1},
        {failed, 1},   {lost, 1},        {dead, 1},    {io, 8}};
    for (const auto& [kind, code] : codes)
        CHECK_MESSAGE(static_cast<int>(exit_code_of(kind)) == code, name_of(kind));
}

}  // namespace
}  // namespace belay::cli
