#include "cli/image_commands.h"

#include "cli/environment.h"
#include "cli/exit_code.h"
#include "cli/image_progress.h"
#include "cli/image_text.h"
#include "host/real.h"
#include "upgrade/image/expansion.h"
#include "upgrade/image/library.h"

#include <charconv>
#include <filesystem>

namespace belay::cli {

namespace image = upgrade::image;

namespace {

constexpr int of_signal = 128;

/// One run of such a command.
class ImageCommand {
  public:
    ImageCommand(const Invocation& asked, Console& console, const Style& style)
        : asked_(asked), console_(console), style_(style), host_(host::real_host())
    {
        library_ = absolute(asked.root.empty() ? image::default_library : asked.root);
        keys_ = asked.keys.empty() ? image::default_keys : asked.keys;
    }

    Result<int> build_image();
    Result<int> make_key();
    Result<int> sign();
    Result<int> verify_image();
    Result<int> show();
    Result<int> list();
    Result<int> expand_image();
    Result<int> remove();

  private:
    static std::string absolute(const std::string& path)
    {
        std::error_code ignored;
        return std::filesystem::absolute(path, ignored).lexically_normal().string();
    }

    Result<std::vector<image::PublicKey>> trusted() const;
    Result<image::Version> asked_version() const { return image::parse_version(asked_.name); }
    void say(const Json& json, const std::string& text)
    {
        console_.out(asked_.json ? json_text(json) + '\n' : text);
    }
    /// Does something long. A signal ends it and is the exit code.
    Result<int> at_work(const std::string& doing,
                        const std::function<Result<void>(const image::Progress&)>& act)
    {
        ImageProgress progress(console_, style_, doing, !asked_.json);
        const Result<void> done = act(progress.callback());
        if (!done && progress.signal()) return of_signal + *progress.signal();
        TRY(done);
        return 0;
    }

