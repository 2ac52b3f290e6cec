// What an image is cut into is what the chunker cuts of all its bytes, and nothing that is unused is read.

#include "backup/block/image_reader.h"

#include "backup/block/image_update.h"
#include "backup/repository/id.h"
#include "base/testing/must.h"

#include <algorithm>
#include <mutex>
#include <random>

namespace belay::backup {
namespace {

/// A device in memory, of which some bytes cannot be read; it knows what was asked for.
class FakeSource final : public BlockSource {
  public:
    explicit FakeSource(std::string bytes, Extents bad = {}) : bytes_(std::move(bytes)), bad_(std::move(bad))
    {
    }

    const std::string& name() const override { return name_; }
    uint64_t size() const override { return bytes_.size(); }
    Result<void> read(uint64_t offset, char* buffer, size_t length) const override
    {
        const std::lock_guard lock(mutex_);
        asked_.push_back({offset, length});
        for (const Extent& bad : bad_) {
            if (offset < bad.end() && bad.offset < offset + length)
                return fail(ErrorKind::io, "the disk has a bad block");
        }
        bytes_.copy(buffer, length, offset);
        return {};
    }
    Extents asked() const
    {
        const std::lock_guard lock(mutex_);
        return asked_;
    }

  private:
    std::string name_ = "a fake";
    std::string bytes_;
    Extents bad_;
    mutable std::mutex mutex_;
    mutable Extents asked_;
};

Chunker test_chunker()
{
    return Chunker(must(Polynomial::from_hex("3da3358b4dc173")));
}

std::vector<Id> ids_of(std::string_view image, const Chunker& chunker)
{
    std::vector<Id> ids;
    while (!image.empty()) {
        const size_t length = chunker.first_chunk(image);
        ids.push_back(Id::of(image.substr(0, length)));
        image.remove_prefix(length);
    }
    return ids;
}

struct Taken {
    std::vector<Id> ids;
    uint64_t bytes = 0, zero_parts = 0;
    std::map<uint64_t, uint64_t> bad;  ///< length by offset
};

Taken take_all(const FakeSource& source, const Extents& used, ImageReader::Options options = {})
{
    Taken taken;
    const Chunker chunker = test_chunker();
    std::mutex mutex;
    Workers workers(2);
    ImageReader reader(
        source, used, chunker, workers,
        [&](const Extent& extent, const Error&) {
            const std::lock_guard lock(mutex);
            taken.bad[extent.offset] += extent.length;
        },
        options);
    while (const std::optional<ImagePart> part = reader.next()) {
        const std::string bytes = part->chunk ? *part->chunk : std::string(part->zero_size, '\0');
        if (!part->chunk) ++taken.zero_parts;
        taken.ids.insert(taken.ids.end(), part->count, Id::of(bytes));
        taken.bytes += part->count * bytes.size();
    }
    CHECK(reader.bytes_read() == total(used));
    return taken;
}

std::string noise(size_t size, unsigned seed)
{
    std::mt19937_64 random(seed);
    std::string text(size, '\0');
    for (char& c : text) c = static_cast<char>(random());
    return text;
}

/// The image that is meant: the bytes of the device, with zeros where nothing is used.
std::string image_of(const std::string& device, const Extents& used)
{
    std::string image(device.size(), '\0');
    for (const Extent& one : used) image.replace(one.offset, one.length, device, one.offset, one.length);
    return image;
}

}  // namespace

TEST_CASE("the chunks of an image are those of its bytes, wherever used and unused blocks meet")
{
    const Chunker chunker = test_chunker();
    std::mt19937_64 random(4711);
    constexpr size_t largest = 40 << 20;
    const std::string garbage = noise(largest, 7);
    for (int round = 0; round < 12; ++round) {
        const size_t size = largest - random() % (1 << 20) - (round % 3 == 0 ? largest / 2 : 0);
        std::string device = garbage.substr(0, size);
        Extents used;
        for (uint64_t at = random() % 2 * (random() % (20 << 20)); at < size;) {
            // Lengths of all orders: from a block to several chunks; some used blocks hold zeros as well.
            const uint64_t length = std::min<uint64_t>(uint64_t{4096} << random() % 12, size - at);
            append(used, {at, length});
            if (random() % 4 == 0)
                std::fill_n(device.begin() + static_cast<std::ptrdiff_t>(at), length, '\0');
            at += length + (uint64_t{4096} << random() % 12);
        }
        CAPTURE(round);
        const FakeSource source(device);
        const Taken taken = take_all(source, used);
        CHECK(taken.bytes == size);
        CHECK(taken.ids == ids_of(image_of(device, used), chunker));
        for (const Extent& asked : source.asked()) {
            CHECK(std::ranges::any_of(used, [&](const Extent& one) {
                return one.offset <= asked.offset && asked.end() <= one.end();
            }));
        }
    }
}

TEST_CASE("a device without used blocks is one part, and one of no bytes has none")
{
    const FakeSource source(std::string(16 << 20, 'x'));
    const Taken taken = take_all(source, {});
    CHECK(taken.zero_parts == 1);
    CHECK(taken.ids == ids_of(std::string(16 << 20, '\0'), test_chunker()));
    CHECK(source.asked().empty());
    CHECK(take_all(FakeSource(""), {}).ids.empty());
}

TEST_CASE("a very large device has long chunks of zeros, and its data in the same chunks")
{
    const std::string device = noise(40 << 20, 3);
    const Extents used = {{1 << 20, 3 << 20}, {30 << 20, 4 << 20}};
    const FakeSource source(device);
    const Taken usual = take_all(source, used), large = take_all(source, used, {.long_zeros_from = 1});
    CHECK(large.bytes == device.size());
    CHECK(large.ids.size() + 15 <= usual.ids.size());
    const Id zeros = Id::of(std::string(8 << 20, '\0'));
    for (const Id& id : large.ids) CHECK((id == zeros || std::ranges::count(usual.ids, id) > 0));
}

TEST_CASE("what cannot be read is zeros, told once where it is, and all around it is there")
{
    const std::string device = noise(12 << 20, 5);
    const Extents bad = {{5 << 20, 512}, {(7 << 20) + 4096, 12288}};
    const Extents used = {{0, device.size()}};
    const Taken taken = take_all(FakeSource(device, bad), used);
    const std::map<uint64_t, uint64_t> expected = {{5 << 20, 4096}, {(7 << 20) + 4096, 12288}};
    CHECK(taken.bad == expected);
    std::string image = device;
    for (const auto& [offset, length] : expected) image.replace(offset, length, length, '\0');
    CHECK(taken.ids == ids_of(image, test_chunker()));
}

TEST_CASE("what is not free is used")
{
    CHECK(complement({}, 10) == Extents{{0, 10}});
    CHECK(complement({{4, 2}, {0, 1}, {5, 3}}, 10) == Extents{{1, 3}, {8, 2}});
    CHECK(complement({{0, 100}}, 10).empty());
    CHECK(complement({{50, 10}, {9, 50}}, 10) == Extents{{0, 9}});
}

TEST_CASE("an image is brought up to date by what has changed, and is what all of it would give")
{
    const Chunker chunker = test_chunker();
    std::mt19937_64 random(41);
    const auto some = [&](uint64_t most) { return random() % most; };
    constexpr uint64_t size = 40 << 20, block = 4096;
    std::string device = noise(size, 40);
    Extents used = {{0, 9 << 20}, {20 << 20, 20 << 20}};
    ImageParent parent;
    const auto keep = [&](const std::vector<Id>& ids, const std::vector<uint64_t>& lengths) {
        parent.chunks.clear();
        uint64_t at = 0;
        for (size_t i = 0; i < ids.size(); at += lengths[i++])
            parent.chunks.push_back({ids[i], at, lengths[i], false});
    };
    uint64_t long_zeros_from = usual_long_zeros_from;
    SUBCASE("usual zeros") {}
    SUBCASE("long zeros")
    {
        long_zeros_from = 1 << 20;
    }
    uint64_t read_at_all = 0;
    for (int round = 0; round < 12; ++round) {
        parent.changed.clear();
        const Extents used_before = used;
        if (round > 0) {
            for (uint64_t i = some(4); i > 0; --i) {
                const Extent changed{some(size / block) * block, (1 + some(16)) * block};
                const uint64_t length = std::min(changed.length, size - changed.offset);
                device.replace(changed.offset, length, noise(length, static_cast<unsigned>(random())));
                parent.changed = united(parent.changed, {{changed.offset, length}});
            }
            // Blocks come into use, and go out of it, without being written.
            const Extents toggled = {{some(size / block - 300) * block, (1 + some(300)) * block}};
            used = difference(used, toggled);
            if (round % 4 == 3) used = united(used, {{8 << 20, 14 << 20}});
            parent.changed = united(parent.changed, difference(used, used_before));
        }
        const FakeSource source(device);
        std::vector<Id> ids;
        std::vector<uint64_t> lengths;
        ImageUpdate update(
            source, used, parent, chunker, [](const Extent&, const Error&) { FAIL_CHECK("unreadable"); },
            long_zeros_from);
        while (const std::optional<ImagePart> part = update.next()) {
            if (part->stored) {
                const auto found = std::ranges::find(parent.chunks, *part->stored, &ImageChunk::id);
                REQUIRE(found != parent.chunks.end());
                ids.push_back(*part->stored);
                lengths.push_back(found->length);
            } else {
                const std::string bytes = part->chunk ? *part->chunk : std::string(part->zero_size, '\0');
                ids.push_back(Id::of(bytes));
                lengths.push_back(bytes.size());
            }
        }
        CHECK(update.bytes_done() == total(used));
        const std::string image = image_of(device, used);
        if (long_zeros_from == usual_long_zeros_from) CHECK(ids == ids_of(image, chunker));
        uint64_t at = 0;
        for (size_t i = 0; i < ids.size(); at += lengths[i++])
            REQUIRE(Id::of(image.substr(at, lengths[i])) == ids[i]);
        CHECK(at == size);
        for (const Extent& asked : source.asked()) CHECK(total(difference(united(used, {asked}), used)) == 0);
        if (round > 0) read_at_all += update.bytes_read();
        keep(ids, lengths);
    }
    CHECK(read_at_all < 11 * (size / 2));
}

TEST_CASE("what is left or new of extents")
{
    const Extents one = {{0, 10}, {20, 10}, {40, 5}}, other = {{5, 5}, {10, 10}, {40, 5}};
    CHECK(united(one, other) == Extents{{0, 30}, {40, 5}});
    CHECK(difference(one, other) == Extents{{0, 5}, {10, 20}});
    CHECK(difference(one, one).empty());
    CHECK(difference(one, {}) == one);
}

}  // namespace belay::backup
