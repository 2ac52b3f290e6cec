#include "storage/boot_code.h"

#include "host/encoding.h"
#include "storage/probe.h"

namespace belay::storage::boot_code {
namespace {

using host::Command;
using host::Effect;
using host::Host;
using operation::Finding;
using operation::Inspection;
using operation::Json;
using operation::Verdict;

/// Behind it the first sector holds the id and the partitions of an MBR.
constexpr Bytes code_size{440};
constexpr Bytes sector{512};
constexpr size_t rest_at = 92;
constexpr const char* modules = "/usr/lib/grub/i386-pc";

Command install_command(const std::string& disk)
{
    return {.argv = {"grub-install", "--target=i386-pc", disk},
            .effect = Effect::changes,
            .limit = std::chrono::minutes(5)};
}

Result<std::string> read_first(Host& host, const std::string& disk)
{
    return host.read_at(disk, {0}, code_size);
}

Code code_in(std::string_view bytes)
{
    if (bytes.find_first_not_of('\0') == std::string_view::npos) return Code::none;
    return bytes.find("GRUB ") != std::string_view::npos ? Code::grub : Code::other;
}

/// Whether there is something where the first sector says that the rest is.
Result<bool> has_rest(Host& host, const std::string& disk, std::string_view first)
{
    uint64_t at = 0;
    for (size_t i = 8; i > 0; --i) at = at << 8 | static_cast<unsigned char>(first[rest_at + i - 1]);
    if (at == 0 || at > UINT32_MAX) return false;
    const Result<std::string> rest = host.read_at(disk, {at * sector.count}, sector);
    if (!rest && rest.error().kind == ErrorKind::corrupt) return false;  // behind the end of the disk
    if (!rest) return std::unexpected(rest.error());
    return rest->find_first_not_of('\0') != std::string::npos;
}

class Install final : public operation::Action {
  public:
    Result<Inspection> inspect(Host& host, const Json& arguments) const override
    {
        const std::string disk = arguments.at("disk");
        const std::string first = TRY(read_first(host, disk));
        using Found = Inspection::Found;
        const Code code = code_in(first);
        if (code != Code::grub) return Inspection{Found::absent, code == Code::none ? "none" : "another's"};
        const bool whole = TRY(has_rest(host, disk, first));
        return Inspection{whole ? Found::done : Found::partial, whole ? "GRUB's" : "its rest is missing"};
    }

    Result<Json> remember(Host& host, const Json& arguments) const override
    {
        const std::string first = TRY(read_first(host, arguments.at("disk")));
        return Json{{"code", host::encode_bytes(first)}};
    }

    Result<void> apply(Host& host, const Json& arguments) const override
    {
        TRY(run_checked(host, install_command(arguments.at("disk"))));
        return {};
    }

    Result<std::string> remains(Host& host, const Json& arguments, const Json& remembered) const override
    {
        const std::string disk = arguments.at("disk");
        if (remembered.empty() || !TRY(device_if_there(host, disk))) return std::string();
        const bool same = TRY(read_first(host, disk)) == TRY(host::decode_bytes(remembered.at("code")));
        return same ? std::string() : fmt::format("boot code on {}", disk);
    }

    Result<void> revert(Host& host, const Json& arguments, const Json& remembered) const override
    {
        return host.write_at(arguments.at("disk").get<std::string>(), {0},
                             TRY(host::decode_bytes(remembered.at("code"))));
    }
};

Result<Finding> ask_can_install(Host& host, const Json&)
{
    const Result<std::vector<std::string>> found = host.list(modules);
    if (!found && found.error().kind != ErrorKind::not_found) return std::unexpected(found.error());
    return Finding{found ? Verdict::pass : Verdict::fail, found ? modules : "nothing",
                   fmt::format("GRUB's modules for BIOS in {}", modules), "apt-get install grub-pc-bin"};
}

}  // namespace

bool is_bios_boot(std::string_view type)
{
    return type == "21686148-6449-6e6f-744e-656564454649" || type == "21686148-6449-6E6F-744E-656564454649";
}

Result<Code> read_code(Host& host, const std::string& disk)
{
    return code_in(TRY(read_first(host, disk)));
}

Result<bool> is_whole(Host& host, const std::string& disk)
{
    const std::string first = TRY(read_first(host, disk));
    if (code_in(first) != Code::grub) return false;
    return has_rest(host, disk, first);
}

std::string install_hint(const std::string& disk)
{
    return install_command(disk).to_text();
}

operation::Act install(const std::string& disk)
{
    return {"boot_code.install",
            {{"disk", disk}},
            {install_command(disk).to_text()},
            {fmt::format("# {}: its first {} bytes as they were", disk, code_size.count)}};
}

operation::Question can_install()
{
    return {"boot_code.can_install", Json::object()};
}

void fill(operation::Catalogue& catalogue)
{
    catalogue.add("boot_code.install", std::make_unique<Install>());
    catalogue.add_condition("boot_code.can_install", ask_can_install);
}

}  // namespace belay::storage::boot_code
