#include "procedures/device_upgrade.h"

#include "base/digest.h"
#include "operation/plan_builder.h"
#include "procedures/image_url.h"
#include "upgrade/iosxe/device_actions.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fmt/ranges.h>

namespace belay::procedures {
namespace {

using namespace std::chrono_literals;
using operation::PlanBuilder;
using operation::Step;
using upgrade::iosxe::DeviceImage;
using upgrade::iosxe::DeviceLook;
using upgrade::iosxe::DeviceMember;
using DeviceArguments = std::map<std::string, std::string>;

constexpr std::string_view flash = "flash:";
/// Beside the image, its packages are unpacked: as much once more, and what the manual wants free at least.
constexpr uint64_t least_room = 1 << 30;
/// What the device fetches has no size before: the largest images of these families have 1.3 GB.
constexpr uint64_t largest_image = 3ULL << 29;
/// Ours ends first, so that the device's own is only for a Belay that is gone.
constexpr Milliseconds own_timer = 110min;
/// Reloads take minutes each, and the slowest chassis half an hour.
constexpr Milliseconds patience = 1h;
constexpr Milliseconds device_gate_pace = 30s, device_gate_grace = 5min;

std::string told(const DeviceArguments& arguments, const char* name)
{
    const auto found = arguments.find(name);
    return found == arguments.end() ? "" : found->second;
}

Result<bool> is_wanted(const DeviceArguments& arguments, const char* name)
{
    const std::string text = told(arguments, name);
    if (text.empty() || text == "no") return false;
    if (text == "yes") return true;
    return fail(ErrorKind::usage, fmt::format("--{} is yes or no, and not \"{}\"", name, text));
}

/// "sha512:ab12..." as the vendor publishes it. Nothing: none was given.
Result<void> take_digest(const std::string& text, DeviceImage& image)
{
    if (text.empty()) return {};
    const size_t colon = std::min(text.find(':'), text.size());
    image.algorithm = text.substr(0, colon);
    image.digest = text.substr(std::min(colon + 1, text.size()));
    std::ranges::transform(image.digest, image.digest.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const size_t wanted = image.algorithm == "md5" ? 32 : 128;
    const bool is_hexadecimal = image.digest.size() == wanted &&
                                image.digest.find_first_not_of("0123456789abcdef") == std::string::npos;
    if ((image.algorithm == "md5" || image.algorithm == "sha512") && is_hexadecimal) return {};
    return fail(ErrorKind::usage,
                fmt::format("\"{}\" is no digest: md5: and 32 hexadecimal digits, or sha512: and 128", text));
}

Result<DeviceImage> wanted_image(const DeviceArguments& arguments)
{
    DeviceImage image;
    const std::string given = told(arguments, "image");
    if (given.empty())
        return fail(
            ErrorKind::usage,
            "which image? a device wants --image, a file on this machine, an https:// URL or flash:NAME",
            "belay plan pair.upgrade --help");
    TRY(take_digest(told(arguments, "digest"), image));
    const bool is_url = given.find("://") != std::string::npos;
    if (is_url || given.starts_with(flash)) {
        image.to = is_url ? fmt::format("{}{}", flash, TRY(file_of_image_url(given))) : given;
        if (is_url) image.url = given;
        if (image.digest.empty())
            return fail(ErrorKind::usage,
                        fmt::format("nobody could tell whether {} is whole without --digest", given),
                        "--digest sha512:..., as the vendor publishes it");
    } else {
        if (!given.starts_with('/'))
            return fail(ErrorKind::usage,
                        fmt::format("\"{}\" is no absolute path, no https:// URL and no flash:NAME", given));
        std::error_code problem;
        image.bytes = std::filesystem::file_size(given, problem);
        if (problem)
            return fail(ErrorKind::not_found, fmt::format("there is no image {} on this machine", given));
        image.file = given;
        image.to = fmt::format("{}{}", flash, given.substr(given.rfind('/') + 1));
        if (image.digest.empty()) {
            image.algorithm = "sha512";
            image.digest = TRY(sha512_of_file(given));
        }
    }
    const std::string version = told(arguments, "version");
    image.release = upgrade::iosxe::release_in(version);
    const std::string named = upgrade::iosxe::release_in(image.to.substr(flash.size()));
    if (image.release.empty())
        return fail(ErrorKind::usage, fmt::format("\"{}\" is no release of IOS XE, as 17.9.5", version));
    if (!named.empty() && named != image.release)
        return fail(ErrorKind::usage,
                    fmt::format("the image {} is of {}, and {} was asked for", given, named, image.release));
    for (const std::string& line : {image.to, "copy " + image.file}) TRY(upgrade::iosxe::check_line(line));
    if (is_url) TRY(check_fetched_line(upgrade::iosxe::line::fetch(image.url, image.to).text));
    if (image.to.find(' ') != std::string::npos)
        return fail(ErrorKind::usage,
                    fmt::format("a file of a device has no space in its name: \"{}\"", image.to));
    return image;
}

/// On each member: the image, and its packages.
uint64_t room_for(const DeviceImage& image)
{
    if (!image.url.empty()) return 2 * largest_image;
    const uint64_t unpacked = std::max(image.bytes, least_room);
    return image.file.empty() ? unpacked : image.bytes + unpacked;
}

std::string title_of_carrying(const DeviceImage& image)
{
    if (!image.url.empty())
        return fmt::format("let the device fetch {} to {}, and verify it", image.url, image.to);
    if (image.file.empty())
        return fmt::format("let the device verify {}, which lies there already", image.to);
    return fmt::format("bring the image to {}, and let the device verify it", image.to);
}

void check_device(PlanBuilder& plan, const std::string& device, const DeviceImage& image)
{
    const Json it = {{"device", device}};
    plan.check("device.reachable", "its command line can be used, with privilege", {"iosxe.reachable", it});
    plan.check("device.install-mode", "both members run in install mode (show version)",
               {"iosxe.install-mode", it});
    plan.check(
        "device.redundant",
        "both are there by SSO, the standby hot (show redundancy, show switch, show stackwise-virtual)",
        {"iosxe.redundant", it});
    plan.check("device.starts-by-itself", "both boot by themselves (show boot)",
               {"iosxe.starts-by-itself", it});
    plan.check_once(
        "device.quiet",
        "no ISSU goes on, nothing waits for a commit (show issu state detail, show install summary)",
        {"iosxe.quiet", it});
    const char* const room =
        image.url.empty() ? "there is room on both (dir flash:, dir stby-flash:)"
                          : "there is room on both for an image of 1.5 GiB and its packages, as nobody "
                            "knows its size before the device has it (dir flash:, dir stby-flash:)";
    plan.check_once("device.room", room, {"iosxe.room", {{"device", device}, {"bytes", room_for(image)}}});
    plan.check_once("device.may-follow", "another release than the one that runs",
                    {"iosxe.may-follow", {{"device", device}, {"release", image.release}}});
}

void in_three_steps(PlanBuilder& plan, const std::string& device, const DeviceImage& image,
                    const std::string& from, const std::string& transcript)
{
    Step& added = plan.add("add", fmt::format("install add: {} beside {}, on both", image.release, from),
                           upgrade::iosxe::add(device, image, from, transcript));
    added.stalled_after = patience;
    added.takes = 5min;
    Step& activated = plan.activate(
        "activate",
        fmt::format("install activate issu: the standby reloads with {}, takes over, and the other reloads",
                    image.release),
        upgrade::iosxe::activate(device, image, from, transcript));
    activated.stalled_after = patience;
    activated.takes = 12min;
    Step& kept =
        plan.commit("commit", fmt::format("install commit: both begin from {} from now on", image.release),
                    upgrade::iosxe::commit(device, image, from, transcript));
    kept.stalled_after = patience;
    kept.takes = 6min;
    kept.one_way = "the device removes the old release, and begins from the new one";
    plan.plan().gates.push_back({.name = "runs",
                                 .title = fmt::format("both run {}, one active, one hot", image.release),
                                 .question = {"iosxe.runs", {{"device", device}, {"release", image.release}}},
                                 .every = device_gate_pace,
                                 .grace = device_gate_grace});
}

void in_one_step(PlanBuilder& plan, const std::string& device, const DeviceImage& image,
                 const std::string& from, const std::string& transcript)
{
    Step& all =
        plan.commit("one-step", "install add activate issu commit: all in one, which cannot be taken back",
                    upgrade::iosxe::one_step(device, image, from, transcript));
    all.stalled_after = patience;
    all.takes = 23min;
    all.one_way = "the device commits by itself, without a soak";
}

}  // namespace

std::vector<Argument> device_arguments()
{
    return {
        {"image",
         "of a device: the image, a file on this machine, an https:// URL from which the device fetches it, "
         "or flash:NAME where it has it already",
         "/srv/images/cat9k_iosxe.17.09.05.SPA.bin", false},
        {"digest",
         "of a device: of that image, as the vendor publishes it; of a file its SHA-512 unless told",
         "sha512:4f5e...", false},
        {"one-step", "of a device: yes, all in one command of its own, which has no way back", "yes", false},
        {"remove-inactive", "of a device: yes, remove what is not in use behind the commit", "yes", false}};
}

Result<operation::Plan> plan_device_upgrade(const DeviceGround& ground, const DeviceArguments& arguments)
{
    const std::string& device = arguments.at("pair");
    for (const char* of_pairs : {"waves", "failures", "soak"}) {
        if (!told(arguments, of_pairs).empty())
            return fail(ErrorKind::usage,
                        fmt::format("{} is a device, for which there is no --{}", device, of_pairs));
    }
    const bool one_step = TRY(is_wanted(arguments, "one-step"));
    const bool tidies = TRY(is_wanted(arguments, "remove-inactive"));
    DeviceImage image = TRY(wanted_image(arguments));
    const DeviceLook look = TRY(ground.look(device));
    // Nothing is ever written over: what lies there by that name is verified, and used where it is the image.
    if (look.flash.find(image.to.substr(flash.size())) != nullptr) image.url.clear();
    const DeviceMember* const active = look.active();
    if (active == nullptr || active->release.empty())
        return fail(ErrorKind::refused,
                    fmt::format("{} shows no active member with a release: {}", device, look.to_text()));
    const std::string from = active->release;
    const std::string what = look.model.empty() ? device : fmt::format("{} ({})", device, look.model);
    if (look.both_run(image.release) &&
        look.both_have(image.release, upgrade::iosxe::show::PackageState::committed))
        return operation::Plan{.procedure = "pair.upgrade",
                               .title = fmt::format("The device {} runs {} already", what, image.release)};
    Json asked = arguments;
    asked.erase(timer_argument);
    asked["device"] = device;
    PlanBuilder plan("pair.upgrade",
                     fmt::format("Upgrade the device {} from {} to {}", what, from, image.release),
                     std::move(asked));
    const std::string transcript = fmt::format("{}/transcript", operation::own_folder);
    check_device(plan, device, image);
    Step& carried =
        plan.add("carry", title_of_carrying(image), upgrade::iosxe::carry(device, image, transcript));
    carried.stalled_after = patience;
    if (one_step)
        in_one_step(plan, device, image, from, transcript);
    else
        in_three_steps(plan, device, image, from, transcript);
    if (tidies) {
        Step& tidy = plan.commit("remove-inactive", "install remove inactive: what is not in use",
                                 upgrade::iosxe::remove_inactive(device, image, transcript));
        tidy.stalled_after = patience;
        tidy.one_way = "what is removed has to be copied to the device again";
    }
    operation::Plan& whole = plan.plan();
    whole.fingerprints = {{"iosxe.device", {{"device", device}}}};
    whole.locks = {"device:" + device};
    if (!one_step)
        whole.left_by_abort = {
            "what \"install remove inactive\" takes away besides: every image in the flash that is "
            "not in use, also one that was there before"};
    whole.keeps = {std::string(operation::own_folder)};
    whole.timer = own_timer;
    std::vector<std::string> looks;
    for (const upgrade::iosxe::Line& line : upgrade::iosxe::look_lines()) looks.push_back(line.text);
    whole.topology = {fmt::format("both members of {} run {}", device, image.release),
                      fmt::format("to look, these are typed: {}", fmt::join(looks, ", ")),
                      "where the timer is stopped or longer than the device's own (2 h), that is stopped: " +
                          upgrade::iosxe::line::stop_timer().text,
                      "all that is typed and answered is kept with the operation; belay show names the file"};
    if (one_step) whole.topology[2] = "the device has no abort timer in one step";
    for (Step& step : whole.steps) step.member = device;
    return plan.build();
}

}  // namespace belay::procedures
