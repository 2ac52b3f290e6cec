#pragma once
// For tests: what backend.h promises, of every place: one suite for all.

#include "backup/backend/backend.h"
#include "scratch.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <thread>

namespace belay::backup {

inline constexpr FileKind kinds_with_ids[] = {FileKind::key, FileKind::lock, FileKind::snapshot,
                                              FileKind::index, FileKind::pack};
/// Puts a file of that path beside those of the repository.
using AddsFile = std::function<void(const std::string& path)>;

inline std::map<Id, uint64_t> listed(Backend& place, FileKind kind)
{
    std::map<Id, uint64_t> all;
    for (const ListedFile& file : must(place.list(kind))) {
        CHECK_MESSAGE(!all.contains(file.id), "listed twice: ", file.id.hex());
        all[file.id] = file.size;
    }
    return all;
}

inline FileName saved(Backend& place, FileKind kind, const std::string& content)
{
    const FileName name{kind, Id::of(content)};
    must(place.save(name, content));
    return name;
}

inline void knows_what_is_not_there(Backend& place)
{
    for (const FileKind kind : kinds_with_ids) {
        const FileName name{kind, Id::of("nothing")};
        INFO(name.text());
        CHECK(place.load(name).error().kind == ErrorKind::not_found);
        CHECK(place.load(name, 5, 10).error().kind == ErrorKind::not_found);
        CHECK(place.size(name).error().kind == ErrorKind::not_found);
        CHECK(place.remove(name).has_value());
        CHECK(listed(place, kind).empty());
    }
    CHECK(place.load({}).error().kind == ErrorKind::not_found);
    CHECK(place.size({}).error().kind == ErrorKind::not_found);
}

inline void keeps_every_kind(Backend& place)
{
    for (const FileKind kind : kinds_with_ids) {
        const std::string content = fmt::format("a file in {}: \n\r\xff", folder_of(kind)) + '\0';
        const FileName name = saved(place, kind, content);
        INFO(name.text());
        CHECK(must(place.load(name)) == content);
        CHECK(must(place.size(name)) == content.size());
        CHECK(listed(place, kind) == std::map<Id, uint64_t>{{name.id, content.size()}});
        // Twice is as good as once.
        CHECK(saved(place, kind, content) == name);
        CHECK(must(place.load(name)) == content);
        CHECK(listed(place, kind).size() == 1);
        must(place.remove(name));
        CHECK(place.load(name).error().kind == ErrorKind::not_found);
        CHECK(listed(place, kind).empty());
        CHECK(place.remove(name).has_value());
        // What was removed can come back.
        saved(place, kind, content);
        CHECK(must(place.load(name)) == content);
        must(place.remove(name));
    }
    CHECK(must(place.list(FileKind::config)).empty());
}

inline void loads_parts(Backend& place)
{
    const std::string content = Scratch::random_text(100'000, 3);
    const uint64_t size = content.size();
    const FileName name = saved(place, FileKind::pack, content);
    constexpr std::pair<uint64_t, uint64_t> parts[] = {
        {0, 0}, {0, 1}, {1, 0}, {5, 10}, {0, 100'000}, {99'999, 1}, {99'999, 0}, {50'000, 50'000}};
    for (const auto& [offset, length] : parts) {
        INFO(offset, " ", length);
        CHECK(must(place.load(name, offset, length)) ==
              content.substr(offset, length == 0 ? std::string::npos : length));
    }
    CHECK(must(place.load(name, size, 0)).empty());
    const std::pair<uint64_t, uint64_t> beyond[] = {{size, 1}, {size + 5, 0}, {size + 5, 1},
                                                    {1, size}, {0, size + 1}, {5, UINT64_MAX - 2}};
    for (const auto& [offset, length] : beyond) {
        INFO(offset, " ", length);
        const Result<std::string> loaded = place.load(name, offset, length);
        REQUIRE(!loaded);
        CHECK(loaded.error().kind == ErrorKind::corrupt);
    }
    must(place.remove(name));
}

inline void keeps_small_and_large(Backend& place)
{
    for (const size_t size : {size_t{0}, size_t{1}, size_t{20} << 20}) {
        const std::string content = Scratch::random_text(size, 7);
        const FileName name = saved(place, FileKind::pack, content);
        CHECK(must(place.size(name)) == size);
        CHECK(must(place.load(name)) == content);
        must(place.remove(name));
    }
}

inline void passes_over_foreign_files(Backend& place, const AddsFile& adds_file)
{
    const FileName name = saved(place, FileKind::snapshot, "a snapshot");
    const FileName pack = saved(place, FileKind::pack, "a pack");
    std::string upper = Id::of("another").hex();
    std::ranges::transform(upper, upper.begin(), [](unsigned char c) { return std::toupper(c); });
    for (const std::string& odd : {std::string("readme"), name.id.hex() + "-tmp-1-2", upper,
                                   name.id.hex().substr(1), std::string("with \"quotes\"")})
        adds_file("snapshots/" + odd);
    adds_file(fmt::format("data/{}/{}-tmp-7-0", pack.id.hex().substr(0, 2), pack.id.hex()));
    CHECK(listed(place, FileKind::snapshot) == std::map<Id, uint64_t>{{name.id, 10}});
    CHECK(listed(place, FileKind::pack) == std::map<Id, uint64_t>{{pack.id, 6}});
    must(place.remove(name));
    must(place.remove(pack));
}

/// Two may write one file at the same moment where `writers_meet`. rclone cuts the file that is there before
/// it writes it anew, so that others see half of it; in a repository it does not happen, for each pack has
/// nonces of its own.
inline void serves_many_threads(Backend& place, bool writers_meet)
{
    constexpr int workers = 8, files_each = 24;
    const auto content_of = [](int worker, int file) {
        return Scratch::random_text(3000 + file, (worker % workers) * files_each + file);
    };
    std::atomic<int> wrong = 0;
    const auto works = [&](int worker) {
        for (int file = 0; file < files_each; ++file) {
            for (const int owner : {worker, writers_meet ? worker + 1 : worker}) {
                const std::string content = content_of(owner, file);
                const FileName name{FileKind::pack, Id::of(content)};
                if (!place.save(name, content)) ++wrong;
                if (place.load(name).value_or("") != content) ++wrong;
                if (place.load(name, 100, 50).value_or("") != content.substr(100, 50)) ++wrong;
            }
            const std::string own = fmt::format("lock {} {}", worker, file);
            const FileName lock{FileKind::lock, Id::of(own)};
            if (!place.save(lock, own) || !place.list(FileKind::lock) || !place.remove(lock)) ++wrong;
        }
    };
    {
        std::vector<std::jthread> threads;
        for (int worker = 0; worker < workers; ++worker) threads.emplace_back(works, worker);
    }
    CHECK(wrong.load() == 0);
    CHECK(listed(place, FileKind::lock).empty());
    const std::map<Id, uint64_t> packs = listed(place, FileKind::pack);
    CHECK(packs.size() == workers * files_each);
    for (int worker = 0; worker < workers; ++worker) {
        const std::string content = content_of(worker, 5);
        CHECK(packs.at(Id::of(content)) == content.size());
    }
    for (const auto& [id, size] : packs) must(place.remove({FileKind::pack, id}));
}

inline void replaces_no_config(Backend& place)
{
    // A second start before the config is there goes on where the first one was.
    must(place.create());
    must(place.save({}, "the config"));
    CHECK(must(place.load({})) == "the config");
    CHECK(must(place.size({})) == 10);
    CHECK(place.save({}, "Another co").error().kind == ErrorKind::refused);
    CHECK(place.save({}, "the config").error().kind == ErrorKind::refused);
    CHECK(place.create().error().kind == ErrorKind::refused);
    CHECK(must(place.load({})) == "the config");
}

inline void keeps_its_promises(Backend& place, const AddsFile& adds_file, bool writers_meet = true)
{
    must(place.create());
    knows_what_is_not_there(place);
    keeps_every_kind(place);
    loads_parts(place);
    keeps_small_and_large(place);
    if (adds_file) passes_over_foreign_files(place, adds_file);
    serves_many_threads(place, writers_meet);
    replaces_no_config(place);
}

}  // namespace belay::backup
