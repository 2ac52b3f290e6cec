#include "supervisor/vote_file.h"

#include "host/descriptor.h"

#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace belay::supervisor {

using framework::redundancy::Vote;

VoteFile::VoteFile(const std::string& path)
{
    const bool was_there = access(path.c_str(), F_OK) == 0;
    const host::Descriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!file || ftruncate(file.number(), sizeof(Vote)) != 0) return;
    void* const at = mmap(nullptr, sizeof(Vote), PROT_READ | PROT_WRITE, MAP_SHARED, file.number(), 0);
    if (at == MAP_FAILED) return;
    at_ = at;
    was_there_ = was_there;
}

VoteFile::~VoteFile()
{
    if (at_ != nullptr) munmap(at_, sizeof(Vote));
}

Vote VoteFile::vote_or(const Vote& first)
{
    if (!was_there_) {
        set(first);
        return first;
    }
    Vote vote;
    std::memcpy(static_cast<void*>(&vote), at_, sizeof vote);
    return vote;
}

void VoteFile::set(const Vote& vote)
{
    if (at_ != nullptr) std::memcpy(at_, &vote, sizeof vote);
}

}  // namespace belay::supervisor
