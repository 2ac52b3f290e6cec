#include "site/media/streams.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/uio.h>
#include <unistd.h>

namespace belay::media {
namespace {

class FileStream final : public Stream {
  public:
    FileStream(StoredFile file, uint64_t offset, uint64_t length)
        : file_(std::move(file)), offset_(offset), length_(length)
    {
    }

    Result<std::optional<size_t>> take(uint64_t position, std::span<char> room) override
    {
        if (position >= length_) return std::optional<size_t>();
        const size_t most = static_cast<size_t>(std::min<uint64_t>(room.size(), length_ - position));
        const iovec into{.iov_base = room.data(), .iov_len = most};
        // What was brought and has gone again already is read in any case.
        const int flags = position < brought_ ? 0 : RWF_NOWAIT;
        for (;;) {
            const ssize_t count =
                ::preadv2(file_.file.number(), &into, 1, static_cast<off_t>(offset_ + position), flags);
            if (count > 0) return std::optional(static_cast<size_t>(count));
            if (count == 0) return fail(ErrorKind::corrupt, "the file has become shorter");
            if (errno == EINTR) continue;
            if (errno == EAGAIN || errno == EOPNOTSUPP) return std::optional<size_t>(0);
            return std::unexpected(system_error("read a file", errno));
        }
    }

    Result<void> prepare(uint64_t position) override
    {
        constexpr uint64_t at_once = 1 << 20;
        thread_local std::string scratch(at_once, '\0');
        const size_t most = static_cast<size_t>(std::min(at_once, length_ - position));
        const ssize_t count =
            ::pread(file_.file.number(), scratch.data(), most, static_cast<off_t>(offset_ + position));
        if (count < 0 && errno != EINTR) return std::unexpected(system_error("read a file", errno));
        brought_ = position + static_cast<uint64_t>(std::max<ssize_t>(count, 1));
        return {};
    }

  private:
    const StoredFile file_;
    const uint64_t offset_, length_;
    uint64_t brought_ = 0;
};

class ListStream final : public Stream {
  public:
    ListStream(RepositoryFolder repository, Kind kind, bool with_sizes)
        : repository_(std::move(repository)), kind_(kind), with_sizes_(with_sizes)
    {
    }

    Result<std::optional<size_t>> take(uint64_t, std::span<char> room) override
    {
        if (taken_ == text_.size()) {
            if (is_whole_) return std::optional<size_t>();
            return std::optional<size_t>(0);
        }
        const size_t count = text_.copy(room.data(), room.size(), taken_);
        taken_ += count;
        return std::optional(count);
    }

    Result<void> prepare(uint64_t) override
    {
        text_.clear();
        taken_ = 0;
        if (part_ == 0) text_ = "[";
        while (text_.size() < enough && part_ < RepositoryFolder::parts_of(kind_)) {
            TRY(repository_.list(kind_, part_++, [this](std::string_view name, uint64_t size) {
                if (!std::exchange(is_first_, false)) text_ += ',';
                text_ += listed_as_json(name, size, with_sizes_);
            }));
        }
        is_whole_ = part_ == RepositoryFolder::parts_of(kind_);
        if (is_whole_) text_ += "]";
        return {};
    }

  private:
    static constexpr size_t enough = 64 << 10;

    const RepositoryFolder repository_;
    const Kind kind_;
    const bool with_sizes_;
    std::string text_;
    size_t taken_ = 0, part_ = 0;
    bool is_first_ = true, is_whole_ = false;
};

}  // namespace

std::unique_ptr<Stream> stream_of(StoredFile file, uint64_t offset, uint64_t length)
{
    return std::make_unique<FileStream>(std::move(file), offset, length);
}

std::string listed_as_json(std::string_view name, uint64_t size, bool with_sizes)
{
    // Names are 64 digits: nothing in them wants an escape.
    return with_sizes ? fmt::format(R"({{"name":"{}","size":{}}})", name, size)
                      : fmt::format(R"("{}")", name);
}

std::unique_ptr<Stream> list_of(RepositoryFolder repository, Kind kind, bool with_sizes)
{
    return std::make_unique<ListStream>(std::move(repository), kind, with_sizes);
}

}  // namespace belay::media
