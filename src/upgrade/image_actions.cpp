#include "upgrade/image_actions.h"

#include "base/base64.h"
#include "base/json.h"
#include "upgrade/image/library.h"
#include "upgrade/image/signature.h"
#include "upgrade/on_host.h"

#include <algorithm>
#include <fmt/format.h>

namespace belay::upgrade {
namespace {

using operation::Act;
using operation::Finding;
using operation::Inspection;
using operation::Question;
using operation::Verdict;
using Found = Inspection::Found;

constexpr Milliseconds next_look(200);
constexpr Milliseconds hook_limit = std::chrono::seconds(60);
constexpr size_t most_hook_output = 300;

std::string word_in(const Json& json, const char* name)
{
    return json.at(name).get<std::string>();
}

Delivery delivery_in(const Json& arguments)
{
    return {.image = word_in(arguments, "image"),
            .version = word_in(arguments, "version"),
            .file = word_in(arguments, "file"),
            .files = word_in(arguments, "files"),
            .bytes = arguments.at("bytes").get<uint64_t>()};
}

/// Brings a version to this host.
class AddImage final : public operation::Action {
  public:
    explicit AddImage(Carrier& carrier) : carrier_(carrier) {}

    Result<Inspection> inspect(host::Host& host, const Json& arguments) const override
    {
        const Delivery delivery = delivery_in(arguments);
        const auto way = carrier_.way_of(delivery.file);
        // Until its thread has ended its file may be there still.
        const bool is_on_its_way = way && !way->has_ended;
        if (!is_on_its_way && TRY(is_installed(host, arguments)))
            return Inspection{.found = Found::done, .detail = "it is in the library"};
        if (!way) return Inspection{};
        if (way->has_ended)
            return Inspection{.found = Found::partial, .detail = way->problem ? way->problem->what : ""};
        return Inspection{.found = Found::running,
                          .progress = operation::Progress{.done = way->done, .total = way->total},
                          .look_again = next_look};
    }

    Result<Json> remember(host::Host& host, const Json& arguments) const override
    {
        const bool was_there = TRY(is_installed(host, arguments));
        return Json{{"was_there", was_there}};
    }

    Result<void> apply(host::Host&, const Json& arguments) const override
    {
        const Delivery delivery = delivery_in(arguments);
        if (delivery.file.empty())
            return fail(ErrorKind::not_found,
                        fmt::format("{} {} was in the library of this host, and is not any more",
                                    delivery.image, delivery.version),
                        fmt::format("belay image publish {}-{}.image", delivery.image, delivery.version));
        carrier_.begin(delivery);
        return {};
    }

    Result<std::string> remains(host::Host& host, const Json& arguments,
                                const Json& remembered) const override
    {
        const Delivery delivery = delivery_in(arguments);
        if (carrier_.way_of(delivery.file) || carrier_.has_part_of(delivery.file))
            return std::string("a part of the image that has come");
        if (TRY(has_leftover(arguments)))
            return fmt::format("{} {}, half unpacked or half removed", delivery.image, delivery.version);
        if (remembered.value("was_there", false) || !TRY(is_installed(host, arguments))) return std::string();
        return fmt::format("{} {} in the library", delivery.image, delivery.version);
    }

    Result<void> revert(host::Host& host, const Json& arguments, const Json& remembered) const override
    {
        const Delivery delivery = delivery_in(arguments);
        carrier_.give_up(delivery.file);
        TRY(image::remove_leftovers(word_in(arguments, "images")));
        if (remembered.value("was_there", false)) return {};
        return image::remove_installed(host, word_in(arguments, "images"), delivery.image,
                                       TRY(image::parse_version(delivery.version)));
    }

    /// The file from which it was unpacked is not wanted any more, and does not come back.
    Result<void> make_durable(host::Host&, const Json& arguments) const override
    {
        return carrier_.clear_away(word_in(arguments, "file"));
    }

  private:
    static Result<bool> is_installed(host::Host& host, const Json& arguments)
    {
        const auto there = TRY(installed(host, word_in(arguments, "images"), word_in(arguments, "image"),
                                         word_in(arguments, "version")));
        return there && there->manifest.files == word_in(arguments, "files");
    }

    /// Of an expansion or a removal that a power cut has ended.
    static Result<bool> has_leftover(const Json& arguments)
    {
        const std::string images = word_in(arguments, "images");
        const std::string begin =
            fmt::format("{}/.{}-{}.", images, word_in(arguments, "image"), word_in(arguments, "version"));
        const std::vector<std::string> all = TRY(image::leftovers(images));
        return std::ranges::any_of(all, [&](const std::string& path) { return path.starts_with(begin); });
    }

