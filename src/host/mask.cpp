#include "host/mask.h"

#include "base/invariant.h"
#include "host/contact.h"

#include <algorithm>
#include <array>
#include <openssl/evp.h>

namespace belay::host {
namespace {

constexpr size_t shortest_secret = 4;

/// The first four bytes as a number, the first one lowest.
uint32_t start_of(std::string_view text)
{
    uint32_t start = 0;
    for (size_t i = shortest_secret; i-- > 0;) start = start << 8 | static_cast<unsigned char>(text[i]);
    return start;
}

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
    for (size_t i = 0; i < mask.secrets_.size(); ++i) {
        const std::string& text = mask.secrets_[i].text;
        mask.by_start_[start_of(text)].push_back(i);
        mask.begins_one_[start_of(text) & 0xffff] = true;
    }
    return mask;
}

const Mask::Secret* Mask::at_the_start_of(std::string_view text) const
{
    if (text.size() < shortest_secret || !begins_one_[start_of(text) & 0xffff]) return nullptr;
    const auto known = by_start_.find(start_of(text));
    if (known == by_start_.end()) return nullptr;
    for (const size_t i : known->second) {
        if (text.starts_with(secrets_[i].text)) return &secrets_[i];
    }
    return nullptr;
}

std::string Mask::apply(std::string_view text) const
{
    if (secrets_.empty()) return std::string(text);
    std::string masked;
    masked.reserve(text.size());
    while (!text.empty()) {
        const Secret* secret = at_the_start_of(text);
        masked += secret != nullptr ? std::string_view(secret->pseudonym) : text.substr(0, 1);
        text.remove_prefix(secret != nullptr ? secret->text.size() : 1);
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
