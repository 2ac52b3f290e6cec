#include "upgrade/iosxe/show/verify.h"

#include "upgrade/iosxe/show/fields.h"

#include <algorithm>

namespace belay::upgrade::iosxe::show {
namespace {

using printed::trimmed;

constexpr Field<Verification> verification_fields[] = {
    {"", "algorithm", &Verification::algorithm},
    {"", "file", &Verification::file},
    {"Computed signature", "digest", &Verification::digest},
    {"", "matches", &Verification::matches},
    {"Submitted signature", "submitted", &Verification::submitted},
};

struct Algorithm {
    std::string_view name;
    size_t digits;
};
constexpr Algorithm algorithms[] = {{"md5", 32}, {"sha1", 40}, {"sha256", 64}, {"sha512", 128}};

class VerifyReader {
  public:
    explicit VerifyReader(const Shown& shown) : shown_(shown) {}

    Result<Verification> read()
    {
        for (const Line& line : shown_.lines) {
            const std::string_view text = trimmed(line.text);
            if (text.starts_with("%Error opening") || text.starts_with("% Error opening"))
                return fail(ErrorKind::not_found, fmt::format("the device cannot open the file: {}", text),
                            "dir flash:");
            TRY(take(line, text));
        }
        TRY(check());
        return std::move(found_);
    }

  private:
    /// "verify /md5 (flash:x.bin) = 0f...", "Verified (flash:x.bin) = 0f...", "%Error verifying flash:x.bin".
    Result<void> take(const Line& line, std::string_view text)
    {
        if (const auto file = after(text, "%Error verifying ")) {
            found_.matches = false;
            found_.file = *file;
            return {};
        }
        const auto digest = labelled(text, '=');
        if (!digest) return {};
        std::string_view label = digest->label;
        const std::string_view verb = printed::take_word(label);
        const auto file = between(label, '(', ')');
        if (file && (same_words(verb, "verify") || same_words(verb, "verified"))) {
            const std::string_view option = trimmed(label.substr(0, label.find('(')));
            if (option.starts_with('/')) found_.algorithm = option.substr(1);
            if (same_words(verb, "verified")) found_.matches = true;
            if (!assign(found_.file, *file) || !assign(found_.digest, digest->value))
                return shown_.foreign(line.number, "a second digest is there");
            return {};
        }
        TRY(show::take(shown_, line, verification_fields, *digest, found_));
        return {};
    }

    Result<void> check()
    {
        if (found_.digest.empty() || found_.file.empty()) return shown_.cut("no digest is there");
        for (std::string* digest : {&found_.digest, &found_.submitted})
            for (char& digit : *digest)
                if (digit >= 'A' && digit <= 'F') digit = static_cast<char>(digit | 0x20);
        const auto algorithm = std::ranges::find_if(algorithms, [&](const Algorithm& one) {
            return is_digest(found_.digest, one.digits) &&
                   (found_.algorithm.empty() || found_.algorithm == one.name);
        });
        if (algorithm == std::end(algorithms))
            return shown_.cut(fmt::format("\"{}\" is no whole digest", found_.digest));
        found_.algorithm = algorithm->name;
        if (found_.matches == false && found_.submitted.empty())
            return shown_.cut("it does not say which digest was submitted");
        return {};
    }

    const Shown& shown_;
    Verification found_;
};

}  // namespace

Result<Verification> read_verify(std::string_view text)
{
    const Shown all = TRY(shown(text, "verify"));
    return VerifyReader(all).read();
}

void to_json(Json& json, const Verification& verification)
{
    json = object_of(verification, verification_fields);
}

}  // namespace belay::upgrade::iosxe::show
