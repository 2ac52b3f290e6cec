#include "backup/catalog/names.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <openssl/sha.h>

namespace belay::backup::catalog {
namespace {

/// Some tens of MiB each.
constexpr size_t most_remembered = 400'000, most_blocks = 2'000;

/// Nobody can make names whose digests meet, and so none that are slow to find.
int64_t hash_of(std::string_view name)
{
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    ::SHA256(reinterpret_cast<const unsigned char*>(name.data()), name.size(), digest.data());
    int64_t hash = 0;
    std::memcpy(&hash, digest.data(), sizeof hash);
    return hash;
}

std::unexpected<Error> no_such_name(uint32_t number)
{
    return fail(ErrorKind::corrupt, fmt::format("the catalog is damaged: it has no name {}", number),
                "belay catalog rebuild");
}

/// The name with that index in a block; nothing where it has fewer.
std::optional<std::string_view> name_in(std::string_view block, uint32_t index)
{
    for (;; --index) {
        const size_t end = block.find('\0');
        if (end == std::string_view::npos) return std::nullopt;
        if (index == 0) return block.substr(0, end);
        block.remove_prefix(end + 1);
    }
}

/// `text` with its ASCII in lower case, in `lower`. Without branches, so that many bytes go at once.
void to_lower(std::string_view text, std::string& lower)
{
    lower.resize(text.size());
    for (size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        const bool is_upper = static_cast<unsigned char>(byte - 'A') < 26;
        lower[i] = static_cast<char>(byte | (static_cast<unsigned>(is_upper) << 5));
    }
}

}  // namespace

Result<std::unique_ptr<Names>> Names::open(const store::SqliteConnection& connection)
{
    std::unique_ptr<Names> names(new Names);
    names->get_block_ = TRY(connection.prepare("SELECT names FROM name_block WHERE number = ?"));
    names->put_block_ =
        TRY(connection.prepare("INSERT OR REPLACE INTO name_block (number, names) VALUES (?, ?)"));
    names->all_blocks_ = TRY(connection.prepare("SELECT number, names FROM name_block ORDER BY number"));
    names->find_hash_ = TRY(connection.prepare("SELECT number FROM name_hash WHERE hash = ?"));
    names->put_hash_ = TRY(connection.prepare("INSERT INTO name_hash (hash, number) VALUES (?, ?)"));
    names->last_block_ =
        TRY(connection.prepare("SELECT number, names FROM name_block ORDER BY number DESC LIMIT 1"));
    TRY(names->refresh());
    return names;
}

Result<void> Names::refresh()
{
    blocks_.clear();
    numbers_.clear();
    tail_.clear();
    count_ = 0;
    auto run = last_block_.run();
    if (!TRY(run.row())) return {};
    const std::string_view tail = run.bytes(1);
    const auto held = static_cast<uint32_t>(std::ranges::count(tail, '\0'));
    count_ = static_cast<uint32_t>(run.integer(0)) * block_names + held;
    if (held < block_names) tail_ = tail;
    return {};
}

Result<std::string> Names::read_block(uint32_t block_number)
{
    auto run = get_block_.run(int64_t{block_number});
    if (!TRY(run.row())) return no_such_name(block_number * block_names);
    return std::string(run.bytes(0));
}

Result<std::string_view> Names::block(uint32_t block_number)
{
    if (block_number == count_ / block_names) return std::string_view(tail_);
    const auto found = blocks_.find(block_number);
    if (found != blocks_.end()) return std::string_view(found->second);
    if (blocks_.size() >= most_blocks) blocks_.clear();
    std::string read = TRY(read_block(block_number));
    return std::string_view(blocks_.emplace(block_number, std::move(read)).first->second);
}

Result<std::string> Names::name(uint32_t number)
{
    const std::string_view within = TRY(block(number / block_names));
    const std::optional<std::string_view> found = name_in(within, number % block_names);
    if (!found) return no_such_name(number);
    return std::string(*found);
}

Result<std::optional<uint32_t>> Names::find_stored(std::string_view name, int64_t hash)
{
    auto run = find_hash_.run(hash);
    while (TRY(run.row())) {
        const auto number = static_cast<uint32_t>(run.integer(0));
        const std::string_view within = TRY(block(number / block_names));
        if (name_in(within, number % block_names) == name) return std::optional(number);
    }
    return std::optional<uint32_t>();
}

Result<std::optional<uint32_t>> Names::find(std::string_view name)
{
    return find_stored(name, hash_of(name));
}

void Names::remember(std::string_view name, uint32_t number)
{
    if (numbers_.size() >= most_remembered) numbers_.clear();
    numbers_.emplace(name, number);
}

Result<uint32_t> Names::number_of(std::string_view name)
{
    const std::string key(name);
    if (const auto found = numbers_.find(key); found != numbers_.end()) return found->second;
    const int64_t hash = hash_of(name);
    if (const std::optional<uint32_t> stored = TRY(find_stored(name, hash))) {
        remember(name, *stored);
        return *stored;
    }
    const uint32_t number = count_;
    if (number == UINT32_MAX)
        return fail(ErrorKind::no_space, "the catalog has no number left for another name");
    TRY(put_hash_.execute(hash, int64_t{number}));
    tail_.append(name).push_back('\0');
    tail_changed_ = true;
    ++count_;
    if (count_ % block_names == 0) {
        TRY(put_block_.execute(int64_t{number / block_names}, std::string_view(tail_)));
        tail_.clear();
        tail_changed_ = false;
    }
    remember(name, number);
    return number;
}

Result<void> Names::flush()
{
    if (!std::exchange(tail_changed_, false)) return {};
    return put_block_.execute(int64_t{count_ / block_names}, std::string_view(tail_));
}

Result<void> Names::scan(const NamePattern& pattern,
                         const std::function<Result<bool>(uint32_t, std::string_view)>& each)
{
    const std::string& literal = pattern.literal();
    auto run = all_blocks_.run();
    std::string lower;
    while (TRY(run.row())) {
        const auto first = static_cast<uint32_t>(run.integer(0)) * block_names;
        const std::string_view names = run.bytes(1);
        if (pattern.ignores_case()) to_lower(names, lower);
        const std::string_view searched = pattern.ignores_case() ? std::string_view(lower) : names;
        uint32_t index = 0;
        for (size_t at = 0; at < names.size();) {
            if (!literal.empty()) {
                const void* const hit =
                    ::memmem(searched.data() + at, searched.size() - at, literal.data(), literal.size());
                if (hit == nullptr) break;
                const auto hit_at = static_cast<size_t>(static_cast<const char*>(hit) - searched.data());
                for (size_t end = names.find('\0', at); end < hit_at; end = names.find('\0', at)) {
                    at = end + 1;
                    ++index;
                }
            }
            const size_t end = std::min(names.find('\0', at), names.size());
            const std::string_view name = names.substr(at, end - at);
            if (pattern.matches(name) && !TRY(each(first + index, name))) return {};
            at = end + 1;
            ++index;
        }
    }
    return {};
}

}  // namespace belay::backup::catalog
