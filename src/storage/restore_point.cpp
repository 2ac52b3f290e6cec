#include "storage/restore_point.h"

#include "base/digest.h"
#include "base/json.h"

namespace belay::storage::restore_point {
namespace {

using host::Command;
using host::Effect;
using host::Host;
using operation::Inspection;
using PointJson = operation::Json;

constexpr Bytes most_of_a_piece{32 << 20};  // a LUKS2 header is 16 MiB
constexpr std::string_view way_names[] = {"raw", "output", "written"};

std::string manifest_in(const PointJson& arguments)
{
    return arguments.at("folder").get<std::string>() + "/manifest.json";
}

std::string file_in(const PointJson& arguments, const PointJson& piece)
{
    return fmt::format("{}/{}", arguments.at("folder").get<std::string>(),
                       piece.at("file").get<std::string>());
}

Command mkdir_command(const std::string& folder)
{
    return {.argv = {"mkdir", "--parents", "--mode=700", folder}, .effect = Effect::changes};
}

Command remove_command(const std::string& folder)
{
    return {.argv = {"rm", "--recursive", "--force", "--one-file-system", folder}, .effect = Effect::changes};
}

/// Nothing where there is none. Errors: corrupt; those of the host.
Result<std::optional<PointJson>> read_manifest(Host& host, const PointJson& arguments)
{
    const Result<std::string> text = host.read(manifest_in(arguments), most_of_a_piece);
    if (!text && text.error().kind == ErrorKind::not_found) return std::optional<PointJson>();
    if (!text) return std::unexpected(text.error());
    return std::optional<PointJson>(TRY(parse_json(*text)));
}

/// What a piece is now, for its file.
Result<std::string> take(Host& host, const PointJson& arguments, const PointJson& piece)
{
    const std::string way = piece.at("way");
    const std::string file = file_in(arguments, piece);
    if (way == name_of(Way::raw))
        return host.read_at(piece.at("device").get<std::string>(), Bytes{piece.at("offset").get<uint64_t>()},
                            Bytes{piece.at("length").get<uint64_t>()});
    Command command{.argv = piece.at("argv").get<std::vector<std::string>>()};
    if (way == name_of(Way::output)) return TRY(host::run_checked(host, command)).out;
    command.effect = Effect::changes;
    TRY(host.remove(file));  // what a power cut left: a tool may refuse to write over it
    TRY(host::run_checked(host, command));
    return host.read(file, most_of_a_piece);
}

/// A device that others hold open may be cached as it was before the kernel itself wrote to it.
Result<void> forget_cached(Host& host, const PointJson& arguments)
{
    std::vector<std::string> argv = {"blockdev", "--flushbufs"};
    for (const PointJson& piece : arguments.at("pieces")) {
        const std::string device = piece.at("device");
        const bool wanted = piece.at("way") == name_of(Way::raw) && !piece.at("may_fail").get<bool>();
        if (wanted && std::ranges::find(argv, device) == argv.end()) argv.push_back(device);
    }
    if (argv.size() > 2) TRY(host::run_checked(host, {.argv = argv}));
    return {};
}

class Keep final : public operation::Action {
  public:
    /// Whole: a manifest, and each file is what it says.
    Result<Inspection> inspect(Host& host, const PointJson& arguments) const override
    {
        using Found = Inspection::Found;
        const std::optional<PointJson> manifest = TRY(read_manifest(host, arguments));
        if (!manifest) return Inspection{Found::absent, "no manifest"};
        size_t count = 0;
        for (const PointJson& piece : manifest->at("pieces")) {
            if (piece.contains("missing")) continue;
            const Result<std::string> bytes = host.read(file_in(arguments, piece), most_of_a_piece);
            if (!bytes && bytes.error().kind != ErrorKind::not_found) return std::unexpected(bytes.error());
            if (!bytes || sha256(*bytes) != piece.at("sha256").get<std::string>())
                return Inspection{Found::partial, fmt::format("{} is not as it was taken",
                                                              piece.at("file").get<std::string>())};
            ++count;
        }
        return Inspection{Found::done, fmt::format("{} pieces, {} in {}", count,
                                                   to_text(Bytes{manifest->at("bytes").get<uint64_t>()}),
                                                   arguments.at("folder").get<std::string>())};
    }

