#include "upgrade/iosxe/show/boot.h"

#include "upgrade/iosxe/show/fields.h"

#include <algorithm>

namespace belay::upgrade::iosxe::show {
namespace {

using printed::trimmed;
using printed::words_of;

constexpr Field<BootSettings> boot_fields[] = {
    {"", "member", &BootSettings::member},
    {"BOOT variable", "boot", &BootSettings::boot},
    {"BOOT path-list", "boot", &BootSettings::boot},
    {"", "next_boot", &BootSettings::next_boot},
    {"MANUAL_BOOT variable", "manual_boot", &BootSettings::manual_boot},
    {"Manual Boot", "manual_boot", &BootSettings::manual_boot},
    {"ENABLE_BREAK variable", "enable_break", &BootSettings::enable_break},
    {"Enable Break", "enable_break", &BootSettings::enable_break},
    {"BOOTMODE variable", "mode", &BootSettings::mode},
    {"Boot Mode", "mode", &BootSettings::mode},
    {"IPXE_TIMEOUT variable", "ipxe_timeout", &BootSettings::ipxe_timeout},
    {"iPXE Timeout", "ipxe_timeout", &BootSettings::ipxe_timeout},
    {"BAUD variable", "baud", &BootSettings::baud},
    {"CONFIG_FILE variable", "config_file", &BootSettings::config_file},
    {"Config file", "config_file", &BootSettings::config_file},
    {"Private Config file", "private_config_file", &BootSettings::private_config_file},
    {"BOOTLDR variable", "bootldr", &BootSettings::bootldr},
    {"Allow Dev Key", "allow_dev_key", &BootSettings::allow_dev_key},
    {"Auto upgrade", "auto_upgrade", &BootSettings::auto_upgrade},
    {"Boot optimization", "boot_optimization", &BootSettings::boot_optimization},
    {"buffer size", "nvram_buffer", &BootSettings::nvram_buffer},
    {"Download", "config_download_timeout", &BootSettings::config_download_timeout},
    {"", "download_by_dhcp", &BootSettings::download_by_dhcp},
    {"", "next_download_by_dhcp", &BootSettings::next_download_by_dhcp},
    {"", "config_register", &BootSettings::config_register},
    {"", "next_config_register", &BootSettings::next_config_register},
};

class BootReader {
  public:
    explicit BootReader(const Shown& shown) : shown_(shown) {}

    Result<Boot> read()
    {
        for (const Line& line : shown_.lines) TRY(take_line(line, trimmed(line.text)));
        if (boot_.members.empty()) return shown_.cut("no boot variable is there");
        for (const BootSettings& settings : boot_.members) TRY(check_whole(settings));
        return std::move(boot_);
    }

  private:
    Result<void> take_line(const Line& line, std::string_view text)
    {
        if (is_ruler(text)) return {};
        if (text.starts_with("Standby not ")) {
            boot_.standby_not_ready = true;
            return {};
        }
        if (const std::vector<std::string_view> words = words_of(text);
            words.size() == 2 && words[0] == "Switch" && printed::whole_number(words[1]))
            return open(line, words[1]);
        if (same_words(text, "Current Boot Variables:") ||
            same_words(text, "Boot Variables on next reload:")) {
            is_next_ = text.starts_with("Boot");
            return {};
        }
        return take_variable(line, text);
    }

    Result<void> open(const Line& line, std::string_view member)
    {
        const bool has_unnamed = !boot_.members.empty() && boot_.members.front().next_boot &&
                                 boot_.members.front().member == "active";
        if (boot_.of(member) != nullptr || has_unnamed)
            return shown_.foreign(line.number,
                                  "of one switch it is not said which it is, or it is there twice");
        boot_.members.push_back({});
        boot_.members.back().member = member;
        is_next_ = false;
        return {};
    }

