#include "backup/block/thin_mappings.h"

#include <algorithm>
#include <charconv>
#include <libxml/xmlreader.h>
#include <memory>
#include <optional>
#include <unistd.h>

namespace belay::backup {
namespace {

/// 32 MiB of memory for each million of ranges and more.
constexpr size_t most_ranges = 8 << 20;
constexpr uint64_t sector_size = 512;
/// What the kernel allows for a block of a pool, in sectors.
constexpr uint64_t largest_block = 2 << 20;
/// No device is larger than what a signed offset can tell.
constexpr uint64_t most_blocks = uint64_t{1} << 46;

using XmlReader = std::unique_ptr<xmlTextReader, void (*)(xmlTextReaderPtr)>;

std::unexpected<Error> no_dump(std::string_view why)
{
    return fail(ErrorKind::corrupt, fmt::format("what thin_dump says of the thin volume {}", why));
}

/// The dump of one volume, taken apart.
class DumpReader {
  public:
    DumpReader(xmlTextReaderPtr reader, uint64_t device) : reader_(reader), device_(device) {}

    Result<ThinMappings> run()
    {
        int more = xmlTextReaderRead(reader_);
        for (; more == 1; more = xmlTextReaderRead(reader_)) {
            if (xmlTextReaderNodeType(reader_) == XML_READER_TYPE_ELEMENT) TRY(take_element());
        }
        if (more != 0) return no_dump("is no XML");
        if (!count_) return no_dump("is of another volume");
        if (volume_.blocks != *count_)
            return no_dump(fmt::format("tells {} blocks, and {} ranges of {}", *count_, volume_.ranges.size(),
                                       volume_.blocks));
        return std::move(volume_);
    }

  private:
    Result<uint64_t> number(const char* name)
    {
        const std::unique_ptr<xmlChar, void (*)(void*)> value(
            xmlTextReaderGetAttribute(reader_, reinterpret_cast<const xmlChar*>(name)), xmlFree);
        const std::string_view text = value ? reinterpret_cast<const char*>(value.get()) : "";
        uint64_t said = 0;
        const char* begin = text.data();
        const auto [end, wrong] = std::from_chars(begin, begin + text.size(), said);
        if (text.empty() || wrong != std::errc() || end != begin + text.size())
            return no_dump(fmt::format("has no number for {}", name));
        return said;
    }

    Result<void> take_element()
    {
        const std::string_view name = reinterpret_cast<const char*>(xmlTextReaderConstLocalName(reader_));
        if (name == "superblock") return take_pool();
        if (name == "device") return take_device();
        if (name == "single_mapping") {
            const uint64_t begin = TRY(number("origin_block"));
            const uint64_t data = TRY(number("data_block"));
            return take_range({begin, data, 1});
        }
        if (name == "range_mapping") {
            const uint64_t begin = TRY(number("origin_begin"));
            const uint64_t data = TRY(number("data_begin"));
            const uint64_t length = TRY(number("length"));
            return take_range({begin, data, length});
        }
        return no_dump(fmt::format("has an element {} that is not known", name));
    }

    Result<void> take_pool()
    {
        const uint64_t sectors = TRY(number("data_block_size"));
        if (sectors == 0 || sectors > largest_block || volume_.block_size != 0)
            return no_dump("has no size of a block");
        volume_.block_size = sectors * sector_size;
        return {};
    }

    Result<void> take_device()
    {
        if (volume_.block_size == 0 || count_ || TRY(number("dev_id")) != device_)
            return no_dump("is of another volume");
        volume_.created = TRY(number("creation_time"));
        count_ = TRY(number("mapped_blocks"));
        return {};
    }

    Result<void> take_range(const ThinRange& next)
    {
        const uint64_t time = TRY(number("time"));
        std::vector<ThinRange>& ranges = volume_.ranges;
        const bool fits = next.length > 0 && next.length <= most_blocks && next.begin <= most_blocks &&
                          next.data <= most_blocks && (ranges.empty() || next.begin >= ranges.back().end());
        if (!count_ || !fits) return no_dump("has ranges in disorder");
        volume_.youngest = std::max(volume_.youngest, time);
        volume_.blocks += next.length;
        if (!ranges.empty() && ranges.back().end() == next.begin &&
            ranges.back().data + ranges.back().length == next.data) {
            ranges.back().length += next.length;
            return {};
        }
        if (ranges.size() == most_ranges)
            return fail(ErrorKind::refused,
                        fmt::format("the thin volume lies in more than {} pieces in its pool", most_ranges));
        ranges.push_back(next);
        return {};
    }

    xmlTextReaderPtr reader_;
    uint64_t device_;
    ThinMappings volume_;
    std::optional<uint64_t> count_;  ///< of blocks, as the device's element has it
};

/// What of a range lies within a volume.
Extent bytes_between(const ThinMappings& volume, uint64_t begin, uint64_t end, uint64_t size)
{
    const uint64_t from = std::min(begin * volume.block_size, size);
    return {from, std::min(end * volume.block_size, size) - from};
}

/// The ranges of a volume, walked by places in it.
class RangeWalk {
  public:
    explicit RangeWalk(const ThinMappings& volume) : ranges_(volume.ranges) {}

    /// Where in the pool a block lies; places come in ascending order.
    std::optional<uint64_t> data_at(uint64_t place)
    {
        while (next_ < ranges_.size() && ranges_[next_].end() <= place) ++next_;
        if (next_ == ranges_.size() || ranges_[next_].begin > place) return std::nullopt;
        return ranges_[next_].data + (place - ranges_[next_].begin);
    }
    /// Behind the last place that was asked for: up to where all goes on as it is there.
    uint64_t stays_to(uint64_t place) const
    {
        if (next_ == ranges_.size()) return UINT64_MAX;
        return ranges_[next_].begin > place ? ranges_[next_].begin : ranges_[next_].end();
    }

  private:
    const std::vector<ThinRange>& ranges_;
    size_t next_ = 0;
};

}  // namespace

Result<ThinMappings> read_thin_mappings(int file, uint64_t device)
{
    if (::lseek(file, 0, SEEK_SET) != 0) return no_dump("cannot be read");
    const XmlReader reader(
        xmlReaderForFd(file, nullptr, nullptr,
                       XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_HUGE),
        xmlFreeTextReader);
    if (!reader) return no_dump("cannot be read");
    return DumpReader(reader.get(), device).run();
}

Extents mapped(const ThinMappings& volume, uint64_t size)
{
    Extents all;
    for (const ThinRange& one : volume.ranges) append(all, bytes_between(volume, one.begin, one.end(), size));
    return all;
}

Extents unshared(const ThinMappings& one, const ThinMappings& other, uint64_t size)
{
    Extents all;
    RangeWalk first(one), second(other);
    const uint64_t end = (size + one.block_size - 1) / one.block_size;
    for (uint64_t place = 0; place < end;) {
        const bool is_shared = first.data_at(place) == second.data_at(place);
        const uint64_t next = std::min({first.stays_to(place), second.stays_to(place), end});
        if (!is_shared) append(all, bytes_between(one, place, next, size));
        place = next;
    }
    return all;
}

}  // namespace belay::backup