    Result<void> apply(Host& host, const PointJson& arguments) const override
    {
        TRY(host::run_checked(host, mkdir_command(arguments.at("folder"))));
        TRY(host.remove(manifest_in(arguments)));
        TRY(forget_cached(host, arguments));
        PointJson pieces = PointJson::array();
        uint64_t total = 0;
        for (const PointJson& piece : arguments.at("pieces")) {
            PointJson said = {{"file", piece.at("file")},
                              {"what", piece.at("what")},
                              {"device", piece.at("device")},
                              {"serial", piece.at("serial")},
                              {"put_back", piece.at("put_back")}};
            if (piece.at("way") != name_of(Way::written) && piece.at("length") != 0) {
                said["offset"] = piece.at("offset");
                said["length"] = piece.at("length");
            }
            const Result<std::string> bytes = take(host, arguments, piece);
            const bool may_fail = piece.at("may_fail").get<bool>();
            if (!bytes && (!may_fail || bytes.error().kind == ErrorKind::dead))
                return std::unexpected(bytes.error());
            if (bytes) {
                TRY(host.replace(file_in(arguments, piece), *bytes));
                said["sha256"] = sha256(*bytes);
                said["bytes"] = bytes->size();
                total += bytes->size();
            } else {
                said["missing"] = bytes.error().what;
            }
            pieces.push_back(std::move(said));
        }
        const PointJson manifest = {{"version", 1}, {"pieces", std::move(pieces)}, {"bytes", total}};
        return host.replace(manifest_in(arguments), manifest.dump(1) + "\n");
    }

    Result<std::string> remains(Host& host, const PointJson& arguments, const PointJson&) const override
    {
        const std::string folder = arguments.at("folder");
        if (TRY(read_manifest(host, arguments))) return std::string();
        const Result<std::vector<std::string>> names = host.list(folder);
        if (!names && names.error().kind == ErrorKind::not_found) return std::string();
        if (!names) return std::unexpected(names.error());
        return "a restore point that was cut short in " + folder;
    }

    Result<void> revert(Host& host, const PointJson& arguments, const PointJson&) const override
    {
        TRY(host::run_checked(host, remove_command(arguments.at("folder"))));
        return {};
    }
};

PointJson json_of(const Piece& piece)
{
    return {{"file", piece.file},        {"what", piece.what},     {"way", name_of(piece.way)},
            {"device", piece.device},    {"serial", piece.serial}, {"offset", piece.offset},
            {"length", piece.length},    {"argv", piece.argv},     {"put_back", piece.put_back},
            {"may_fail", piece.may_fail}};
}

/// As a person would take it.
std::string command_of(const Piece& piece)
{
    const std::string path = path_of(piece);
    if (piece.way == Way::written) return Command{.argv = piece.argv}.to_text();
    if (piece.way == Way::output) return fmt::format("{} > {}", Command{.argv = piece.argv}.to_text(), path);
    return fmt::format("dd if={} bs=512 skip={} count={} > {}", piece.device, piece.offset / 512,
                       piece.length / 512, path);
}

}  // namespace

std::string_view name_of(Way way)
{
    return way_names[static_cast<size_t>(way)];
}

std::string path_of(const Piece& piece)
{
    return fmt::format("{}/{}", operation::own_folder, piece.file);
}

Bytes room_of(const std::vector<Piece>& pieces)
{
    constexpr uint64_t of_text = 64 << 10, of_manifest = 64 << 10;
    Bytes room{of_manifest};
    for (const Piece& piece : pieces) room.count += std::max(piece.length, of_text);
    return room;
}

operation::Act keep(const std::vector<Piece>& pieces)
{
    operation::Act act{.action = "restore-point.keep",
                       .arguments = {{"folder", operation::own_folder}, {"pieces", PointJson::array()}},
                       .commands = {mkdir_command(std::string(operation::own_folder)).to_text()}};
    for (const Piece& piece : pieces) {
        act.arguments["pieces"].push_back(json_of(piece));
        act.commands.push_back(command_of(piece));
    }
    act.commands.push_back(
        fmt::format("# what there is, and how it is put back: {}/manifest.json", operation::own_folder));
    act.undo_commands = {remove_command(std::string(operation::own_folder)).to_text()};
    return act;
}

void fill_restore_point(operation::Catalogue& catalogue)
{
    catalogue.add("restore-point.keep", std::make_unique<Keep>());
}

}  // namespace belay::storage::restore_point
