#include "iosxe/image.h"

#include <charconv>
#include <openssl/evp.h>

namespace belay::lab::iosxe {
namespace {

constexpr std::string_view begins = "belay-lab-iosxe image ";
constexpr size_t longest_head = 512;

std::string_view field(std::string_view line, std::string_view name)
{
    const size_t at = line.find(std::string(" ") + std::string(name) + "=");
    if (at == std::string_view::npos) return {};
    const std::string_view rest = line.substr(at + name.size() + 2);
    return rest.substr(0, rest.find(' '));
}

std::string hex(evp_md_ctx_st* context)
{
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
    unsigned size = 0;
    EVP_DigestFinal_ex(context, bytes.data(), &size);
    std::string text;
    for (unsigned at = 0; at < size; ++at) text += fmt::format("{:02x}", bytes.at(at));
    return text;
}

}  // namespace

FileBeingWritten::FileBeingWritten()
    : md5_(EVP_MD_CTX_new(), EVP_MD_CTX_free), sha512_(EVP_MD_CTX_new(), EVP_MD_CTX_free)
{
    EVP_DigestInit_ex(md5_.get(), EVP_md5(), nullptr);
    EVP_DigestInit_ex(sha512_.get(), EVP_sha512(), nullptr);
}

void FileBeingWritten::add(std::string_view bytes)
{
    EVP_DigestUpdate(md5_.get(), bytes.data(), bytes.size());
    EVP_DigestUpdate(sha512_.get(), bytes.data(), bytes.size());
    head_ += bytes.substr(0, longest_head - std::min(longest_head, head_.size()));
    size_ += bytes.size();
}

File FileBeingWritten::so_far(Time now) const
{
    return {.size = size_, .written = now};
}

File FileBeingWritten::finished(Time now)
{
    File file = {.size = size_, .written = now, .md5 = hex(md5_.get()), .sha512 = hex(sha512_.get())};
    const std::string_view line = std::string_view(head_).substr(0, head_.find('\n'));
    if (!line.starts_with(begins)) return file;
    file.version = field(line, "version");
    const std::string_view size = field(line, "size");
    std::from_chars(size.data(), size.data() + size.size(), file.size);
    return file;
}

File file_of(std::string_view bytes, Time now)
{
    FileBeingWritten file;
    file.add(bytes);
    return file.finished(now);
}

}  // namespace belay::lab::iosxe
