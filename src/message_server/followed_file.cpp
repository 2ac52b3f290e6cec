#include "message_server/followed_file.h"

#include "message_server/time_text.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

namespace belay::message_server {
namespace {

PrintedLine line_of(std::string_view line)
{
    const auto at = time_at_front(line);
    if (at) line.remove_prefix(std::min(line.size(), time_text_bytes + 1));
    return {.at = at, .text = std::string(line)};
}

}  // namespace

FollowedFile::FollowedFile(std::string path, const std::optional<std::string>& position)
    : path_(std::move(path))
{
    Identity identity;
    uint64_t offset = 0;
    std::istringstream words(position.value_or(""));
    if (words >> identity.inode >> identity.born >> offset) {
        wanted_ = identity;
        offset_ = offset;
    } else {
        go_to_end();
    }
}

std::string FollowedFile::name_of(unsigned segment) const
{
    return segment == 0 ? path_ : fmt::format("{}.{}", path_, segment);
}

std::optional<FollowedFile::Segment> FollowedFile::open_segment(const std::string& path)
{
    Segment segment{
        .file = host::Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW)),
        .identity = {}};
    struct statx status{};
    const bool is_file =
        segment.file &&
        statx(segment.file.number(), "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME | STATX_TYPE, &status) == 0 &&
        S_ISREG(status.stx_mode);
    if (!is_file) return std::nullopt;
    segment.identity.inode = status.stx_ino;
    if ((status.stx_mask & STATX_BTIME) != 0)
        segment.identity.born =
            static_cast<uint64_t>(status.stx_btime.tv_sec) * 1'000'000'000 + status.stx_btime.tv_nsec;
    return segment;
}

void FollowedFile::go_to_end()
{
    wanted_ = Identity{};
    open_ = open_segment(path_);
    if (open_) wanted_.reset();
    struct stat status{};
    if (open_ && fstat(open_->file.number(), &status) == 0) offset_ = static_cast<uint64_t>(status.st_size);
}

/// The segment of the position, whatever it is called now. False: there is none any more.
bool FollowedFile::open_at_position()
{
    if (*wanted_ == Identity{}) return false;
    for (unsigned number = 0; number <= most_segments; ++number) {
        auto segment = open_segment(name_of(number));
        if (!segment || segment->identity != *wanted_) continue;
        open_ = std::move(segment);
        return true;
    }
    return false;
}

/// The segment after the one that is open. While names change there may be none of a number for an instant;
/// since each moves up, whoever looks from the newest on misses none. `lost`: there may have been others
/// between.
std::optional<FollowedFile::Segment> FollowedFile::find_next(bool& lost) const
{
    const std::optional<Identity> current = open_ ? std::optional(open_->identity) : wanted_;
    std::optional<Segment> newer;
    for (unsigned number = 0; number <= most_segments; ++number) {
        auto segment = open_segment(name_of(number));
        if (!segment) continue;
        if (current && segment->identity == *current) return newer;
        newer = std::move(segment);
    }
    // The one that we know is gone: what is left begins with the oldest.
    if (newer && current && *current != Identity{}) lost = true;
    return newer;
}

void FollowedFile::go_on_with(Segment segment)
{
    open_ = std::move(segment);
    wanted_.reset();
    offset_ = 0;
}

std::string FollowedFile::position() const
{
    const Identity identity = open_ ? open_->identity : wanted_.value_or(Identity{});
    return fmt::format("{} {} {}", identity.inode, identity.born, offset_);
}

Result<std::string> FollowedFile::bytes_at_offset(size_t most) const
{
    std::string bytes(most, '\0');
    while (true) {
        const ssize_t count =
            pread(open_->file.number(), bytes.data(), bytes.size(), static_cast<off_t>(offset_));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return std::unexpected(system_error("read " + path_, errno));
        bytes.resize(static_cast<size_t>(count));
        return bytes;
    }
}

bool FollowedFile::was_cut_short() const
{
    struct stat status{};
    return fstat(open_->file.number(), &status) == 0 && static_cast<uint64_t>(status.st_size) < offset_;
}

Result<Piece> FollowedFile::read(size_t most)
{
    Piece piece;
    if (!open_ && wanted_ && open_at_position()) wanted_.reset();
    if (!open_) {
        auto first = find_next(piece.lost);
        if (!first) return piece;
        go_on_with(std::move(*first));
    }
    while (piece.position.empty()) {
        const std::string got = TRY(bytes_at_offset(most));
        const size_t end = got.rfind('\n');
        size_t length = end == std::string::npos ? 0 : end + 1;
        if (length == 0 && got.size() == most) length = most;
        if (length == 0) {
            auto next = find_next(piece.lost);
            // Something may have been added to this one just before there was another.
            const std::string again = next ? TRY(bytes_at_offset(most)) : got;
            if (again.size() != got.size()) continue;
            if (!next && was_cut_short()) {
                piece.lost = true;
                offset_ = 0;
                continue;
            }
            // What has no end there never gets one.
            if (next && !got.empty()) piece.lines.push_back(line_of(got));
            if (next) {
                go_on_with(std::move(*next));
                continue;
            }
            if (!piece.lines.empty() || piece.lost) piece.position = position();
            return piece;
        }
        for (std::string_view rest = std::string_view(got).substr(0, length); !rest.empty();) {
            const size_t border = std::min(rest.find('\n'), rest.size());
            if (border > 0) piece.lines.push_back(line_of(rest.substr(0, border)));
            rest.remove_prefix(std::min(border + 1, rest.size()));
        }
        offset_ += length;
        piece.position = position();
    }
    return piece;
}

}  // namespace belay::message_server
