#include "host/ssh/host_keys.h"

#include <algorithm>
#include <array>
#include <libssh/libssh.h>

namespace belay::host::ssh {
namespace {

constexpr std::string_view mark = "SHA256:";
constexpr size_t fingerprint_length = 43;  ///< of base64, without its padding
constexpr size_t longest_quoted = 60;
constexpr std::array kinds_of_keys = {"ssh-ed25519",
                                      "ecdsa-sha2-nistp256",
                                      "ecdsa-sha2-nistp384",
                                      "ecdsa-sha2-nistp521",
                                      "rsa-sha2-512",
                                      "rsa-sha2-256",
                                      "ssh-rsa"};

bool is_fingerprint(std::string_view text)
{
    if (!text.starts_with(mark)) return false;
    text.remove_prefix(mark.size());
    const auto is_base64 = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' ||
               c == '/';
    };
    return text.size() == fingerprint_length && std::ranges::all_of(text, is_base64);
}

Error unreadable(const std::string& line)
{
    return {.kind = ErrorKind::usage,
            .what = fmt::format("\"{}\" is no host key: neither a line of a public key nor SHA256: and a "
                                "fingerprint",
                                line.substr(0, longest_quoted)),
            .next = "ssh-keyscan ADDRESS, and hold what it prints against what the device itself shows"};
}

}  // namespace

void FreeKey::operator()(ssh_key_struct* key) const
{
    ssh_key_free(key);
}

Result<std::string> fingerprint_of(const ssh_key_struct* key)
{
    unsigned char* hash = nullptr;
    size_t length = 0;
    // Older headers of libssh take no pointer to const.
    if (ssh_get_publickey_hash(const_cast<ssh_key>(key), SSH_PUBLICKEY_HASH_SHA256, &hash, &length) != 0)
        return fail(ErrorKind::corrupt, "the host key has no fingerprint");
    char* const text = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, length);
    ssh_clean_pubkey_hash(&hash);
    if (text == nullptr) return fail(ErrorKind::corrupt, "the host key has no fingerprint");
    std::string fingerprint = text;
    ssh_string_free_char(text);
    return fingerprint;
}

Result<KnownKeys> read_known_keys(const std::vector<std::string>& lines)
{
    KnownKeys known;
    for (const std::string& line : lines) {
        if (is_fingerprint(line)) {
            known.fingerprints.push_back(line);
            continue;
        }
        const size_t space = line.find(' ');
        if (space == std::string::npos) return std::unexpected(unreadable(line));
        const std::string kind = line.substr(0, space);
        const size_t begins = line.find_first_not_of(' ', space);
        if (begins == std::string::npos) return std::unexpected(unreadable(line));
        const std::string base64 = line.substr(begins, line.find(' ', begins) - begins);
        ssh_key read = nullptr;
        if (ssh_pki_import_pubkey_base64(base64.c_str(), ssh_key_type_from_name(kind.c_str()), &read) !=
            SSH_OK)
            return std::unexpected(unreadable(line));
        const Key key(read);
        known.fingerprints.push_back(TRY(fingerprint_of(key.get())));
        known.kinds.push_back(kind);
    }
    if (!known.fingerprints.empty()) return known;
    return fail(ErrorKind::usage, "no host key is known, and none is trusted at first sight",
                "ssh-keyscan ADDRESS, and hold what it prints against what the device itself shows");
}

std::string wanted_kinds(const KnownKeys& known)
{
    std::vector<std::string> wanted;
    const auto add = [&](const std::string& kind) {
        if (std::ranges::find(wanted, kind) == wanted.end()) wanted.push_back(kind);
    };
    for (const std::string& kind : known.kinds) {
        if (kind == "ssh-rsa") {
            add("rsa-sha2-512");
            add("rsa-sha2-256");
        }
        if (std::ranges::find(kinds_of_keys, kind) != kinds_of_keys.end()) add(kind);
    }
    for (const char* kind : kinds_of_keys) add(kind);
    return fmt::format("{}", fmt::join(wanted, ","));
}

}  // namespace belay::host::ssh
