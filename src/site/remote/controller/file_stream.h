#pragma once
// A file on its way to a member.

#include "host/descriptor.h"

#include <belay/v1/membership.grpc.pb.h>
#include <string>

namespace belay::site {

/// Threads: those of gRPC. Goes by itself when it is done.
class FileStream final : public grpc::ServerWriteReactor<v1::FetchPiece> {
  public:
    /// For one who gets none: ends at once.
    explicit FileStream(const grpc::Status& status) { Finish(status); }
    FileStream(const std::string& path, uint64_t offset);

    void OnWriteDone(bool ok) override;
    void OnDone() override { delete this; }

  private:
    void next();

    host::Descriptor file_;
    uint64_t offset_ = 0;
    v1::FetchPiece piece_;
};

}  // namespace belay::site
