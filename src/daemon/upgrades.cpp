#include "daemon/upgrades.h"

#include "base/base64.h"
#include "daemon/applications.h"
#include "daemon/pairs.h"
#include "daemon/parameters.h"
#include "upgrade/image_actions.h"
#include "upgrade/on_host.h"

#include <algorithm>

namespace belay::daemon {
namespace {

using procedures::UpgradeGround;
using site::Call;
using site::Reply;

UpgradeGround::Member as_member(const PairMember& member)
{
    return {.application = member.application,
            .image = member.image,
            .user = member.user,
            .serves = member.serves};
}

Json json_of(const upgrade::image::Manifest& manifest)
{
    return {{"image", manifest.name},
            {"version", manifest.version.text},
            {"build", manifest.build},
            {"summary", manifest.summary},
            {"size", manifest.size.count}};
}

}  // namespace

std::string images_folder(const std::string& state_folder)
{
    return state_folder + "-images";
}

Result<framework::supervision::Images> running_images(host::Host& host, const std::string& images)
{
    framework::supervision::Images running;
    for (const auto& [name, package] : TRY(upgrade::image::read_packages(host, images))) {
        running[name] = {.name = name,
                         .version = package.runs.text,
                         .folder = upgrade::image::version_folder(images, name, package.runs)};
    }
    return running;
}

Upgrades::Upgrades(Applications& applications, Driven& driven, host::Host& host,
                   const std::string& state_folder, std::string keys, std::function<Place*()> place)
    : applications_(applications),
      host_(host),
      images_(images_folder(state_folder)),
      keys_(std::move(keys)),
      place_(std::move(place)),
      runner_(applications, driven),
      shelf_(state_folder + "/shelf", keys_),
      carrier_({.images = images_,
                .keys = keys_,
                .here = [this](const std::string& file) { return shelf_.path_of(file); },
                .fetch = [this](const std::string& file, uint64_t offset,
                                const std::function<Result<void>(std::string_view)>& take,
                                const std::stop_token& stop) -> Result<void> {
                    Place* const place_now = place_();
                    if (place_now != nullptr) return place_now->fetch(file, offset, take, stop);
                    return fail(ErrorKind::not_found, "this host has no such image any more",
                                "belay image publish, of its file");
                }})
{
}

void Upgrades::fill(operation::Catalogue& catalogue, upgrade::StartedBy started_by)
{
    upgrade::fill(catalogue, runner_, started_by);
    upgrade::fill(catalogue, carrier_);
}

std::vector<procedures::Procedure> Upgrades::procedures(bool is_controller)
{
    const auto pair = [this](const std::string& name) -> Result<std::vector<UpgradeGround::Member>> {
        std::vector<UpgradeGround::Member> members;
        for (const PairMember& member : TRY(members_of_pair(applications_.everywhere(), name))) {
            if (member.host != applications_.host())
                return fail(ErrorKind::usage,
                            fmt::format("\"{}\" is on {}, and this is {}", member.application, member.host,
                                        applications_.host()),
                            "the same on the controller of the site");
            members.push_back(as_member(member));
        }
        return members;
    };
    const auto member = [this](const std::string& name) -> Result<UpgradeGround::Member> {
        const PairMember found = TRY(member_named(applications_.everywhere(), name));
        if (found.host != applications_.host())
            return fail(ErrorKind::not_found,
                        fmt::format("\"{}\" is on {}, and not on this host", name, found.host));
        return as_member(found);
    };
    std::vector<procedures::Procedure> all = procedures::upgrade_procedures(
        {.ground = {.runner = runner_, .images = images_},
         .keys = keys_,
         .member = member,
         .pair = pair,
         .image_arguments = [this](const std::string& image, const std::string& version) {
             return image_arguments(image, version);
         }});
    if (is_controller) return all;
    // A host that runs alone has no other one: there it goes by the name that people know.
    procedures::Procedure pair_here = all.back();
    pair_here.name = procedures::pair_upgrade_page().name;
    all.push_back(std::move(pair_here));
    return all;
}

Result<std::map<std::string, std::string>> Upgrades::image_arguments(const std::string& image,
                                                                     const std::string& version) const
{
    const auto shelved = TRY(shelf_.find(image, version));
    if (!shelved) return std::map<std::string, std::string>();
    return std::map<std::string, std::string>{{"manifest", shelved->manifest_text},
                                              {"signature", to_base64(shelved->signature)},
                                              {"file", shelved->file},
                                              {"bytes", fmt::format("{}", shelved->bytes.count)}};
}

// --- what is asked ---

Result<Json> Upgrades::upload(const Call& call)
{
    Parameters parameters(call.parameters);
    const std::string file = TRY(parameters.required_text("file"));
    const Bytes bytes{TRY(parameters.count("bytes", 0))};
    const uint64_t offset = TRY(parameters.count("offset", 0));
    const std::string piece = TRY(from_base64(TRY(parameters.text("data"))));
    TRY(parameters.no_other());
    const upgrade::Shelf::Upload upload = TRY(shelf_.take(file, bytes, offset, piece));
    Json answer = {{"next", upload.next}, {"image", nullptr}};
    if (upload.shelved) answer["image"] = json_of(upload.shelved->manifest);
    return answer;
}

/// The versions of this host, and how each stands.
Result<Json> Upgrades::summary() const
{
    const auto packages = TRY(upgrade::image::read_packages(host_, images_));
    Json versions = Json::array();
    for (const upgrade::image::Installed& one : TRY(upgrade::image::list_installed(host_, images_))) {
        Json json = json_of(one.manifest);
        json["state"] = std::string(1, upgrade::image::letter_of(upgrade::image::state_of(
                                           packages, one.manifest.name, one.manifest.version)));
        versions.push_back(std::move(json));
    }
    Json published = Json::array();
    for (const upgrade::Shelved& one : TRY(shelf_.list())) {
        Json json = json_of(one.manifest);
        json["file"] = one.file;
        json["bytes"] = one.bytes.count;
        published.push_back(std::move(json));
    }
    Json applications = Json::array();
    for (const Json& line : applications_.lines()) {
        const Json image = line.value("image", Json());
        applications.push_back({{"name", line.value("name", "")},
                                {"phase", line.value("phase", "")},
                                {"image", image},
                                {"pair", line.value("pair", Json())}});
    }
    return Json{{"host", applications_.host()},
                {"images", images_},
                {"versions", std::move(versions)},
                {"published", std::move(published)},
                {"applications", std::move(applications)}};
}

Result<Json> Upgrades::withdraw(const Call& call)
{
    Parameters parameters(call.parameters);
    const std::string image = TRY(parameters.required_text("image"));
    const std::string version = TRY(parameters.required_text("version"));
    TRY(parameters.no_other());
    TRY(shelf_.remove(image, version));
    return Json::object();
}

Result<Json> Upgrades::remove_inactive(const std::string& image, bool dry_run)
{
    const auto packages = TRY(upgrade::image::read_packages(host_, images_));
    Json removed = Json::array();
    for (const upgrade::image::Installed& one : TRY(upgrade::image::list_installed(host_, images_))) {
        const upgrade::image::Manifest& manifest = one.manifest;
        const auto state = upgrade::image::state_of(packages, manifest.name, manifest.version);
        if (state != upgrade::image::State::inactive) continue;
        if (!image.empty() && manifest.name != image) continue;
        if (!dry_run) TRY(upgrade::image::remove_installed(host_, images_, manifest.name, manifest.version));
        removed.push_back(json_of(manifest));
    }
    return Json{{"removed", std::move(removed)}};
}

Result<Json> Upgrades::clear(const std::string& image, bool dry_run)
{
    Json cleared = Json::array();
    for (const auto& [name, package] : TRY(upgrade::image::read_packages(host_, images_))) {
        if (!package.is_uncommitted() || (!image.empty() && name != image)) continue;
        if (!dry_run)
            TRY(upgrade::name(host_, images_, name,
                              {.runs = package.runs.text, .committed = package.runs.text}));
        cleared.push_back(
            {{"image", name}, {"runs", package.runs.text}, {"committed", package.committed.text}});
    }
    return Json{{"cleared", std::move(cleared)}};
}

std::vector<site::Method> Upgrades::methods()
{
    using site::Right;
    const auto answered = [](auto what) {
        return [what](const Call& call) -> Result<Reply> {
            Json answer = TRY(what(call));
            return Reply{std::move(answer)};
        };
    };
    const auto look = [this](const Call& call) -> Result<Json> {
        Parameters parameters(call.parameters);
        const std::string name = TRY(parameters.required_text("application"));
        TRY(parameters.no_other());
        const upgrade::Standing standing = TRY(runner_.look(name));
        return Json{{"serves", standing.part == upgrade::Part::active && !standing.is_handing},
                    {"is_handing", standing.is_handing},
                    {"is_prepared", standing.is_prepared},
                    {"says", standing.says}};
    };
    const auto take_over = [this](const Call& call) -> Result<Json> {
        Parameters parameters(call.parameters);
        const std::string name = TRY(parameters.required_text("application"));
        TRY(parameters.no_other());
        TRY(runner_.take_over(name));
        return Json::object();
    };
    return {{"MemberLook", Right::view, answered(look)},
            {"MemberTakeOver", Right::operate, answered(take_over)},
            {"ImageUpload", Right::operate, answered([this](const Call& call) { return upload(call); })},
            {"ImageWithdraw", Right::operate, answered([this](const Call& call) { return withdraw(call); })}};
}

}  // namespace belay::daemon
