#include "upgrade/image/library.h"

#include "base/digest.h"
#include "host/files.h"
#include "upgrade/image/folder_tree.h"
#include "upgrade/image/passing_folder.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <unistd.h>

namespace belay::upgrade::image {
namespace {

constexpr Bytes largest_own_manifest{64 << 10}, largest_own_listing{64 << 20};
constexpr size_t verify_at_once = 256 << 10;

/// The names in a folder of the library that may be those of images or versions.
Result<std::vector<std::string>> names_in(host::Host& host, const std::string& folder)
{
    Result<std::vector<std::string>> names = host.list(folder);
    if (!names && names.error().kind == ErrorKind::not_found) return std::vector<std::string>();
    if (names) std::erase_if(*names, [](const std::string& name) { return name.starts_with('.'); });
    return names;
}

Error not_installed(const std::string& library, const std::string& name, const Version& version)
{
    return {.kind = ErrorKind::not_found,
            .what = fmt::format("{} {} is not installed in {}", name, version.text, library),
            .next = "belay image list"};
}

bool comes_first(const Installed& a, const Installed& b)
{
    if (a.manifest.name != b.manifest.name) return a.manifest.name < b.manifest.name;
    const std::weak_ordering order = compare(a.manifest.version, b.manifest.version);
    return order == 0 ? a.manifest.version.text < b.manifest.version.text : order < 0;
}

/// A version's own files, held together.
struct OwnFiles {
    Manifest manifest;
    Listing listing;
    std::string signer;
};

Result<OwnFiles> read_own_files(const std::string& folder, const std::vector<PublicKey>& trusted)
{
    const std::string text = TRY(host::files::read(folder + "/.image/manifest.toml", largest_own_manifest));
    Result<std::string> signature = host::files::read(folder + "/.image/manifest.sig", largest_own_manifest);
    if (!signature && signature.error().kind == ErrorKind::not_found)
        return fail(ErrorKind::refused, folder + " is not signed");
    OwnFiles own;
    own.signer = TRY(signer_of(text, TRY(signature), trusted));
    own.manifest = TRY(read_manifest(text));
    const std::string listing = TRY(host::files::read(folder + "/.image/files.mtree", largest_own_listing));
    if (sha256(listing) != own.manifest.files)
        return fail(ErrorKind::corrupt,
                    folder + "/.image/files.mtree is not the one that the manifest means");
    own.listing = TRY(read_listing(listing));
    return own;
}

std::unexpected<Error> altered(const std::string& folder, const std::string& path, std::string_view how)
{
    return fail(ErrorKind::corrupt, fmt::format("{}/{} {}", folder, path, how),
                "remove the version and add its image again");
}

/// Holds what is there against what is listed, but for the bytes.
Result<void> compare_entries(const std::string& folder, const Listing& listed, const Listing& found)
{
    for (const ListedEntry& entry : listed.entries) {
        const ListedEntry* there = found.find(entry.path);
        if (there == nullptr) return altered(folder, entry.path, "is missing");
        if (there->type != entry.type)
            return altered(folder, entry.path, "is of another kind than its image has it");
        if (there->mode != entry.mode)
            return altered(folder, entry.path,
                           fmt::format("has mode {:o} in place of {:o}", there->mode, entry.mode));
        if (there->size != entry.size || there->target != entry.target)
            return altered(folder, entry.path, "was altered");
    }
    for (const ListedEntry& entry : found.entries) {
        if (listed.find(entry.path) == nullptr) return altered(folder, entry.path, "is not of its image");
    }
    return {};
}

Result<std::string> digest_of_file(const std::string& folder, const std::string& path,
                                   const std::function<Result<void>(size_t)>& passed)
{
    const host::Descriptor file = TRY(open_file_below(folder, path));
    Sha256 digest;
    std::string buffer(verify_at_once, '\0');
    while (true) {
        const ssize_t got = read(file.number(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return std::unexpected(system_error(fmt::format("read {}/{}", folder, path), errno));
        if (got == 0) return digest.hex();
        digest.add({buffer.data(), static_cast<size_t>(got)});
        TRY(passed(static_cast<size_t>(got)));
    }
}

/// Whether nobody works in a folder with a passing name; held as long as the descriptor is.
std::optional<host::Descriptor> take_leftover(const std::string& path)
{
    host::Descriptor folder(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder || flock(folder.number(), LOCK_EX | LOCK_NB) != 0) return std::nullopt;
    return folder;
}

Result<std::vector<std::string>> each_leftover(const std::string& library,
                                               const std::function<Result<void>(const std::string&)>& act)
{
    std::vector<std::string> found;
    Result<std::vector<std::string>> names = host::files::list(library);
    if (!names && names.error().kind == ErrorKind::not_found) return found;
    for (const std::string& name : TRY(names)) {
        if (!is_passing_name(name)) continue;
        const std::string path = fmt::format("{}/{}", library, name);
        const std::optional<host::Descriptor> held = take_leftover(path);
        if (!held) continue;
        TRY(act(path));
        found.push_back(path);
    }
    return found;
}

}  // namespace

std::string version_folder(const std::string& library, const std::string& name, const Version& version)
{
    return fmt::format("{}/{}/{}", library, name, version.text);
}

Result<Installed> find_installed(host::Host& host, const std::string& library, const std::string& name,
                                 const Version& version)
{
    Installed installed;
    installed.folder = version_folder(library, name, version);
    const std::string file = installed.folder + "/.image/manifest.toml";
    Result<std::string> text = host.read(file, largest_own_manifest);
    if (!text && text.error().kind == ErrorKind::not_found)
        return std::unexpected(not_installed(library, name, version));
    installed.manifest = TRY(read_manifest(TRY(text), file));
    if (installed.manifest.name != name || installed.manifest.version != version)
        return fail(ErrorKind::corrupt,
                    fmt::format("{} holds {}", installed.folder, installed.manifest.to_text()));
    return installed;
}

Result<std::vector<Installed>> list_installed(host::Host& host, const std::string& library,
                                              std::vector<Error>* problems)
{
    std::vector<Installed> all;
    const auto tell = [&](const Error& error) {
        if (problems != nullptr) problems->push_back(error);
    };
    for (const std::string& name : TRY(names_in(host, library))) {
        // packages.conf is among them, and what a person put there.
        if (!check_name(name)) continue;
        for (const std::string& text : TRY(names_in(host, fmt::format("{}/{}", library, name)))) {
            const Result<Version> version = parse_version(text);
            if (!version) continue;
            Result<Installed> installed = find_installed(host, library, name, *version);
            if (installed)
                all.push_back(*std::move(installed));
            else if (installed.error().kind == ErrorKind::dead)
                return std::unexpected(installed.error());
            else
                tell(installed.error());
        }
    }
    std::ranges::sort(all, comes_first);
    return all;
}

Result<void> check_space(host::Host& host, const std::string& library, Bytes size, Bytes reserve)
{
    std::string folder = library;
    Result<host::Space> space = host.space(folder);
    // It is made when the first image comes.
    while (!space && space.error().kind == ErrorKind::not_found && folder != "/") {
        folder = std::filesystem::path(folder).parent_path().string();
        space = host.space(folder);
    }
    const host::Space found = TRY(space);
    if (found.free.count >= size.count && found.free.count - size.count >= reserve.count) return {};
    return fail(ErrorKind::no_space,
                fmt::format("{} has {} free; the image takes {}, and {} are to stay free", library,
                            to_text(found.free), to_text(size), to_text(reserve)),
                "remove a version that is not needed, or make room");
}

Result<Verified> verify_installed(const std::string& library, const std::string& name, const Version& version,
                                  const std::vector<PublicKey>& trusted, const Progress& progress)
{
    TRY(check_name(name));
    const std::string folder = version_folder(library, name, version);
    if (access((folder + "/.image/manifest.toml").c_str(), F_OK) != 0 && errno == ENOENT)
        return std::unexpected(not_installed(library, name, version));
    const OwnFiles own = TRY(read_own_files(folder, trusted));
    if (own.manifest.name != name || own.manifest.version != version)
        return fail(ErrorKind::corrupt, fmt::format("{} holds {}", folder, own.manifest.to_text()));
    const FolderTree tree = TRY(look_at_folder(folder, true));
    TRY(compare_entries(folder, own.listing, tree.listing));
    uint64_t done = 0;
    const auto passed = [&](size_t bytes) -> Result<void> {
        done += bytes;
        return progress ? progress(Bytes{done}, own.listing.content()) : Result<void>();
    };
    for (const ListedEntry& entry : own.listing.entries) {
        if (entry.type == EntryType::file && TRY(digest_of_file(folder, entry.path, passed)) != entry.sha256)
            return altered(folder, entry.path, "was altered");
    }
    return Verified{own.manifest, own.signer};
}

Result<void> remove_installed(host::Host& host, const std::string& library, const std::string& name,
                              const Version& version)
{
    TRY(check_name(name));
    const State state = state_of(TRY(read_packages(host, library)), name, version);
    if (state != State::inactive)
        return fail(ErrorKind::refused,
                    fmt::format("{} {} is {}, so it stays", name, version.text, name_of(state)),
                    "belay image list");
    std::optional<PassingFolder> folder = TRY(PassingFolder::of_version(library, name, version));
    if (!folder) return {};
    return folder->remove();
}

Result<std::vector<std::string>> leftovers(const std::string& library)
{
    return each_leftover(library, [](const std::string&) { return Result<void>(); });
}

Result<std::vector<std::string>> remove_leftovers(const std::string& library)
{
    return each_leftover(library, remove_tree);
}

}  // namespace belay::upgrade::image
