#include "site/remote/controller/file_stream.h"

#include "site/remote/status.h"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace belay::site {
namespace {

constexpr size_t piece_bytes = 1 << 20;

}  // namespace

FileStream::FileStream(const std::string& path, uint64_t offset)
    : file_(open(path.c_str(), O_RDONLY | O_CLOEXEC)), offset_(offset)
{
    if (file_)
        next();
    else
        Finish(to_status(system_error("open " + path, errno)));
}

void FileStream::OnWriteDone(bool ok)
{
    if (!ok) return Finish({grpc::CANCELLED, "the member reads no more"});
    next();
}

void FileStream::next()
{
    std::string& data = *piece_.mutable_data();
    data.resize(piece_bytes);
    const ssize_t got = pread(file_.number(), data.data(), data.size(), static_cast<off_t>(offset_));
    if (got < 0) return Finish(to_status(system_error("read a file for a member", errno)));
    if (got == 0) return Finish(grpc::Status::OK);
    data.resize(static_cast<size_t>(got));
    offset_ += data.size();
    StartWrite(&piece_);
}

}  // namespace belay::site
