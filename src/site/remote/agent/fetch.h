#pragma once
// How a member gets a file that the controller has for it.

#include "base/result.h"

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

namespace grpc {
class Channel;
}

namespace belay::site {

/// Gives the bytes from `offset` on to `take`, in order, until it says an error or the file ends. Waits for
/// the controller until it is told to stop. What came is not checked against the digest. Errors: not_found,
/// unavailable, those of `take`. Threads: any.
Result<void> fetch_file(const std::shared_ptr<grpc::Channel>& channel, const std::string& sha256,
                        uint64_t offset, const std::function<Result<void>(std::string_view)>& take,
                        const std::stop_token& stop);

}  // namespace belay::site
