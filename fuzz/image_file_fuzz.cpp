// Whatever the three files of a head and the body behind them may be: the image is refused with a sentence,
// or all that is unpacked of it is listed. The digests are made right first, for no input would come past
// them. Fields are behind their lengths: the listing, the tar; what is left is a whole file.

#include "base/digest.h"
#include "base/invariant.h"
#include "upgrade/image/frames.h"
#include "upgrade/image/image_file.h"

#include <cstddef>
#include <cstdint>
#include <sys/mman.h>
#include <unistd.h>

namespace {

using namespace belay;
using namespace belay::upgrade::image;

/// A file in memory, made once and filled anew.
class MemoryFile {
  public:
    MemoryFile() : file_(memfd_create("image", 0)) { INVARIANT(file_ >= 0); }
    ~MemoryFile() { close(file_); }
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;
    int number() const { return file_; }
    std::string path() const { return fmt::format("/proc/self/fd/{}", file_); }
    void clear() const { INVARIANT(ftruncate(file_, 0) == 0 && lseek(file_, 0, SEEK_SET) == 0); }

  private:
    int file_;
};

/// Holds what comes against what is listed.
class Counting final : public BodySink {
  public:
    Result<void> begin(const ListedEntry& entry) override
    {
        left_ = entry.size.count;
        return {};
    }
    Result<void> content(std::string_view bytes) override
    {
        INVARIANT(bytes.size() <= left_);
        left_ -= bytes.size();
        return {};
    }
    Result<void> end(const ListedEntry&) override
    {
        INVARIANT(left_ == 0);
        return {};
    }

  private:
    uint64_t left_ = 0;
};

void read_image(const std::string& path)
{
    const Result<ImageFile> image = ImageFile::open(path);
    if (!image) {
        INVARIANT(!image.error().what.empty());
        return;
    }
    Counting counting;
    static_cast<void>(image->read_body(&counting, {}).has_value());
    INVARIANT(!image->signer({}));
}

std::string_view take_field(std::string_view& rest)
{
    if (rest.size() < 2) return {};
    const size_t length = static_cast<unsigned char>(rest[0]) * 256U + static_cast<unsigned char>(rest[1]);
    const std::string_view field = rest.substr(2, length);
    rest.remove_prefix(2 + field.size());
    return field;
}

}  // namespace

// libFuzzer gives the name. NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    static const MemoryFile file;
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    const std::string_view listing = take_field(rest), tar = take_field(rest);
    file.clear();
    INVARIANT(write_all(file.number(), rest));
    read_image(file.path());

    const Result<std::string> frame = stored_frame_of(tar);
    INVARIANT(frame);
    Head head;
    head.listing = listing;
    Manifest manifest;
    manifest.name = "shop";
    manifest.version = {"2.0"};
    const Result<Listing> listed = read_listing(listing);
    manifest.size = listed ? listed->room() : Bytes{};
    manifest.files = sha256(listing);
    manifest.body = sha256(*frame);
    manifest.body_size = Bytes{frame->size()};
    head.manifest = manifest_text(manifest);
    const Result<std::string> first = head.to_frame(0);
    INVARIANT(first);
    file.clear();
    INVARIANT(write_all(file.number(), *first) && write_all(file.number(), *frame));
    read_image(file.path());
    return 0;
}
