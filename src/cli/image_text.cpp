#include "cli/image_text.h"

namespace belay::cli {

namespace image = upgrade::image;

namespace {

std::string mode_text(const image::ListedEntry& entry)
{
    constexpr std::string_view kinds = "-dl", letters = "rwxrwxrwx";
    std::string text(1, kinds[static_cast<size_t>(entry.type)]);
    for (size_t bit = 0; bit < letters.size(); ++bit)
        text += (entry.mode >> (letters.size() - 1 - bit) & 1) != 0 ? letters[bit] : '-';
    return text;
}

std::string_view type_text(image::EntryType type)
{
    constexpr std::string_view names[] = {"file", "folder", "link"};
    return names[static_cast<size_t>(type)];
}

std::string words_text(const std::vector<std::string>& words, std::string_view between)
{
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : std::string(between)) + word;
    return text;
}

std::string ranges_text(const image::VersionRanges& ranges)
{
    return ranges.are_any() ? "any version" : words_text(ranges.texts(), ", or ");
}

}  // namespace

Json image_json(const image::Manifest& manifest)
{
    return {{"name", manifest.name},
            {"version", manifest.version.text},
            {"build", manifest.build},
            {"summary", manifest.summary},
            {"upgrades_from", manifest.upgrades_from.texts()},
            {"downgrades_to", manifest.downgrades_to.texts()},
            {"entry", manifest.entry},
            {"check", manifest.check},
            {"health", manifest.health},
            {"size", manifest.size.count},
            {"files_sha256", manifest.files},
            {"body_sha256", manifest.body},
            {"body_size", manifest.body_size.count}};
}

Json entries_json(const image::Listing& listing)
{
    Json entries = Json::array();
    for (const image::ListedEntry& entry : listing.entries) {
        Json json = {{"path", entry.path},
                     {"type", type_text(entry.type)},
                     {"mode", fmt::format("{:04o}", entry.mode)}};
        if (entry.type == image::EntryType::file) json["size"] = entry.size.count;
        if (!entry.sha256.empty()) json["sha256"] = entry.sha256;
        if (entry.type == image::EntryType::link) json["target"] = entry.target;
        entries.push_back(std::move(json));
    }
    return entries;
}

std::string image_text(const Style& style, const image::Manifest& manifest)
{
    std::vector<std::vector<std::string>> rows;
    const auto row = [&](const char* name, const std::string& text) {
        if (!text.empty()) rows.push_back({name, clean(style, text)});
    };
    row("summary", manifest.summary);
    row("build", manifest.build);
    if (manifest.size.count > 0) row("takes", to_text(manifest.size) + " on a disk");
    row("upgrades from", ranges_text(manifest.upgrades_from));
    row("goes back to", ranges_text(manifest.downgrades_to));
    for (const auto& [name, path] : manifest.entry) row("starts", fmt::format("{}: {}", name, path));
    row("check", words_text(manifest.check, " "));
    row("health", words_text(manifest.health, " "));
    return paint(style, Tone::bold, clean(style, manifest.to_text())) + '\n' + table(style, rows, 2);
}

std::string entries_text(const Style& style, const image::Listing& listing)
{
    std::vector<std::vector<std::string>> rows;
    for (const image::ListedEntry& entry : listing.entries) {
        std::string path = clean(style, entry.path);
        if (entry.type == image::EntryType::link) path += " -> " + clean(style, entry.target);
        rows.push_back(
            {mode_text(entry), entry.type == image::EntryType::file ? to_text(entry.size) : "", path});
    }
    return table(style, rows, 2);
}

std::string signer_text(const Style& style, const std::string& signer, bool is_signed)
{
    if (!is_signed) return "not signed";
    if (signer.empty()) return "signed by a key that is not trusted here";
    return "signed by " + clean(style, signer);
}

Json library_json(const std::vector<ImageLine>& lines, const std::vector<Error>& problems,
                  const std::vector<std::string>& leftovers)
{
    Json images = Json::array();
    for (const ImageLine& each : lines)
        images.push_back({{"name", each.line.name},
                          {"version", each.line.version.text},
                          {"state", std::string(1, image::letter_of(each.line.state))},
                          {"state_name", image::name_of(each.line.state)},
                          {"installed", each.line.is_installed},
                          {"size", each.size.count}});
    return {{"images", std::move(images)}, {"problems", problems}, {"leftovers", leftovers}};
}

std::string library_text(const Style& style, const std::vector<ImageLine>& lines,
                         const std::vector<Error>& problems, const std::vector<std::string>& leftovers)
{
    std::string text;
    if (lines.empty()) text = "no image is installed\n";
    if (!lines.empty()) {
        std::vector<std::vector<std::string>> rows = {{"St", "Image", "Version", "Takes"}};
        for (const ImageLine& each : lines)
            rows.push_back({std::string(1, image::letter_of(each.line.state)), each.line.name,
                            each.line.version.text,
                            each.line.is_installed ? to_text(each.size) : "is not installed"});
        text = table(style, rows, 0);
        text +=
            "\nSt: I inactive, U activated & uncommitted, C activated & committed, D deactivated & "
            "uncommitted\n";
    }
    for (const Error& problem : problems) text += clean(style, problem.what) + '\n';
    for (const std::string& path : leftovers)
        text += clean(style, path) + " is left of something that was cut short\n";
    return text;
}

}  // namespace belay::cli
