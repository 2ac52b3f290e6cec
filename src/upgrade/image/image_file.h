#pragma once
// An image on disk, opened: its head is read and held together, its body can be gone through.

#include "host/descriptor.h"
#include "upgrade/image/listing.h"
#include "upgrade/image/manifest.h"
#include "upgrade/image/signature.h"

#include <functional>

namespace belay::upgrade::image {

/// How far something has come. An error ends what is being done, and is what comes of it.
using Progress = std::function<Result<void>(Bytes done, Bytes total)>;

/// The three files of a head, as they are.
struct Head {
    std::string manifest;
    std::string signature;  ///< empty: not signed
    std::string listing;

    /// The first frame of an image. `mtime`: seconds since 1970.
    Result<std::string> to_frame(int64_t mtime) const;
};

/// What becomes of the body, entry by entry, in the order of the listing. An error ends it all.
class BodySink {
  public:
    virtual ~BodySink() = default;
    /// A folder, a link, or the beginning of a file.
    virtual Result<void> begin(const ListedEntry& entry) = 0;
    virtual Result<void> content(std::string_view bytes) = 0;
    /// A file has come whole, and has the bytes that are listed.
    virtual Result<void> end(const ListedEntry& entry) = 0;
};

class ImageFile {
  public:
    /// Errors: not_found, io; corrupt, refused, version: what is wrong with the head. Whether it is signed,
    /// and by whom, is another question.
    static Result<ImageFile> open(const std::string& path);
    /// The same, and one of these keys signed it: nothing that is in the manifest or the listing is looked at
    /// before that is known. Errors besides: refused.
    static Result<ImageFile> open_signed(const std::string& path, const std::vector<PublicKey>& trusted);

    const Manifest& manifest() const { return manifest_; }
    const Listing& listing() const { return listing_; }
    const Head& head() const { return head_; }
    const std::string& path() const { return path_; }
    /// The time of all that is in it, seconds since 1970.
    int64_t mtime() const { return mtime_; }
    bool is_signed() const { return !head_.signature.empty(); }

    /// The name of the trusted key that signed it. Errors: refused.
    Result<std::string> signer(const std::vector<PublicKey>& trusted) const;

    /// What it takes to go through the body: the `total` of progress.
    Bytes work() const;
    /// Goes through the body: first the bytes of the frame are held against the manifest, then each entry
    /// against the listing. Errors: corrupt, refused; those of the sink and of `progress`.
    Result<void> read_body(BodySink* sink, const Progress& progress) const;

    /// The second frame to the position of another file. Errors: those of the system.
    Result<void> copy_body(int to) const;

  private:
    static Result<ImageFile> open_unread(const std::string& path);
    Result<void> read_head();
    Result<void> hold_head_together();
    Result<void> check_frame(const Progress& progress) const;

    std::string path_;
    host::Descriptor file_;
    Bytes body_offset_;
    Head head_;
    int64_t mtime_ = 0;
    Manifest manifest_;
    Listing listing_;
};

/// What is started by name or as a hook is a file of the image that can be executed, or a link. Errors:
/// refused.
Result<void> check_programs(const Manifest& manifest, const Listing& listing);

/// A sound image, and who signed it.
struct Verified {
    Manifest manifest;
    std::string signer;
};
/// Everything: signature, every byte, every rule. Errors: refused (unsigned, or not by one of these keys),
/// corrupt, and as ImageFile::open.
Result<Verified> verify(const std::string& path, const std::vector<PublicKey>& trusted,
                        const Progress& progress = {});

}  // namespace belay::upgrade::image
