#include "base/result.h"
#include "base/units.h"

#include <doctest/doctest.h>

namespace belay {
namespace {

using namespace std::chrono_literals;

Result<int> half(int value)
{
    if (value % 2 != 0) return fail(ErrorKind::usage, fmt::format("{} is odd", value));
    return value / 2;
}

Result<int> quarter(int value)
{
    return TRY(half(TRY(half(value))));
}

TEST_CASE("TRY hands the value on, or the error to the caller")
{
    CHECK(*quarter(12) == 3);
    CHECK(quarter(6).error().what == "3 is odd");
}

TEST_CASE("an error survives the journal")
{
    const Error error{.kind = ErrorKind::no_space,
                      .what = "no room in /var/lib/belay",
                      .next = "df /var/lib/belay",
                      .argv = {"mdadm", "--stop"},
                      .exit_code = 2,
                      .output = "said so",
                      .errno_value = 28};
    const Error back = nlohmann::json(error).get<Error>();
    CHECK(nlohmann::json(back) == nlohmann::json(error));
    CHECK(back.kind == ErrorKind::no_space);
}

TEST_CASE("spans are read with their unit, and only with it")
{
    CHECK(*parse_span("90s") == 90s);
    CHECK(*parse_span("1h30m") == 90min);
    CHECK(*parse_span("250ms") == 250ms);
    CHECK(*parse_span("7d") == 7 * 24h);
    for (const char* bad :
         {"", "2", "h", "2 h", "-1h", "2hours", "99999999999999999999s", "9999999999999d", "1h2"})
        CHECK_MESSAGE(!parse_span(bad), bad);
}

TEST_CASE("spans are shown in their two largest units")
{
    CHECK(to_text(2h) == "2 h");
    CHECK(to_text(119min) == "1 h 59 min");
    CHECK(to_text(42s) == "42 s");
    CHECK(to_text(300ms) == "0.3 s");
    CHECK(to_text(-5s) == "0 s");
    CHECK(to_text(24h + 1s) == "1 d");
}

TEST_CASE("sizes are read and shown in binary multiples")
{
    CHECK(parse_bytes("4096")->count == 4096);
    CHECK(parse_bytes("256M")->count == 256ull << 20);
    CHECK(parse_bytes("10GiB")->count == 10ull << 30);
    CHECK(parse_bytes("500k")->count == 500ull << 10);
    CHECK(parse_bytes("7B")->count == 7);
    for (const char* bad : {"", "M", "1.5G", "-1", "10GB", "10BiB", "10x", "99999999999T"})
        CHECK_MESSAGE(!parse_bytes(bad), bad);
    CHECK(to_text(Bytes{512}) == "512 B");
    CHECK(to_text(Bytes{256ull << 20}) == "256 MiB");
    CHECK(to_text(Bytes{1536}) == "1.5 KiB");
}

}  // namespace
}  // namespace belay
