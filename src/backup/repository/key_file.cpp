#include "backup/repository/key_file.h"

#include "base/base64.h"

#include <algorithm>
#include <openssl/crypto.h>

namespace belay::backup {
namespace {

constexpr size_t salt_size = 64;

/// The bytes under a name. Errors: corrupt.
Result<std::string> base64_of(const Json& json, const char* name)
{
    const auto found = json.find(name);
    if (found == json.end() || !found->is_string())
        return fail(ErrorKind::corrupt, fmt::format("a key has no \"{}\"", name));
    const Result<std::string> bytes = from_base64(found->get<std::string>());
    if (!bytes) return fail(ErrorKind::corrupt, fmt::format("\"{}\" of a key is not base64", name));
    return *bytes;
}

template <size_t size>
Result<void> copy_key(const Json& json, const char* name, std::array<uint8_t, size>& to)
{
    const std::string bytes = TRY(base64_of(json, name));
    if (bytes.size() != size)
        return fail(ErrorKind::corrupt,
                    fmt::format("\"{}\" of a key has {} bytes, not {}", name, bytes.size(), size));
    std::copy(bytes.begin(), bytes.end(), to.begin());
    return {};
}

template <size_t size>
std::string text_of(const std::array<uint8_t, size>& key)
{
    return to_base64({reinterpret_cast<const char*>(key.data()), size});
}

/// A number under a name; 0 where there is none.
uint64_t cost_number_of(const Json& json, const char* name)
{
    const auto found = json.find(name);
    return found != json.end() && found->is_number_unsigned() ? found->get<uint64_t>() : 0;
}

std::string word_of(const Json& json, const char* name)
{
    const auto found = json.find(name);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

Result<KeyFile> KeyFile::make(const MasterKey& master, std::string_view password, const ScryptCost& cost)
{
    KeyFile file;
    file.cost = cost;
    file.salt = TRY(random_bytes(salt_size));
    const MasterKey user = TRY(key_from_password(password, file.salt, cost));
    const Json keys = {{"mac", {{"k", text_of(master.mac_k)}, {"r", text_of(master.mac_r)}}},
                       {"encrypt", text_of(master.encrypt)}};
    std::string text = keys.dump();
    file.sealed = TRY(seal(user, text));
    OPENSSL_cleanse(text.data(), text.size());
    return file;
}

Result<MasterKey> KeyFile::unlock(std::string_view password) const
{
    const MasterKey user = TRY(key_from_password(password, salt, cost));
    Result<std::string> text = open(user, sealed);
    if (!text) return fail(ErrorKind::permission, "the password does not open this key");
    const Json keys = TRY(parse_json(*text));
    OPENSSL_cleanse(text->data(), text->size());
    const auto mac = keys.find("mac");
    if (!keys.is_object() || mac == keys.end() || !mac->is_object())
        return fail(ErrorKind::corrupt, "a key holds no MAC key");
    MasterKey master;
    TRY(copy_key(keys, "encrypt", master.encrypt));
    TRY(copy_key(*mac, "k", master.mac_k));
    TRY(copy_key(*mac, "r", master.mac_r));
    return master;
}

Result<KeyFile> KeyFile::from_text(std::string_view text)
{
    const Json json = TRY(parse_json(text));
    if (!json.is_object()) return fail(ErrorKind::corrupt, "a key is no JSON object");
    if (const std::string kdf = word_of(json, "kdf"); kdf != "scrypt")
        return fail(ErrorKind::version, fmt::format("a key is made by \"{}\", not by scrypt", kdf));
    KeyFile file;
    file.created = word_of(json, "created");
    file.username = word_of(json, "username");
    file.hostname = word_of(json, "hostname");
    const uint64_t r = cost_number_of(json, "r"), p = cost_number_of(json, "p");
    constexpr uint64_t most = UINT32_MAX;
    file.cost = {cost_number_of(json, "N"), static_cast<uint32_t>(std::min(r, most)),
                 static_cast<uint32_t>(std::min(p, most))};
    file.salt = TRY(base64_of(json, "salt"));
    file.sealed = TRY(base64_of(json, "data"));
    return file;
}

std::string KeyFile::to_text() const
{
    return json_text({{"created", created},
                      {"username", username},
                      {"hostname", hostname},
                      {"kdf", "scrypt"},
                      {"N", cost.n},
                      {"r", cost.r},
                      {"p", cost.p},
                      {"salt", to_base64(salt)},
                      {"data", to_base64(sealed)}});
}

}  // namespace belay::backup
