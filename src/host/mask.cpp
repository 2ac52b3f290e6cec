#include "host/mask.h"

#include "base/invariant.h"
#include "host/contact.h"

#include <algorithm>
#include <array>
#include <openssl/evp.h>

namespace belay::host {
namespace {

constexpr size_t shortest_secret = 4;

unsigned char digest_byte(std::string_view secret, size_t block, size_t index)
{
    const std::string text = fmt::format("belay mask {} {}", block, secret);
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    INVARIANT(EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr) == 1);
    return digest[index];
}

char disguise(char c, unsigned char noise)
{
    if (c >= '0' && c <= '9') return static_cast<char>('0' + noise % 10);
    if (c >= 'a' && c <= 'z') return static_cast<char>('a' + noise % 6);
    if (c >= 'A' && c <= 'Z') return static_cast<char>('A' + noise % 6);
    return c;
}

std::string pseudonym_of(std::string_view secret)
{
    constexpr size_t digest_size = 32;
    std::string pseudonym;
    for (size_t i = 0; i < secret.size(); ++i)
        pseudonym += disguise(secret[i], digest_byte(secret, i / digest_size, i % digest_size));
    // A number stays one: JSON knows none that begins with 0.
    if (pseudonym.front() == '0' && secret.front() != '0') pseudonym.front() = '1';
    return pseudonym;
}

}  // namespace

Result<Mask> Mask::of(std::vector<std::string> secrets)
{
    std::sort(secrets.begin(), secrets.end());
    secrets.erase(std::unique(secrets.begin(), secrets.end()), secrets.end());
    Mask mask;
    std::set<std::string> pseudonyms;
    for (std::string& secret : secrets) {
        if (secret.size() < shortest_secret)
            return fail(ErrorKind::usage, fmt::format("\"{}\" is too short to be masked", secret));
        std::string pseudonym = pseudonym_of(secret);
        if (!pseudonyms.insert(pseudonym).second)
            return fail(ErrorKind::usage, fmt::format("\"{}\" has the pseudonym of another secret", secret));
        mask.secrets_.push_back({.text = std::move(secret), .pseudonym = std::move(pseudonym)});
    }
    std::sort(mask.secrets_.begin(), mask.secrets_.end(),
              [](const Secret& a, const Secret& b) { return a.text.size() > b.text.size(); });
    return mask;
}

std::string Mask::apply(std::string_view text) const
{
    if (secrets_.empty()) return std::string(text);
    std::string masked;
    while (!text.empty()) {
        const auto found = std::find_if(secrets_.begin(), secrets_.end(),
                                        [&](const Secret& secret) { return text.starts_with(secret.text); });
        const bool is_secret = found != secrets_.end();
        masked += is_secret ? std::string_view(found->pseudonym) : text.substr(0, 1);
        text.remove_prefix(is_secret ? found->text.size() : 1);
    }
    return masked;
}

void Mask::apply_to(Contact& contact) const
{
    const auto hide = [&](std::string& text) { text = apply(text); };
    const auto hide_all = [&](std::vector<std::string>& texts) {
        std::for_each(texts.begin(), texts.end(), hide);
    };
    hide_all(contact.question.argv);
    hide(contact.question.path);
    hide(contact.question.input);
    if (!contact.answer) {
        Error& error = contact.answer.error();
        hide(error.what);
        hide(error.next);
        hide_all(error.argv);
        hide(error.output);
        return;
    }
    if (auto* outcome = std::get_if<Outcome>(&*contact.answer)) {
        hide(outcome->out);
        hide(outcome->err);
    }
    if (auto* text = std::get_if<std::string>(&*contact.answer)) hide(*text);
    if (auto* names = std::get_if<std::vector<std::string>>(&*contact.answer)) hide_all(*names);
    if (auto* moment = std::get_if<Moment>(&*contact.answer)) hide(moment->boot_id);
}

}  // namespace belay::host
