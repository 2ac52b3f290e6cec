#include "protocol.h"

#include "base/invariant.h"

#include <fmt/format.h>

namespace belay::lab {

namespace {

constexpr size_t head_size = 9;

void append_number(std::string& bytes, uint32_t number)
{
    for (unsigned shift = 0; shift < 32; shift += 8)
        bytes.push_back(static_cast<char>((number >> shift) & 0xffU));
}

uint32_t number_at(std::string_view bytes, size_t offset)
{
    uint32_t number = 0;
    for (unsigned i = 0; i < 4; ++i)
        number |= uint32_t{static_cast<unsigned char>(bytes[offset + i])} << (8 * i);
    return number;
}

}  // namespace

std::string encode(const Frame& frame)
{
    INVARIANT(frame.payload.size() <= frame_limit);
    std::string bytes;
    bytes.reserve(head_size + frame.payload.size());
    append_number(bytes, static_cast<uint32_t>(frame.payload.size()));
    bytes.push_back(static_cast<char>(frame.type));
    append_number(bytes, frame.command);
    bytes += frame.payload;
    return bytes;
}

Result<std::optional<Frame>> Decoder::next()
{
    if (bytes_.size() < head_size) return std::nullopt;
    const size_t size = number_at(bytes_, 0);
    const auto type = static_cast<unsigned char>(bytes_[4]);
    if (size > frame_limit || type > static_cast<unsigned char>(FrameType::not_started))
        return fail(ErrorKind::corrupt,
                    fmt::format("a frame of type {} and {} bytes on the line", type, size));
    if (bytes_.size() < head_size + size) return std::nullopt;
    Frame frame{static_cast<FrameType>(type), number_at(bytes_, 5), bytes_.substr(head_size, size)};
    bytes_.erase(0, head_size + size);
    return frame;
}

std::string join(const std::vector<std::string>& fields)
{
    std::string joined;
    for (const std::string& field : fields) {
        joined += field;
        joined.push_back('\0');
    }
    return joined;
}

std::vector<std::string> split(std::string_view fields)
{
    std::vector<std::string> parts;
    while (!fields.empty()) {
        const size_t end = fields.find('\0');
        parts.emplace_back(fields.substr(0, end));
        fields.remove_prefix(end == std::string_view::npos ? fields.size() : end + 1);
    }
    return parts;
}

}  // namespace belay::lab
