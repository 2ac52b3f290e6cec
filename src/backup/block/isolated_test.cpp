// A library that ends its process ends a child alone.

#include "backup/block/isolated.h"

#include "base/testing/must.h"

#include <cstdlib>

namespace belay::backup {

TEST_CASE("what a library finds comes back from its child")
{
    const Extents extents = {{0, 4096}, {uint64_t{1} << 45, 1}};
    CHECK(must(isolated("a.img", [&] { return Result<Used>(extents); })) == Used(extents));
    CHECK(must(isolated("a.img", [] { return Result<Used>(Extents()); })) == Used(Extents()));
    CHECK(must(isolated("a.img", [] { return Result<Used>(Used()); })) == Used());

    Extents many;
    for (uint64_t i = 0; i < 200'000; ++i) many.push_back({2 * i, 1});
    CHECK(must(isolated("a.img", [&] { return Result<Used>(many); })) == Used(many));
}

TEST_CASE("an error of the library is an error, and so is its end")
{
    const Result<Used> refused =
        isolated("a.img", []() -> Result<Used> { return fail(ErrorKind::refused, "it is dirty"); });
    REQUIRE(!refused);
    CHECK(refused.error().kind == ErrorKind::refused);
    CHECK(refused.error().what == "it is dirty");

    const Result<Used> ended = isolated("a.img", []() -> Result<Used> { std::abort(); });
    REQUIRE(!ended);
    CHECK(ended.error().kind == ErrorKind::corrupt);
    CHECK(ended.error().what == "what reads the filesystem on a.img was ended by signal 6");
}

}  // namespace belay::backup
