#include "base/base64.h"

#include <openssl/evp.h>

namespace belay {
namespace {

const unsigned char* as_unsigned(std::string_view bytes)
{
    return reinterpret_cast<const unsigned char*>(bytes.data());
}

}  // namespace

std::string to_base64(std::string_view bytes)
{
    std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // OpenSSL ends it with a zero byte
    const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), as_unsigned(bytes),
                                       static_cast<int>(bytes.size()));
    text.resize(static_cast<size_t>(length));
    return text;
}

Result<std::string> from_base64(const std::string& text)
{
    std::string bytes(text.size() / 4 * 3 + 3, '\0');
    const int length = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()), as_unsigned(text),
                                       static_cast<int>(text.size()));
    const size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
    bytes.resize(length < 0 ? 0 : static_cast<size_t>(length) - padding);
    // OpenSSL overlooks blanks around it and padding within.
    if (length < 0 || to_base64(bytes) != text) return fail(ErrorKind::corrupt, "not base64");
    return bytes;
}

}  // namespace belay