    Carrier& carrier_;
};

// --- what is asked ---

Finding refusal(const Error& error, std::string wanted)
{
    return {.verdict = Verdict::fail, .found = error.what, .wanted = std::move(wanted), .mend = error.next};
}

Result<Finding> trusted(host::Host&, const Json& arguments)
{
    const std::string signature = TRY(from_base64(word_in(arguments, "signature")));
    const auto keys = image::read_public_keys(word_in(arguments, "keys"));
    const auto signer = keys ? image::signer_of(word_in(arguments, "manifest"), signature, *keys)
                             : Result<std::string>(std::unexpected(keys.error()));
    if (signer) return Finding{.found = fmt::format("signed by {}", *signer)};
    return refusal(signer.error(), fmt::format("a signature by a key in {}", word_in(arguments, "keys")));
}

Result<Finding> follows(host::Host& host, const Json& arguments)
{
    const std::string images = word_in(arguments, "images");
    const image::Manifest next = TRY(image::read_manifest(word_in(arguments, "manifest")));
    const std::string runs = TRY(named(host, images, next.name)).runs;
    if (runs.empty()) return Finding{.found = "nothing of it runs on this host"};
    if (runs == next.version.text) return Finding{.found = fmt::format("{} runs already", runs)};
    const auto running = TRY(installed(host, images, next.name, runs));
    if (!running)
        return fail(ErrorKind::not_found,
                    fmt::format("packages.conf names {} {}, which is not in the library", next.name, runs));
    const Result<void> may = image::may_replace(running->manifest, next);
    if (may) return Finding{.found = fmt::format("{} runs", runs)};
    return refusal(may.error(), fmt::format("a version that may follow {}", runs));
}

Result<Finding> same_build(host::Host& host, const Json& arguments)
{
    const std::string images = word_in(arguments, "images");
    const std::string name = word_in(arguments, "image"), version = word_in(arguments, "version");
    const auto there = TRY(installed(host, images, name, version));
    if (!there) return Finding{.found = "it is not installed"};
    if (there->manifest.files != word_in(arguments, "files"))
        return Finding{.verdict = Verdict::fail,
                       .found = fmt::format("another {} {} is installed, of other files", name, version),
                       .wanted = "one content for one version",
                       .mend = "give the new build another version"};
    const auto keys = image::read_public_keys(word_in(arguments, "keys"));
    const auto sound = keys ? image::verify_installed(images, name, there->manifest.version, *keys)
                            : Result<image::Verified>(std::unexpected(keys.error()));
    if (sound) return Finding{.found = "it is installed, and unaltered"};
    return refusal(sound.error(), "files as they were signed");
}

/// As a person would: in the folder of the version, as its account.
std::vector<std::string> hook_command(const Json& arguments)
{
    std::vector<std::string> argv;
    if (const std::string user = word_in(arguments, "user"); !user.empty())
        argv = {"setpriv", "--reuid", user, "--regid", user, "--init-groups", "--"};
    const std::string folder = word_in(arguments, "folder");
    for (const std::string& word : {std::string("env"), "--chdir=" + folder, "BELAY_IMAGE_FOLDER=" + folder,
                                    "BELAY_IMAGE_VERSION=" + word_in(arguments, "version")})
        argv.push_back(word);
    std::vector<std::string> command = arguments.at("command").get<std::vector<std::string>>();
    command.front() = folder + "/" + command.front();
    argv.insert(argv.end(), command.begin(), command.end());
    return argv;
}

Result<Finding> hook(host::Host& host, const Json& arguments)
{
    const auto outcome = host.run({.argv = hook_command(arguments), .limit = hook_limit});
    const std::string wanted =
        fmt::format("exit code 0 of {}", arguments.at("command").at(0).get<std::string>());
    if (!outcome) return refusal(outcome.error(), wanted);
    if (outcome->exit_code == 0) return Finding{.found = "exit code 0"};
    std::string said = outcome->err.empty() ? outcome->out : outcome->err;
    if (said.size() > most_hook_output) said.resize(most_hook_output);
    while (!said.empty() && (said.back() == '\n' || said.back() == ' ')) said.pop_back();
    return Finding{
        .verdict = Verdict::fail,
        .found = fmt::format("exit code {}{}{}", outcome->exit_code, said.empty() ? "" : ": ", said),
        .wanted = wanted};
}

Question hook_question(const std::string& images, const image::Manifest& next, const std::string& user,
                       const std::vector<std::string>& command)
{
    return {"image.hook",
            {{"folder", image::version_folder(images, next.name, next.version)},
             {"version", next.version.text},
             {"user", user},
             {"command", command}}};
}

}  // namespace

Act add_image(const std::string& images, const Delivery& delivery)
{
    const std::string folder = fmt::format("{}/{}/{}", images, delivery.image, delivery.version);
    const std::string file = fmt::format("{}-{}.image", delivery.image, delivery.version);
    return {.action = "image.add",
            .arguments = {{"image", delivery.image},
                          {"version", delivery.version},
                          {"file", delivery.file},
                          {"files", delivery.files},
                          {"bytes", delivery.bytes},
                          {"images", images}},
            .commands = {fmt::format("belay image verify {}", file),
                         fmt::format("belay image expand {} --root {}", file, images)},
            .undo_commands = {fmt::format("rm -r {}   # unless it was there before", folder)}};
}

Question is_trusted(const std::string& keys, const std::string& manifest, const std::string& signature)
{
    return {"image.trusted", {{"keys", keys}, {"manifest", manifest}, {"signature", signature}}};
}

Question may_follow(const std::string& images, const image::Manifest& next)
{
    return {"image.may-follow", {{"images", images}, {"manifest", image::manifest_text(next)}}};
}

Question is_same_build(const std::string& images, const std::string& keys, const image::Manifest& next)
{
    return {"image.same-build",
            {{"images", images},
             {"keys", keys},
             {"image", next.name},
             {"version", next.version.text},
             {"files", next.files}}};
}

Question accepts_configuration(const std::string& images, const image::Manifest& next,
                               const std::string& user)
{
    return hook_question(images, next, user, next.check);
}

Question is_well(const std::string& images, const image::Manifest& next, const std::string& user)
{
    return hook_question(images, next, user, next.health);
}

void fill(operation::Catalogue& catalogue, Carrier& carrier)
{
    catalogue.add("image.add", std::make_unique<AddImage>(carrier));
    catalogue.add_condition("image.trusted", trusted);
    catalogue.add_condition("image.may-follow", follows);
    catalogue.add_condition("image.same-build", same_build);
    catalogue.add_condition("image.hook", hook);
}

}  // namespace belay::upgrade
