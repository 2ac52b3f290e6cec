#include "backup/repository/config.h"

#include "backup/repository/crypto.h"
#include "base/json.h"

namespace belay::backup {

Result<Config> Config::make(unsigned version)
{
    // One in 27 random polynomials is irreducible: 2,000 in vain come once in e^74.
    constexpr size_t tries = 2000;
    Config config;
    config.version = version;
    config.id = Id::from_bytes(TRY(random_bytes(Id::size)));
    config.polynomial = TRY(Polynomial::from_random(TRY(random_bytes(tries * sizeof(uint64_t)))));
    return config;
}

Result<Config> Config::from_text(std::string_view text)
{
    const Json json = TRY(parse_json(text));
    const auto version = json.find("version"), id = json.find("id"),
               polynomial = json.find("chunker_polynomial");
    if (!json.is_object() || version == json.end() || !version->is_number_unsigned())
        return fail(ErrorKind::corrupt, "the config of the repository has no version");
    const auto number = version->get<uint64_t>();
    if (number < oldest_version || number > newest_version)
        return fail(ErrorKind::version,
                    fmt::format("the repository has the format version {}; this program knows {} to {}",
                                number, oldest_version, newest_version),
                    "use a newer program");
    if (id == json.end() || !id->is_string() || polynomial == json.end() || !polynomial->is_string())
        return fail(ErrorKind::corrupt, "the config of the repository has no id or no polynomial");
    Config config;
    config.version = static_cast<unsigned>(number);
    config.id = TRY(Id::from_hex(id->get_ref<const std::string&>()));
    config.polynomial = TRY(Polynomial::from_hex(polynomial->get_ref<const std::string&>()));
    return config;
}

std::string Config::to_text() const
{
    return json_text({{"version", version}, {"id", id.hex()}, {"chunker_polynomial", polynomial.hex()}});
}

}  // namespace belay::backup