    /// "Standby MANUAL_BOOT variable = no", "Configuration Register is 0x102", "Auto upgrade : yes".
    Result<void> take_variable(const Line& line, std::string_view text)
    {
        const auto of_standby = after(text, "Standby ");
        if (of_standby) text = *of_standby;
        constexpr std::string_view of_register = "Configuration register is";
        const bool is_register = same_words(text.substr(0, of_register.size()), of_register);
        const auto by_equals = labelled(text, '=');
        const auto found = by_equals ? by_equals : labelled(text, ':');
        // A label over two lines has nothing behind it.
        if (!found && !is_register) return take_missing(line, text, of_standby.has_value());
        BootSettings& settings = TRY(settings_of(line, of_standby.has_value()));
        if (is_register) return take_register(line, text.substr(of_register.size()), settings);
        if (same_words(found->label, "via DHCP")) return take_dhcp(line, found->value, settings);
        return take_value(line, *found, settings);
    }

    /// "BOOT variable does not exist" is empty; of others that says nothing.
    Result<void> take_missing(const Line& line, std::string_view text, bool standby)
    {
        constexpr std::string_view end = " does not exist";
        if (!text.ends_with(end)) return {};
        const std::string_view label = text.substr(0, text.size() - end.size());
        if (label != "BOOT variable" && label != "CONFIG_FILE variable") return {};
        BootSettings& settings = TRY(settings_of(line, standby));
        return take_value(line, {label, ""}, settings);
    }

    Result<void> take_value(const Line& line, Labelled found, BootSettings& settings)
    {
        if (is_next_ && found.label == "BOOT variable") {
            if (assign(settings.next_boot, found.value)) return {};
            return shown_.foreign(line.number, "the boot variable on next reload is said twice");
        }
        TRY(take(shown_, line, boot_fields, found, settings));
        return {};
    }

    /// Those of the part that is open; without parts they are the active one's, or the standby's.
    Result<std::reference_wrapper<BootSettings>> settings_of(const Line& line, bool standby)
    {
        const bool is_part = !boot_.members.empty() && boot_.members.back().member != "active" &&
                             boot_.members.back().member != "standby";
        if (is_part && standby) return shown_.foreign(line.number, "a standby in the part of a switch");
        if (is_part) return std::ref(boot_.members.back());
        const char* name = standby ? "standby" : "active";
        if (boot_.of(name) == nullptr) {
            boot_.members.push_back({});
            boot_.members.back().member = name;
        }
        return std::ref(*std::ranges::find(boot_.members, name, &BootSettings::member));
    }

    Result<void> take_register(const Line& line, std::string_view value, BootSettings& settings)
    {
        const auto found = config_register_of(value);
        if (!found || !assign(settings.config_register, found->now))
            return shown_.foreign(line.number, "the configuration register is not understood");
        settings.next_config_register = found->next;
        return {};
    }

    /// "disabled (next boot: disabled)".
    Result<void> take_dhcp(const Line& line, std::string_view value, BootSettings& settings)
    {
        std::string_view rest = value;
        settings.download_by_dhcp = flag_of(printed::take_word(rest));
        if (const auto next = between(rest, ':', ')')) settings.next_download_by_dhcp = flag_of(*next);
        if (settings.download_by_dhcp && settings.next_download_by_dhcp) return {};
        return shown_.foreign(line.number, "the download by DHCP is not understood");
    }

    /// Each form has a line that comes late in it.
    Result<void> check_whole(const BootSettings& settings) const
    {
        const bool of_path_list = settings.auto_upgrade && (settings.config_download_timeout.empty() ||
                                                            settings.download_by_dhcp.has_value());
        const bool of_switch = settings.next_boot && settings.manual_boot;
        const bool of_variables = !settings.auto_upgrade && settings.config_file &&
                                  (settings.manual_boot || !settings.config_register.empty());
        if (settings.boot && (of_path_list || of_switch || of_variables)) return {};
        return shown_.cut(fmt::format("not all of \"{}\" is there", settings.member));
    }

    const Shown& shown_;
    Boot boot_;
    bool is_next_ = false;
};

}  // namespace

const BootSettings* Boot::of(std::string_view member) const
{
    const auto found = std::ranges::find(members, member, &BootSettings::member);
    return found == members.end() ? nullptr : &*found;
}

Result<Boot> read_boot(std::string_view text, std::string_view command)
{
    const Shown all = TRY(shown(text, command));
    return BootReader(all).read();
}

void to_json(Json& json, const Boot& boot)
{
    json = {{"members", array_of(boot.members, boot_fields)}};
    if (boot.standby_not_ready) json["standby_not_ready"] = true;
}

}  // namespace belay::upgrade::iosxe::show
