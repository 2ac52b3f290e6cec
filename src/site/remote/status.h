#pragma once
// Our errors as gRPC carries them: the status code and message for any client, and the whole of it, as
// belay.v1.Error, in the status details for those who read them.

#include "base/result.h"

#include <belay/v1/error.pb.h>
#include <grpcpp/support/status.h>
#include <string>
#include <vector>

namespace belay::site {

v1::Error to_message(const Error& error);
/// A kind that this version does not know becomes `failed`.
Error from_message(const v1::Error& message);

grpc::Status to_status(const Error& error);

/// The answer of a controller that does not lead. `leader`: where the one that does listens; may be empty.
grpc::Status stands_by(const std::vector<std::string>& leader);

/// What a call brought back, which is not OK. `doing` is for errors of gRPC itself: "talk to the controller
/// 10.0.0.1:4880".
Error error_of(const grpc::Status& status, std::string_view doing);
/// Whether what answered could not prove that it is of the site.
bool is_stranger(const grpc::Status& status);
/// Whether the connection was there, and ended without an answer: what was asked for may have been done.
bool is_lost(const grpc::Status& status);
/// Whether it is the answer of a controller that does not lead.
bool is_stand_by(const grpc::Status& status);
/// The addresses in it, empty where it names none.
std::vector<std::string> leader_in(const grpc::Status& status);

}  // namespace belay::site