    const Invocation& asked_;
    Console& console_;
    const Style& style_;
    std::unique_ptr<host::Host> host_;
    std::string library_, keys_;
};

Result<std::vector<image::PublicKey>> ImageCommand::trusted() const
{
    Result<std::vector<image::PublicKey>> keys = image::read_public_keys(keys_);
    if (!keys && keys.error().kind == ErrorKind::not_found && asked_.keys.empty())
        return fail(ErrorKind::refused, fmt::format("no key is trusted on this host: there is no {}", keys_),
                    fmt::format("put public keys there as *.pem, or name a folder of them by --keys"));
    return keys;
}

/// SOURCE_DATE_EPOCH, where it is set. image::Source: reproducible-builds.org/specs/source-date-epoch.
Result<std::optional<int64_t>> time_from_environment()
{
    const std::string said = environment("SOURCE_DATE_EPOCH");
    if (said.empty()) return std::nullopt;
    int64_t seconds = -1;
    const auto [end, problem] = std::from_chars(said.data(), said.data() + said.size(), seconds);
    if (problem != std::errc() || end != said.data() + said.size() || seconds < 0)
        return fail(ErrorKind::usage,
                    fmt::format("SOURCE_DATE_EPOCH is \"{}\"; it must be seconds since 1970", said));
    return seconds;
}

Result<int> ImageCommand::build_image()
{
    const image::Source source = TRY(image::read_source(asked_.target));
    image::BuildOrder order{.manifest = source.manifest, .root = source.root, .output = {}};
    order.output = asked_.file.empty() ? image::file_name(source.manifest) : asked_.file;
    order.mtime = TRY(time_from_environment());
    if (!asked_.key.empty()) order.key = TRY(image::read_private_key(asked_.key));
    if (asked_.dry_run) {
        const image::Listing listing = TRY(image::look_at_source(source.manifest, source.root));
        Json json = {
            {"image", image_json(source.manifest)}, {"file", order.output}, {"files", entries_json(listing)}};
        json["image"]["size"] = listing.room().count;
        say(json, image_text(style_, source.manifest) + entries_text(style_, listing) +
                      fmt::format("would be {}; nothing was written\n", clean(style_, order.output)));
        return 0;
    }
    image::Manifest manifest;
    const int code = TRY(at_work("packing", [&](const image::Progress& progress) -> Result<void> {
        manifest = TRY(image::build(order, progress));
        return {};
    }));
    if (code != 0) return code;
    const bool is_signed = !order.key.empty();
    std::string text = fmt::format("{} is {}, {}, {}\n", clean(style_, order.output), manifest.to_text(),
                                   to_text(manifest.body_size), is_signed ? "signed" : "not signed");
    if (!is_signed)
        text += fmt::format("  next: belay image sign {} --key KEY.pem\n", clean(style_, order.output));
    say({{"image", image_json(manifest)}, {"file", order.output}, {"signed", is_signed}}, text);
    return 0;
}

Result<int> ImageCommand::make_key()
{
    const std::string public_key = TRY(image::write_key_pair(asked_.target));
    say({{"private_key", asked_.target}, {"public_key", public_key}},
        fmt::format("{} signs; keep it, and show it to nobody\n{} goes to {} on every host that is to take "
                    "what it signed\n",
                    clean(style_, asked_.target), clean(style_, public_key), image::default_keys));
    return 0;
}

Result<int> ImageCommand::sign()
{
    const std::string key = TRY(image::read_private_key(asked_.key));
    const int code = TRY(at_work("signing", [&](const image::Progress& progress) {
        return image::sign_image(asked_.target, key, progress);
    }));
    if (code != 0) return code;
    say({{"file", asked_.target}, {"signed", true}},
        fmt::format("{} is signed\n", clean(style_, asked_.target)));
    return 0;
}

Result<int> ImageCommand::verify_image()
{
    const std::vector<image::PublicKey> keys = TRY(trusted());
    image::Verified verified;
    const int code = TRY(at_work("verifying", [&](const image::Progress& progress) -> Result<void> {
        if (asked_.name.empty())
            verified = TRY(image::verify(asked_.target, keys, progress));
        else
            verified =
                TRY(image::verify_installed(library_, asked_.target, TRY(asked_version()), keys, progress));
        return {};
    }));
    if (code != 0) return code;
    say({{"image", image_json(verified.manifest)}, {"signer", verified.signer}},
        fmt::format("{} is whole and as it was built, {}\n", verified.manifest.to_text(),
                    signer_text(style_, verified.signer, true)));
    return 0;
}

Result<int> ImageCommand::show()
{
    const image::ImageFile opened = TRY(image::ImageFile::open(asked_.target));
    std::string signer;
    // To look at an image needs no trust; who is trusted is said where it is known.
    if (const auto keys = image::read_public_keys(keys_)) signer = opened.signer(*keys).value_or("");
    say({{"image", image_json(opened.manifest())},
         {"signed", opened.is_signed()},
         {"signer", signer.empty() ? Json() : Json(signer)},
         {"files", entries_json(opened.listing())}},
        image_text(style_, opened.manifest()) + "  " + signer_text(style_, signer, opened.is_signed()) +
            '\n' + entries_text(style_, opened.listing()));
    return 0;
}

Result<int> ImageCommand::list()
{
    std::vector<Error> problems;
    const std::vector<image::Installed> installed = TRY(image::list_installed(*host_, library_, &problems));
    std::vector<std::pair<std::string, image::Version>> versions;
    std::map<std::pair<std::string, std::string>, Bytes> sizes;
    for (const image::Installed& each : installed) {
        versions.emplace_back(each.manifest.name, each.manifest.version);
        sizes[{each.manifest.name, each.manifest.version.text}] = each.manifest.size;
    }
    std::vector<ImageLine> lines;
    for (const image::SummaryLine& line :
         image::summary(versions, TRY(image::read_packages(*host_, library_))))
        lines.push_back({line, sizes[{line.name, line.version.text}]});
    const std::vector<std::string> left = TRY(image::leftovers(library_));
    say(library_json(lines, problems, left), library_text(style_, lines, problems, left));
    return static_cast<int>(problems.empty() ? ExitCode::done : ExitCode::io);
}

Result<int> ImageCommand::expand_image()
{
    const std::vector<image::PublicKey> keys = TRY(trusted());
    TRY(image::remove_leftovers(library_));
    image::Expanded expanded;
    const int code = TRY(at_work("expanding", [&](const image::Progress& progress) -> Result<void> {
        expanded = TRY(image::expand(asked_.target, keys, library_, progress));
        return {};
    }));
    if (code != 0) return code;
    say({{"image", image_json(expanded.image.manifest)},
         {"signer", expanded.image.signer},
         {"folder", expanded.folder},
         {"was_there", expanded.was_there}},
        fmt::format("{} {} in {}\n", expanded.image.manifest.to_text(),
                    expanded.was_there ? "was there already" : "is", clean(style_, expanded.folder)));
    return 0;
}

Result<int> ImageCommand::remove()
{
    const image::Version version = TRY(asked_version());
    TRY(image::remove_installed(*host_, library_, asked_.target, version));
    TRY(image::remove_leftovers(library_));
    say({{"name", asked_.target}, {"version", version.text}},
        fmt::format("{} {} is not installed any more\n", clean(style_, asked_.target), version.text));
    return 0;
}

}  // namespace

bool is_of_images(Command command)
{
    return command >= Command::image_build && command <= Command::image_remove;
}

Result<int> image_command(const Invocation& asked, Console& console, const Style& style)
{
    ImageCommand command(asked, console, style);
    switch (asked.command) {
        case Command::image_build:
            return command.build_image();
        case Command::image_key:
            return command.make_key();
        case Command::image_sign:
            return command.sign();
        case Command::image_verify:
            return command.verify_image();
        case Command::image_show:
            return command.show();
        case Command::image_list:
            return command.list();
        case Command::image_expand:
            return command.expand_image();
        case Command::image_remove:
            return command.remove();
        default:
            return fail(ErrorKind::usage, "this is no command of images");
    }
}

}  // namespace belay::cli
