#pragma once
// Images of the lab: small files that say of themselves which version they are and how large they are to
// look. The first line of one is
//
//     belay-lab-iosxe image version=17.09.05.0.6331 size=1205823464
//
// Without a size it looks as large as it is. Whatever else is in the file is only there to have a hash.

#include "iosxe/state.h"

#include <memory>

struct evp_md_ctx_st;  // OpenSSL's, NOLINT(readability-identifier-naming)

namespace belay::lab::iosxe {

/// Makes a File of bytes that come piece by piece.
class FileBeingWritten {
  public:
    FileBeingWritten();
    void add(std::string_view bytes);
    /// What is there of it so far: no image, no hash.
    File so_far(Time now) const;
    /// Once, at the end.
    File finished(Time now);

  private:
    using Digest = std::unique_ptr<evp_md_ctx_st, void (*)(evp_md_ctx_st*)>;
    Digest md5_;
    Digest sha512_;
    std::string head_;
    uint64_t size_ = 0;
};

/// A file of these bytes.
File file_of(std::string_view bytes, Time now);

}  // namespace belay::lab::iosxe
