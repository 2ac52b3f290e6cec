#include "framework/configuration/handover.h"

#include "base/base64.h"
#include "base/digest.h"
#include "framework/configuration/packed_text.h"

#include <algorithm>

namespace belay::framework::configuration {
namespace {

constexpr Version most_version = Version{1} << 53;
constexpr size_t mark_digits = 16;
constexpr size_t digest_digits = 64;

bool is_hexadecimal(std::string_view text)
{
    return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::unexpected<Error> no_handover(std::string_view why)
{
    return fail(ErrorKind::usage, fmt::format("a configuration to be taken {}", why),
                "docs/protocol.md says what ConfigTake takes");
}

Result<Step> step_in(const Json& parameters)
{
    Step step;
    step.from = TRY(point_from(parameters.at("from")));
    step.to = TRY(point_from(parameters.at("to")));
    if (step.to.version <= step.from.version) return no_handover("leads from a version to no later one");
    step.delta = TRY(unpack(parameters.at("change")));
    return step;
}

Result<size_t> count_in(const Json& parameters, const char* name, size_t most)
{
    const Json& value = parameters.at(name);
    if (value.is_number_unsigned() && value.get<uint64_t>() <= most) return value.get<size_t>();
    return no_handover(fmt::format("has no {} of at most {}", name, most));
}

Result<Piece> piece_in(const Json& parameters)
{
    Piece piece;
    piece.to = TRY(point_from(parameters.at("to")));
    piece.number = TRY(count_in(parameters, "piece", most_pieces - 1));
    piece.of = TRY(count_in(parameters, "pieces", most_pieces));
    if (piece.number >= piece.of) return no_handover("has a piece beyond its last one");
    const Json& digest = parameters.at("digest");
    const Json& bytes = parameters.at("bytes");
    if (!digest.is_string() || !bytes.is_string()) return no_handover("has no digest, or no bytes");
    piece.digest = digest.get<std::string>();
    if (piece.digest.size() != digest_digits || !is_hexadecimal(piece.digest))
        return no_handover("has no digest of 64 digits");
    piece.bytes = TRY(from_base64(bytes.get_ref<const std::string&>()));
    if (piece.bytes.empty() || piece.bytes.size() > most_piece_bytes)
        return no_handover("has a piece that is empty, or of more than 1 MiB");
    return piece;
}

bool has_just(const Json& parameters, std::initializer_list<const char*> names)
{
    return parameters.size() == names.size() &&
           std::ranges::all_of(names, [&](const char* name) { return parameters.contains(name); });
}

}  // namespace

void to_json(Json& json, const Point& point)
{
    json = {{"version", point.version}, {"mark", point.mark}};
}

Result<Point> point_from(const Json& json)
{
    const auto refuse = [] {
        return fail(ErrorKind::corrupt, "what should be a version of the configuration makes no sense");
    };
    if (!json.is_object()) return refuse();
    const auto version = json.find("version");
    const auto mark = json.find("mark");
    if (version == json.end() || !version->is_number_integer() || mark == json.end() || !mark->is_string())
        return refuse();
    Point point{version->get<Version>(), mark->get<std::string>()};
    const size_t digits = point.version == 0 ? 0 : mark_digits;
    if (point.version < 0 || point.version > most_version || point.mark.size() != digits ||
        !is_hexadecimal(point.mark))
        return refuse();
    return point;
}

void to_json(Json& json, const Taken& taken)
{
    json = taken.at;
    json["fitted"] = taken.fitted;
}

Result<Taken> taken_from(const Json& json)
{
    Taken taken{.at = TRY(point_from(json))};
    const auto fitted = json.find("fitted");
    if (fitted == json.end() || !fitted->is_boolean())
        return fail(ErrorKind::corrupt, "what should be an answer to ConfigTake makes no sense");
    taken.fitted = fitted->get<bool>();
    return taken;
}

Point point_of(const HistoryEntry& entry)
{
    const Json known_by = {entry.version, entry.key, entry.author.at_ms, entry.takes_back};
    return {entry.version, sha256(json_text(known_by)).substr(0, mark_digits)};
}

Result<Whole> whole_of(const Configuration& configuration, Point at, size_t piece_bytes)
{
    const std::string packed = TRY(pack_text(json_text(to_json_list(difference({}, configuration)))));
    Whole whole{.at = std::move(at), .digest = sha256(packed), .pieces = {}};
    for (size_t begin = 0; begin < packed.size(); begin += piece_bytes)
        whole.pieces.push_back(packed.substr(begin, piece_bytes));
    if (whole.pieces.size() > most_pieces)
        return fail(
            ErrorKind::usage,
            fmt::format("the configuration has {} MiB when packed, and {} MiB is the most that members "
                        "can have a copy of",
                        packed.size() >> 20, (most_pieces * piece_bytes) >> 20));
    return whole;
}

Result<Configuration> configuration_in(const std::string& packed)
{
    const std::string text = TRY(unpack_text(packed, "a packed configuration"));
    Configuration configuration;
    apply(configuration, TRY(delta_from(TRY(parse_json(text)))));
    return configuration;
}

Result<Json> parameters_of(const Step& step)
{
    Json change = TRY(pack(step.delta));
    return Json{{"from", step.from}, {"to", step.to}, {"change", std::move(change)}};
}

Json parameters_of(const Whole& whole, size_t piece)
{
    return {{"to", whole.at},
            {"digest", whole.digest},
            {"piece", piece},
            {"pieces", whole.pieces.size()},
            {"bytes", to_base64(whole.pieces.at(piece))}};
}

Result<Handover> handover_from(const Json& parameters)
{
    if (!parameters.is_object()) return no_handover("is no object");
    if (parameters.empty()) return Handover();
    if (has_just(parameters, {"from", "to", "change"})) return Handover(TRY(step_in(parameters)));
    if (has_just(parameters, {"to", "digest", "piece", "pieces", "bytes"}))
        return Handover(TRY(piece_in(parameters)));
    return no_handover("is neither a step nor a piece");
}

}  // namespace belay::framework::configuration
