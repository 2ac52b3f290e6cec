// What is in the EFI system partitions. A mounted one is read where it is mounted; another one by mtools,
// which reads a FAT without mounting it. Nothing is changed.

#include "storage/survey_parts.h"

#include <algorithm>

namespace belay::storage {
namespace {

/// Below EFI/ there are boot loaders: tens of files. Each costs two processes where it is not mounted.
constexpr size_t most_files = 256;

/// mtools takes a FAT whose size is no multiple of its tracks for a broken one; disks have had no tracks for
/// long. Source: mtools(1), mtools_skip_check.
constexpr const char* skip_check = "MTOOLS_SKIP_CHECK=1";

constexpr Milliseconds longest_esp = std::chrono::seconds(30);

std::string lower_case(std::string text)
{
    for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return text;
}

bool is_below_efi(const std::string& path)
{
    return lower_case(path).starts_with("efi/");
}

class EspReader {
  public:
    EspReader(host::Host& host, Survey& survey, Esp& esp)
        : host_(host), survey_(survey), esp_(esp), what_(fmt::format("the ESP on {}", esp.device))
    {
    }

    /// False where it could not be read; why has been noted.
    bool read()
    {
        if (!(esp_.mounted.empty() ? read_device() : read_mounted())) return false;
        std::ranges::sort(esp_.files, {}, &FileDigest::path);
        return true;
    }

  private:
    bool read_mounted()
    {
        const auto outcome = ask({.argv = {"find", esp_.mounted, "-xdev", "-type", "f", "-ipath",
                                           esp_.mounted + "/EFI/*", "-exec", "sha256sum", "--", "{}", "+"},
                                  .limit = longest_esp});
        if (!outcome) return false;
        auto files = parse_digests(*outcome);
        if (!files) return refuse(files.error().what);
        for (const FileDigest& file : *files)
            esp_.files.push_back({lower_case(file.path.substr(esp_.mounted.size() + 1)), file.digest});
        return true;
    }

    bool read_device()
    {
        const auto listed =
            ask({.argv = {"env", skip_check, "mdir", "-/", "-a", "-b", "-i", "/dev/" + esp_.device, "::"},
                 .limit = longest_esp});
        if (!listed) return false;
        const auto paths = parse_mdir(*listed);
        if (!paths) return refuse(paths.error().what);
        if (std::ranges::count_if(*paths, is_below_efi) > static_cast<ptrdiff_t>(most_files))
            return refuse(fmt::format("there are more than {} files on it", most_files));
        return std::ranges::all_of(
            *paths, [this](const std::string& path) { return !is_below_efi(path) || read_file(path); });
    }

    /// One file, piped into sha256sum; the shell ends with an error where mtype does.
    bool read_file(const std::string& path)
    {
        constexpr const char* digest_of = R"({ mtype -i "$1" "$2" || kill $$; } | sha256sum)";
        const auto outcome = ask(
            {.argv = {"env", skip_check, "sh", "-c", digest_of, "sh", "/dev/" + esp_.device, "::/" + path},
             .limit = longest_esp});
        if (!outcome) return false;
        const auto digest = parse_digests(*outcome);
        if (!digest || digest->size() != 1) return refuse(fmt::format("{} on it cannot be read", path));
        esp_.files.push_back({lower_case(path), digest->front().digest});
        return true;
    }

    std::optional<std::string> ask(const host::Command& command)
    {
        const auto outcome = ask_tool(host_, survey_, what_, command, "coreutils");
        if (!outcome) return std::nullopt;
        // mtools warns of what is of no matter and goes on.
        if (outcome->exit_code == 0) return outcome->out;
        constexpr int env_found_no_program = 127;
        if (outcome->exit_code == env_found_no_program)
            note_not_looked(survey_, what_, "no program mdir on this host", "apt install mtools");
        else
            refuse(fmt::format("{} (exit code {})", last_line(outcome->err), outcome->exit_code));
        return std::nullopt;
    }

    bool refuse(std::string why)
    {
        note_not_looked(survey_, what_, std::move(why));
        return false;
    }

    host::Host& host_;
    Survey& survey_;
    Esp& esp_;
    const std::string what_;
};

}  // namespace

void look_at_esps(host::Host& host, Survey& survey)
{
    for (const Disk& disk : survey.inventory.disks) {
        for (const Partition& partition : disk.partitions) {
            if (!is_esp(partition)) continue;
            Esp esp;
            esp.device = partition.name;
            esp.formatted = partition.content.type == "vfat";
            // A member of an array, or what somebody else has made of it: not a filesystem of its own.
            if (!esp.formatted && !partition.content.type.empty()) continue;
            const auto mounts = survey.inventory.mounts_of(partition.name);
            if (!mounts.empty()) esp.mounted = mounts.front()->path;
            if (!esp.formatted || EspReader(host, survey, esp).read()) survey.esps.push_back(std::move(esp));
        }
    }
}

}  // namespace belay::storage
