#include "iosxe/host_key.h"

#include <libssh/libssh.h>

namespace belay::lab::iosxe {
namespace {

/// A text of libssh's, which is freed.
std::string taken(char* text)
{
    std::string made = text == nullptr ? "" : text;
    ssh_string_free_char(text);
    return made;
}

}  // namespace

HostKey::HostKey(ssh_key_struct* key) : key_(key, ssh_key_free) {}

Result<HostKey> HostKey::make()
{
    ssh_key key = nullptr;
    if (ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &key) != SSH_OK)
        return fail(ErrorKind::failed, "libssh could make no host key");
    return HostKey(key);
}

Result<HostKey> HostKey::read(const std::string& text)
{
    ssh_key key = nullptr;
    if (ssh_pki_import_privkey_base64(text.c_str(), nullptr, nullptr, nullptr, &key) != SSH_OK)
        return fail(ErrorKind::corrupt, "the host key in the state file is none");
    return HostKey(key);
}

std::string HostKey::text() const
{
    char* text = nullptr;
    ssh_pki_export_privkey_base64(key_.get(), nullptr, nullptr, nullptr, &text);
    return taken(text);
}

std::string HostKey::public_line() const
{
    char* text = nullptr;
    ssh_pki_export_pubkey_base64(key_.get(), &text);
    return std::string(ssh_key_type_to_char(ssh_key_type(key_.get()))) + " " + taken(text);
}

std::string HostKey::fingerprint() const
{
    unsigned char* hash = nullptr;
    size_t size = 0;
    if (ssh_get_publickey_hash(key_.get(), SSH_PUBLICKEY_HASH_SHA256, &hash, &size) != SSH_OK) return {};
    std::string text = taken(ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, size));
    ssh_clean_pubkey_hash(&hash);
    return text;
}

bool is_key(const std::string& line, ssh_key_struct* key)
{
    const size_t first = line.find(' ');
    if (first == std::string::npos) return false;
    const std::string kind = line.substr(0, first);
    const std::string body = line.substr(first + 1, line.find(' ', first + 1) - first - 1);
    ssh_key known = nullptr;
    if (ssh_pki_import_pubkey_base64(body.c_str(), ssh_key_type_from_name(kind.c_str()), &known) != SSH_OK)
        return false;
    const bool same = ssh_key_cmp(known, key, SSH_KEY_CMP_PUBLIC) == 0;
    ssh_key_free(known);
    return same;
}

}  // namespace belay::lab::iosxe
