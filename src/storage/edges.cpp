#include "storage/edges.h"

#include "base/json.h"
#include "host/encoding.h"

namespace belay::storage {
namespace {

Json packed_bytes(const std::string& bytes)
{
    if (bytes.find_first_not_of('\0') == std::string::npos) return {{"zeros", bytes.size()}};
    return {{"bytes", host::encode_bytes(bytes)}};
}

Result<std::string> unpacked_bytes(const Json& json, const char* name)
{
    const Json part = json.value(name, Json::object());
    if (part.contains("zeros") && part["zeros"] == edge.count) return std::string(edge.count, '\0');
    if (part.contains("bytes")) return host::decode_bytes(part["bytes"]);
    return fail(ErrorKind::corrupt, fmt::format("the journal does not hold the {} of a disk", name));
}

}  // namespace

Result<Edges> read_edges(host::Host& host, const std::string& disk, Bytes size)
{
    Edges edges;
    edges.head = TRY(host.read_at(disk, {0}, edge));
    edges.tail = TRY(host.read_at(disk, {size.count - edge.count}, edge));
    return edges;
}

Result<void> write_edges(host::Host& host, const std::string& disk, Bytes size, const Edges& edges)
{
    TRY(host.write_at(disk, {0}, edges.head));
    TRY(host.write_at(disk, {size.count - edge.count}, edges.tail));
    return {};
}

std::string edges_hint(const std::string& disk)
{
    return fmt::format(
        "dd if=/dev/zero of={} bs=64K count=1   # and the last 64 KiB; Belay puts back the bytes that it "
        "found",
        disk);
}

Json packed(const Edges& edges)
{
    return {{"head", packed_bytes(edges.head)}, {"tail", packed_bytes(edges.tail)}};
}

Result<Edges> unpacked_edges(const Json& json)
{
    Edges edges;
    edges.head = TRY(unpacked_bytes(json, "head"));
    edges.tail = TRY(unpacked_bytes(json, "tail"));
    return edges;
}

}  // namespace belay::storage
