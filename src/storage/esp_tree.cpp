#include "storage/esp_tree.h"

#include "storage/tables.h"

namespace belay::storage::esp {
namespace {

constexpr Milliseconds hashing_limit = std::chrono::minutes(5);  // some hundred megabytes from a slow disk

std::string lower(std::string_view text)
{
    std::string small(text);
    for (char& c : small) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    return small;
}

std::string upper(std::string_view text)
{
    std::string large(text);
    for (char& c : large) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    return large;
}

std::string_view name_in(std::string_view path)
{
    return path.substr(path.rfind('/') + 1);
}

/// A loader of a name like "shimx64.efi" that is not at the firmware's own place; null where there is none.
const File* loader(const Tree& tree, std::string_view kind, std::string& machine)
{
    for (const auto& [path, file] : tree) {
        const std::string_view name = name_in(path);
        if (path.starts_with("efi/boot/") || !name.starts_with(kind) || !name.ends_with(".efi")) continue;
        const std::string_view rest = name.substr(kind.size(), name.size() - kind.size() - 4);
        if (rest != "x64" && rest != "ia32" && rest != "aa64" && rest != "riscv64") continue;
        machine = rest;
        return &file;
    }
    return nullptr;
}

void add(WantedTree& wanted, const std::string& path, const File& from)
{
    wanted.emplace(lower(path), Wanted{path, from});
}

}  // namespace

Result<Tree> tree_in(std::string_view text, std::string_view folder)
{
    Tree tree;
    const std::string prefix = fmt::format("{}/", folder == "/" ? "" : folder);
    for (const FileDigest& file : TRY(storage::parse_digests(text))) {
        if (file.path.size() <= prefix.size() || !file.path.starts_with(prefix))
            return fail(ErrorKind::corrupt,
                        fmt::format("find tells of {}, which is not in {}", file.path, folder));
        const std::string below = file.path.substr(prefix.size());
        tree[lower(below)] = File{below, file.digest};
    }
    return tree;
}

Result<Tree> read_tree(host::Host& host, const std::string& folder)
{
    const host::Outcome outcome = TRY(run_checked(
        host, {.argv = {"find", folder, "-xdev", "-type", "f", "-exec", "sha256sum", "--", "{}", "+"},
               .limit = hashing_limit}));
    return tree_in(outcome.out, folder);
}

bool starts_by_itself(const Tree& tree)
{
    return std::ranges::any_of(tree, [](const auto& entry) {
        return entry.first.starts_with("efi/boot/boot") && entry.first.ends_with(".efi");
    });
}

WantedTree wanted_copy(const Tree& source)
{
    WantedTree wanted;
    for (const auto& [path, file] : source) add(wanted, file.path, file);
    if (starts_by_itself(source)) return wanted;
    std::string machine;
    for (const std::string_view kind : {"shim", "grub", "systemd-boot"}) {
        const File* found = loader(source, kind, machine);
        if (found == nullptr) continue;
        add(wanted, fmt::format("EFI/BOOT/BOOT{}.EFI", upper(machine)), *found);
        if (kind != "shim") break;
        // shim starts the loader that lies beside it. Its own fallback, fbx64.efi, is left where it is: at
        // the firmware's place it would make boot entries and reset the machine.
        const std::string folder = found->path.substr(0, found->path.rfind('/') + 1);
        for (const char* beside : {"grub", "mm"}) {
            const auto one = source.find(lower(fmt::format("{}{}{}.efi", folder, beside, machine)));
            if (one != source.end())
                add(wanted, fmt::format("EFI/BOOT/{}", name_in(one->second.path)), one->second);
        }
        break;
    }
    return wanted;
}

std::vector<std::string> differences(const WantedTree& wanted, const Tree& copy)
{
    std::vector<std::string> all;
    for (const auto& [path, file] : wanted) {
        const auto found = copy.find(path);
        if (found == copy.end())
            all.push_back(fmt::format("{} is missing", file.path));
        else if (found->second.digest != file.from.digest)
            all.push_back(fmt::format("{} is another", file.path));
    }
    return all;
}

}  // namespace belay::storage::esp
