#include "upgrade/shelf.h"

#include "base/digest.h"
#include "host/descriptor.h"
#include "upgrade/image/folder_tree.h"
#include "upgrade/image/image_file.h"
#include "upgrade/image/passing_folder.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace belay::upgrade {
namespace {

constexpr std::string_view image_suffix = ".image";
constexpr size_t digest_digits = 64;
constexpr Bytes largest_image{uint64_t{256} << 30};

bool is_digest(std::string_view text)
{
    return text.size() == digest_digits &&
           std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

Result<uint64_t> write_at(int file, std::string_view bytes, uint64_t offset, const std::string& path)
{
    while (!bytes.empty()) {
        const ssize_t written = pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return std::unexpected(system_error("write " + path, errno));
        bytes.remove_prefix(static_cast<size_t>(written));
        offset += static_cast<uint64_t>(written);
    }
    return offset;
}

Result<void> check_room(const std::string& folder, Bytes bytes)
{
    std::error_code problem;
    const std::filesystem::space_info space = std::filesystem::space(folder, problem);
    if (problem) return std::unexpected(system_error("look at " + folder, problem.value()));
    if (space.available >= bytes.count) return {};
    return fail(ErrorKind::no_space,
                fmt::format("the image has {}, and there is room for {} in {}", to_text(bytes),
                            to_text(Bytes{space.available}), folder),
                "belay image remove, of one that is not needed any more");
}

}  // namespace

Result<Shelf::Upload> Shelf::take(const std::string& file, Bytes bytes, uint64_t offset,
                                  std::string_view piece)
{
    if (!is_digest(file))
        return fail(ErrorKind::usage,
                    "an image is known by its SHA-256: 64 hexadecimal digits in small letters");
    if (bytes.count == 0 || bytes > largest_image)
        return fail(ErrorKind::usage,
                    fmt::format("an image has between 1 byte and {}", to_text(largest_image)));
    const std::lock_guard lock(mutex_);
    TRY(image::make_folders(folder_));
    if (access(path(file).c_str(), F_OK) == 0) {
        Shelved shelved = TRY(read(file, path(file)));
        return Upload{.next = bytes.count, .shelved = std::move(shelved)};
    }
    const std::string uploaded = upload_path(file);
    const host::Descriptor upload(open(uploaded.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!upload) return std::unexpected(system_error("open " + uploaded, errno));
    const off_t size = lseek(upload.number(), 0, SEEK_END);
    if (size < 0) return std::unexpected(system_error("look at " + uploaded, errno));
    uint64_t next = static_cast<uint64_t>(size);
    if (next == 0) TRY(check_room(folder_, bytes));
    if (offset != next) return Upload{.next = next};
    if (piece.size() > bytes.count - next) {
        unlink(uploaded.c_str());
        return fail(ErrorKind::corrupt, "more came than the image has");
    }
    next = TRY(write_at(upload.number(), piece, next, uploaded));
    if (next < bytes.count) return Upload{.next = next};
    if (fsync(upload.number()) != 0) return std::unexpected(system_error("sync " + uploaded, errno));
    Result<Shelved> shelved = put(file, uploaded);
    if (shelved) return Upload{.next = next, .shelved = std::move(*shelved)};
    unlink(uploaded.c_str());
    return std::unexpected(shelved.error());
}

/// One that has come whole.
Result<Shelved> Shelf::put(const std::string& file, const std::string& uploaded)
{
    if (TRY(sha256_of_file(uploaded)) != file)
        return fail(ErrorKind::corrupt, "what came is not what was sent", "the same once more");
    const std::vector<image::PublicKey> keys = TRY(image::read_public_keys(keys_));
    if (const auto verified = image::verify(uploaded, keys); !verified) {
        // Where it lies here is nothing to the one who has sent it.
        Error error = verified.error();
        const size_t at = error.what.find(uploaded);
        if (at != std::string::npos) error.what.replace(at, uploaded.size(), "what was sent");
        return std::unexpected(std::move(error));
    }
    Shelved shelved = TRY(read(file, uploaded));
    const std::string version = shelved.manifest.version.text;
    if (const auto other = TRY(find(shelved.manifest.name, version)))
        return fail(
            ErrorKind::refused,
            fmt::format("there is another {} {} already, of other files", shelved.manifest.name, version),
            "give the new build another version");
    const std::string final_path = path(file);
    if (rename(uploaded.c_str(), final_path.c_str()) != 0)
        return std::unexpected(system_error("rename to " + final_path, errno));
    TRY(image::sync_folder(folder_));
    return shelved;
}

Result<Shelved> Shelf::read(const std::string& file, const std::string& path)
{
    const image::ImageFile opened = TRY(image::ImageFile::open(path));
    std::error_code problem;
    const uintmax_t size = std::filesystem::file_size(path, problem);
    if (problem) return std::unexpected(system_error("look at " + path, problem.value()));
    return Shelved{.file = file,
                   .bytes = Bytes{size},
                   .manifest = opened.manifest(),
                   .manifest_text = opened.head().manifest,
                   .signature = opened.head().signature};
}

Result<std::vector<Shelved>> Shelf::list() const
{
    std::vector<Shelved> all;
    std::error_code problem;
    for (auto at = std::filesystem::directory_iterator(folder_, problem);
         !problem && at != std::filesystem::directory_iterator(); at.increment(problem)) {
        const std::string name = at->path().filename();
        if (!name.ends_with(image_suffix)) continue;
        const std::string file = name.substr(0, name.size() - image_suffix.size());
        if (!is_digest(file)) continue;
        // One that is damaged is not there for anybody.
        if (Result<Shelved> shelved = read(file, at->path())) all.push_back(std::move(*shelved));
    }
    if (problem && problem.value() != ENOENT)
        return std::unexpected(system_error("read the folder " + folder_, problem.value()));
    std::ranges::sort(all, [](const Shelved& left, const Shelved& right) {
        if (left.manifest.name != right.manifest.name) return left.manifest.name < right.manifest.name;
        return compare(left.manifest.version, right.manifest.version) < 0;
    });
    return all;
}

Result<std::optional<Shelved>> Shelf::find(const std::string& image, const std::string& version) const
{
    for (Shelved& shelved : TRY(list())) {
        if (shelved.manifest.name == image && shelved.manifest.version.text == version)
            return std::optional(std::move(shelved));
    }
    return std::optional<Shelved>();
}

Result<std::string> Shelf::path_of(const std::string& file) const
{
    if (is_digest(file) && access(path(file).c_str(), F_OK) == 0) return path(file);
    return fail(ErrorKind::not_found, "the controller has no such image any more",
                "belay image publish, of its file");
}

Result<void> Shelf::remove(const std::string& image, const std::string& version)
{
    const auto found = TRY(find(image, version));
    if (!found)
        return fail(ErrorKind::not_found, fmt::format("there is no {} {} here", image, version),
                    "belay image summary");
    if (unlink(path(found->file).c_str()) != 0)
        return std::unexpected(system_error("remove " + path(found->file), errno));
    return image::sync_folder(folder_);
}

}  // namespace belay::upgrade
