#include "simulated_ext.h"

#include "base/invariant.h"

namespace belay::simulated {
namespace {

constexpr uint64_t ext_table_at = 2 * Ext::block, ext_table_size = (Ext::reserved - 2) * Ext::block;
constexpr std::string_view ext_magic = "EXT4";

std::optional<uint64_t> first_free(const std::set<uint64_t>& used, uint64_t blocks)
{
    for (uint64_t at = Ext::reserved; at < blocks; ++at)
        if (!used.contains(at)) return at;
    return std::nullopt;
}

}  // namespace

std::set<uint64_t> Ext::used() const
{
    std::set<uint64_t> all;
    for (uint64_t at = 0; at < reserved; ++at) all.insert(at);
    for (const auto& [name, own] : files) all.insert(own.begin(), own.end());
    return all;
}

std::optional<Ext> ext_on(const Range& range)
{
    if (range.size < Ext::reserved * Ext::block) return std::nullopt;
    const auto content = filesystem_on(range);
    const std::string bytes = range.read(ext_table_at, ext_table_size);
    if (!content || !bytes.starts_with(ext_magic)) return std::nullopt;
    const std::string text = bytes.substr(ext_magic.size(), bytes.find('\0') - ext_magic.size());
    const auto table = parse_json(text);
    if (!table) return std::nullopt;
    Ext ext{.content = *content, .blocks = filesystem_size_on(range) / Ext::block};
    ext.mount_count = table->at("mount_count");
    ext.mounted_at = table->at("mounted_at");
    ext.errors = table->at("errors");
    ext.checked = table->at("checked");
    ext.files = table->at("files");
    return ext;
}

void write_ext(const Range& range, const Ext& ext)
{
    const Json table = {{"mount_count", ext.mount_count},
                        {"mounted_at", ext.mounted_at},
                        {"errors", ext.errors},
                        {"checked", ext.checked},
                        {"files", ext.files}};
    std::string bytes = std::string(ext_magic) + table.dump();
    INVARIANT(bytes.size() < ext_table_size);
    bytes.resize(ext_table_size);
    write_filesystem(range, ext.content, ext.blocks * Ext::block);
    range.write(ext_table_at, bytes);
}

Files ext_files(const Range& range, const Ext& ext)
{
    Files all;
    for (const auto& [name, own] : ext.files) {
        std::string& bytes = all[name];
        for (const uint64_t at : own)
            if ((at + 1) * Ext::block <= range.size) bytes += range.read(at * Ext::block, Ext::block);
    }
    return all;
}

bool add_ext_file(const Range& range, Ext& ext, const std::string& name, const std::string& bytes)
{
    const std::set<uint64_t> used = ext.used();
    std::vector<uint64_t> own;
    for (uint64_t at = ext.blocks; at-- > Ext::reserved && own.size() * Ext::block < bytes.size();)
        if (!used.contains(at)) own.push_back(at);
    if (own.size() * Ext::block < bytes.size()) return false;
    for (size_t i = 0; i < own.size(); ++i) {
        std::string one = bytes.substr(i * Ext::block, Ext::block);
        one.resize(Ext::block);
        range.write(own[i] * Ext::block, one);
    }
    ext.files[name] = own;
    write_ext(range, ext);
    return true;
}

void resize_ext(const Range& range, Ext ext, uint64_t blocks, bool cut_short)
{
    std::vector<uint64_t*> behind;
    for (auto& [name, own] : ext.files)
        for (uint64_t& at : own)
            if (at >= blocks) behind.push_back(&at);
    if (cut_short) behind.resize((behind.size() + 1) / 2);
    std::set<uint64_t> used = ext.used();
    for (uint64_t* at : behind) {
        const auto free = first_free(used, blocks);
        INVARIANT(free.has_value());
        const bool half = cut_short && at == behind.back();
        range.write(*free * Ext::block, range.read(*at * Ext::block, half ? Ext::block / 2 : Ext::block));
        used.insert(*free);
        *at = *free;
    }
    ext.errors = cut_short;
    if (!cut_short) ext.blocks = blocks;
    write_ext(range, ext);
}

std::string ext_image(const Range& range)
{
    std::string image = range.read(0, range.size);
    const auto ext = ext_on(range);
    if (!ext || ext->errors) return image;
    const std::set<uint64_t> used = ext->used();
    for (uint64_t at = 0; at * Ext::block < image.size(); ++at) {
        const size_t count = std::min<size_t>(Ext::block, image.size() - at * Ext::block);
        if (!used.contains(at)) image.replace(at * Ext::block, count, std::string(count, '\0'));
    }
    return image;
}

}  // namespace belay::simulated
