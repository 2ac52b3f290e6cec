#include "backup/pipeline/pieces.h"

#include <atomic>
#include <cstring>
#include <doctest/doctest.h>
#include <thread>

namespace belay::backup {
namespace {

/// A stream of numbered pieces.
struct Source {
    std::atomic<int> reads = 0;
    PieceAhead::Read read()
    {
        return [this](std::span<char> room) -> Result<size_t> {
            std::memset(room.data(), 'a' + reads++, room.size());
            return room.size();
        };
    }
};

TEST_CASE("a piece is read once, by a worker or by the one who needs it, whoever comes first")
{
    Pieces pieces;
    for (int round = 0; round < 200; ++round) {
        Source source;
        const auto ahead = std::make_shared<PieceAhead>(pieces.take(1000), source.read());
        std::thread worker([ahead] { ahead->help(); });
        const PieceAhead::Done done = *ahead->take();
        worker.join();
        CHECK(source.reads == 1);
        CHECK(done.piece->bytes() == std::string(1000, 'a'));
        CHECK_FALSE(done.at_end);
    }
}

TEST_CASE(
    "less than there is room for is the end, and what could not be read is said to the one who needs it")
{
    Pieces pieces;
    PieceAhead last(pieces.take(100), [](std::span<char>) -> Result<size_t> { return 40; });
    const PieceAhead::Done done = *last.take();
    CHECK(done.at_end);
    CHECK(done.piece->bytes().size() == 40);

    PieceAhead broken(pieces.take(100), [](std::span<char>) -> Result<size_t> {
        return fail(ErrorKind::io, "the disk is gone");
    });
    broken.help();
    CHECK(broken.take().error().what == "the disk is gone");
}

TEST_CASE("what was left of a piece stands before the next one, and memory that was used is empty again")
{
    Pieces pieces;
    Source source;
    for (int round = 0; round < 3; ++round) {
        PieceAhead ahead(pieces.take(Pieces::size), source.read());
        const PieceAhead::Done done = *ahead.take();
        done.piece->put_before("rest of it");
        const std::string_view bytes = done.piece->bytes();
        CHECK(bytes.size() == Pieces::size + 10);
        CHECK(bytes.starts_with("rest of it"));
        CHECK(bytes.find_first_not_of(static_cast<char>('a' + round), 10) == std::string_view::npos);
        std::string longest(Chunker::max_size, 'r');
        PieceAhead next(pieces.take(Pieces::size), [](std::span<char>) -> Result<size_t> { return 1; });
        const PieceAhead::Done end = *next.take();
        end.piece->put_before(longest);
        CHECK(end.piece->bytes().size() == longest.size() + 1);
    }
}

}  // namespace
}  // namespace belay::backup
