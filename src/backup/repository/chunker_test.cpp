#include "backup/repository/chunker.h"

#include <doctest/doctest.h>
#include <random>

namespace belay::backup {
namespace {

/// A polynomial of restic's own tests.
constexpr std::string_view known_polynomial = "3da3358b4dc173";

std::string random_text(size_t size, unsigned seed)
{
    std::mt19937_64 random(seed);
    std::string text(size, '\0');
    for (char& c : text) c = static_cast<char>(random());
    return text;
}

/// The chunk's end as the format says it, byte by byte, with nothing clever: the fingerprint of the last 64
/// bytes is made anew from its definition.
size_t plain_first_chunk(std::string_view data, Polynomial polynomial)
{
    if (data.size() <= Chunker::min_size) return data.size();
    const size_t end = std::min(data.size(), Chunker::max_size);
    for (size_t length = Chunker::min_size; length < end; ++length) {
        Polynomial fingerprint;
        for (const char c : data.substr(length - Chunker::window, Chunker::window))
            fingerprint = Polynomial{fingerprint.bits << 8 | static_cast<uint8_t>(c)} % polynomial;
        if ((fingerprint.bits & 0xfffff) == 0) return length;
    }
    return end;
}

TEST_CASE("a polynomial is read, tested and made")
{
    CHECK(Polynomial::from_hex(known_polynomial)->hex() == known_polynomial);
    CHECK(Polynomial::from_hex("3da3358b4dc172").error().kind == ErrorKind::corrupt);
    CHECK(Polynomial::from_hex("").error().kind == ErrorKind::corrupt);
    CHECK(Polynomial::from_hex("7").error().kind == ErrorKind::corrupt);
    CHECK(Polynomial::from_hex("3da3358b4dc173 ").error().kind == ErrorKind::corrupt);
    // x^2 + x + 1 is irreducible, x^2 + 1 is (x + 1)^2; of degree 3 both that there are; x^4 + x^2 + 1 is
    // (x^2 + x + 1)^2.
    CHECK(Polynomial{0b111}.is_irreducible());
    CHECK_FALSE(Polynomial{0b101}.is_irreducible());
    CHECK(Polynomial{0b1011}.is_irreducible());
    CHECK(Polynomial{0b1101}.is_irreducible());
    CHECK_FALSE(Polynomial{0b1111}.is_irreducible());
    CHECK_FALSE(Polynomial{0b10101}.is_irreducible());
    CHECK_FALSE(Polynomial{1}.is_irreducible());
    CHECK_FALSE(Polynomial{0}.is_irreducible());
    const Result<Polynomial> made = Polynomial::from_random(random_text(16384, 1));
    REQUIRE(made.has_value());
    CHECK(made->degree() == Polynomial::chunker_degree);
    CHECK(Polynomial::from_random("").error().kind == ErrorKind::failed);
}

TEST_CASE("there are as many irreducible polynomials of each degree as there must be")
{
    // Source: OEIS A001037.
    constexpr std::array<int, 9> counts = {0, 2, 1, 2, 3, 6, 9, 18, 30};
    for (unsigned degree = 1; degree < counts.size(); ++degree) {
        int count = 0;
        for (uint64_t bits = uint64_t{1} << degree; bits < uint64_t{2} << degree; ++bits)
            count += Polynomial{bits}.is_irreducible() ? 1 : 0;
        CHECK(count == counts[degree]);
    }
}

TEST_CASE("the quick chunker cuts where the definition says")
{
    const Polynomial polynomial = *Polynomial::from_hex(known_polynomial);
    const Chunker chunker(polynomial);
    const std::string text = random_text(6 << 20, 7);
    std::string_view rest = text;
    size_t chunks = 0;
    while (!rest.empty()) {
        const size_t length = chunker.first_chunk(rest);
        REQUIRE(length == plain_first_chunk(rest, polynomial));
        rest.remove_prefix(length);
        ++chunks;
    }
    CHECK(chunks > 2);
    // All lengths around the smallest one, and a cut at every place that a lane begins at.
    for (const size_t size : {size_t{0}, size_t{1}, Chunker::min_size - 1, Chunker::min_size,
                              Chunker::min_size + 1, Chunker::min_size + 65, Chunker::min_size + 32768})
        CHECK(chunker.first_chunk(std::string_view(text).substr(0, size)) ==
              plain_first_chunk(std::string_view(text).substr(0, size), polynomial));
}

TEST_CASE("zeros are cut at once, and what never matches at the largest size")
{
    const Chunker chunker(*Polynomial::from_hex(known_polynomial));
    CHECK(chunker.first_chunk(std::string(9 << 20, '\0')) == Chunker::min_size);
    // One byte over and over has one fingerprint.
    CHECK(chunker.first_chunk(std::string(9 << 20, 'a')) == Chunker::max_size);
}

TEST_CASE("chunks are the same in whatever pieces their text comes")
{
    const Chunker chunker(*Polynomial::from_hex(known_polynomial));
    std::string text = random_text(12 << 20, 5);
    text.append(9 << 20, 'a');
    text += random_text(1 << 20, 6);
    std::vector<size_t> whole;
    for (std::string_view rest = text; !rest.empty(); rest.remove_prefix(whole.back()))
        whole.push_back(chunker.first_chunk(rest));
    REQUIRE(std::ranges::find(whole, Chunker::max_size) != whole.end());
    for (const size_t piece_size :
         {Chunker::max_size, Chunker::max_size + 1, Chunker::max_size / 3, size_t{100'000}}) {
        CAPTURE(piece_size);
        std::vector<size_t> lengths;
        Cutter cutter(chunker);
        for (size_t end = 0; end < text.size();) {
            const size_t begin = end - cutter.rest().size();
            end = std::min(text.size(), end + piece_size);
            cutter.go_on(std::string_view(text).substr(begin, end - begin), end == text.size());
            while (const auto chunk = cutter.next()) lengths.push_back(chunk->size());
        }
        CHECK(lengths == whole);
    }
    for (const bool at_end : {true, false}) {
        Cutter cutter(chunker);
        cutter.go_on("", at_end);
        CHECK(!cutter.next());
    }
}

TEST_CASE("what is inserted moves no cut far behind it")
{
    const Chunker chunker(*Polynomial::from_hex(known_polynomial));
    const auto cuts = [&](std::string_view text) {
        std::set<size_t> from_end;
        while (!text.empty()) {
            text.remove_prefix(chunker.first_chunk(text));
            from_end.insert(text.size());
        }
        return from_end;
    };
    const std::string text = random_text(40 << 20, 3);
    const std::set<size_t> before = cuts(text), after = cuts("inserted" + text);
    size_t same = 0;
    for (const size_t cut : before) same += after.count(cut);
    CHECK(same + 8 > before.size());
}

}  // namespace
}  // namespace belay::backup
