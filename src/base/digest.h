#pragma once
// SHA-256 and SHA-512 by OpenSSL.

#include "base/result.h"

#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;  // OpenSSL's, NOLINT(readability-identifier-naming)

namespace belay {

/// 64 hexadecimal digits. Threads: any.
std::string sha256(std::string_view bytes);

/// The same of bytes that come piece by piece. Threads: one.
class Sha256 {
  public:
    Sha256();
    void add(std::string_view bytes);
    /// Once, at the end.
    std::string hex();

  private:
    std::unique_ptr<evp_md_ctx_st, void (*)(evp_md_ctx_st*)> context_;
};

/// Of a whole file. Errors: those of the system. Threads: any.
Result<std::string> sha256_of_file(const std::string& path);
/// 128 hexadecimal digits. Errors and threads as above.
Result<std::string> sha512_of_file(const std::string& path);

}  // namespace belay
