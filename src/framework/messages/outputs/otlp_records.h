#pragma once
// Messages as OpenTelemetry has them: an ExportLogsServiceRequest in JSON, to be posted to /v1/logs.
//
// Source: opentelemetry-proto 1.x, collector/logs/v1 and logs/v1; its JSON is that of protobuf, but that
// numbers of enumerations are numbers. Names of attributes are its semantic conventions where there are any
// (host.name, service.name), and begin with "belay." where there are not.

#include "framework/messages/message.h"

#include <span>

namespace belay::framework::messages {

/// A resource for each application of each host, with its messages in their order.
Json otlp_request(std::span<const StoredMessage> messages);

}  // namespace belay::framework::messages
