#include "framework/messages/store/trigram_index.h"

#include <algorithm>

namespace belay::framework::messages {
namespace {

constexpr size_t trigram_bytes = 3;
constexpr size_t trigram_hashes = 1 << 16;
/// More tell little that the first have not told.
constexpr size_t trigrams_asked = 64;
constexpr char form_distances = 0, form_bits = 1;

uint16_t trigram_hash(const char* at)
{
    uint32_t three = 0;
    for (size_t i = 0; i < trigram_bytes; ++i)
        three = three << 8U | folded(static_cast<unsigned char>(at[i]));
    return static_cast<uint16_t>(three * 0x9e3779b1U >> 16U);
}

void put_varint(std::string& bytes, uint32_t number)
{
    for (; number >= 0x80; number >>= 7U) bytes += static_cast<char>(number | 0x80U);
    bytes += static_cast<char>(number);
}

/// Takes one off the front; nothing where there is no whole one.
std::optional<uint64_t> take_varint(std::string_view& bytes)
{
    uint64_t number = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
        if (bytes.empty()) return std::nullopt;
        const auto byte = static_cast<unsigned char>(bytes.front());
        bytes.remove_prefix(1);
        number |= uint64_t{byte & 0x7fU} << shift;
        if (byte < 0x80) return number;
    }
    return std::nullopt;
}

/// The same groups as bits, in as many bytes as the last of them needs.
std::string bits_of(std::string_view distances, uint32_t next)
{
    std::string bits((next + 7) / 8, '\0');
    uint64_t group = 0;
    for (auto distance = take_varint(distances); distance; distance = take_varint(distances)) {
        group += *distance;
        const uint64_t at = group - 1;
        bits[at / 8] = static_cast<char>(static_cast<unsigned char>(bits[at / 8]) | 1U << at % 8);
    }
    return bits;
}

/// Bit by bit which groups below bits.size() are among `groups`. False: it makes no sense.
bool read_groups(std::string_view groups, std::vector<bool>& bits)
{
    if (groups.empty()) return false;
    const char form = groups.front();
    groups.remove_prefix(1);
    if (form == form_bits) {
        for (size_t i = 0; i < bits.size() && i / 8 < groups.size(); ++i)
            bits[i] = (static_cast<unsigned char>(groups[i / 8]) >> i % 8 & 1U) != 0;
        return true;
    }
    if (form != form_distances) return false;
    uint64_t next = 0;
    while (!groups.empty()) {
        const auto distance = take_varint(groups);
        if (!distance || *distance == 0) return false;
        next += *distance;
        if (next > bits.size()) return false;
        bits[next - 1] = true;
    }
    return true;
}

}  // namespace

unsigned char folded(unsigned char byte)
{
    return byte >= 'A' && byte <= 'Z' ? static_cast<unsigned char>(byte | 0x20U) : byte;
}

TextFinder::TextFinder(std::string_view part) : part_(part)
{
    for (char& byte : part_) byte = static_cast<char>(folded(static_cast<unsigned char>(byte)));
    // Horspool's: what stands at the part's end says how far the part can be moved at least.
    skip_.fill(std::max<size_t>(part_.size(), 1));
    for (size_t i = 0; i + 1 < part_.size(); ++i) {
        const auto byte = static_cast<unsigned char>(part_[i]);
        skip_.at(byte) = part_.size() - 1 - i;
        if (byte >= 'a' && byte <= 'z') skip_.at(byte & ~0x20U) = part_.size() - 1 - i;
    }
}

bool TextFinder::is_in(std::string_view text) const
{
    const size_t length = part_.size();
    if (length == 0) return true;
    for (size_t at = 0; at + length <= text.size();) {
        size_t left = length;
        while (left > 0 && folded(static_cast<unsigned char>(text[at + left - 1])) ==
                               static_cast<unsigned char>(part_[left - 1]))
            --left;
        if (left == 0) return true;
        at += skip_[static_cast<unsigned char>(text[at + length - 1])];
    }
    return false;
}

TrigramIndex::TrigramIndex() : by_hash_(trigram_hashes), is_seen_(trigram_hashes) {}

void TrigramIndex::add(uint32_t group, std::string_view text)
{
    if (group != group_) end_group();
    group_ = group;
    for (size_t i = 0; i + trigram_bytes <= text.size(); ++i) {
        const uint16_t hash = trigram_hash(text.data() + i);
        if (is_seen_[hash]) continue;
        is_seen_[hash] = true;
        seen_.push_back(hash);
    }
}

void TrigramIndex::end_group()
{
    for (const uint16_t hash : seen_) {
        Groups& groups = by_hash_[hash];
        put_varint(groups.distances, group_ + 1 - groups.next);
        groups.next = group_ + 1;
        is_seen_[hash] = false;
    }
    seen_.clear();
}

Result<void> TrigramIndex::write(const store::SqliteConnection& connection)
{
    end_group();
    auto put = TRY(connection.prepare("INSERT INTO trigram (hash, groups) VALUES (?, ?)"));
    for (size_t hash = 0; hash < by_hash_.size(); ++hash) {
        const Groups& groups = by_hash_[hash];
        if (groups.next == 0) continue;
        const bool is_dense = groups.distances.size() > groups.next / 8 + 1;
        const std::string blob =
            is_dense ? form_bits + bits_of(groups.distances, groups.next) : form_distances + groups.distances;
        TRY(put.execute(static_cast<int64_t>(hash), std::string_view(blob)));
    }
    return {};
}

Result<std::optional<std::vector<uint32_t>>> groups_with(const store::SqliteConnection& connection,
                                                         std::string_view part, uint32_t count)
{
    if (part.size() < trigram_bytes) return std::nullopt;
    std::vector<uint16_t> hashes;
    for (size_t i = 0; i + trigram_bytes <= part.size() && hashes.size() < trigrams_asked; ++i)
        hashes.push_back(trigram_hash(part.data() + i));
    std::ranges::sort(hashes);
    hashes.erase(std::ranges::unique(hashes).begin(), hashes.end());

    std::vector<bool> all(count, true);
    auto find = TRY(connection.prepare("SELECT groups FROM trigram WHERE hash = ?"));
    for (const uint16_t hash : hashes) {
        auto row = find.run(int64_t{hash});
        if (!TRY(row.row())) return std::vector<uint32_t>();
        std::vector<bool> some(count);
        if (!read_groups(row.bytes(0), some))
            return fail(ErrorKind::corrupt, "the search index of a segment of messages makes no sense");
        for (size_t i = 0; i < count; ++i) all[i] = all[i] && some[i];
    }
    std::vector<uint32_t> groups;
    for (uint32_t i = count; i > 0; --i)
        if (all[i - 1]) groups.push_back(i - 1);
    return groups;
}

}  // namespace belay::framework::messages
