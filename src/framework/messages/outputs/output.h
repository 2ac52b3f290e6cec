#pragma once
// Where messages go besides the store of their host, as the configuration says it: a file, a receiver of
// syslog, a receiver of OTLP.

#include "framework/configuration/object.h"
#include "framework/messages/outputs/output_file.h"

#include <variant>

namespace belay::framework::messages {

/// Source: RFC 5424 (the line), RFC 6587 and RFC 5425 (over TCP and TLS).
struct SyslogPlan {
    std::string server = {};  ///< "HOST:PORT"
    bool tls = true;
    std::string ca = {};     ///< a file of certificates by which the server's is checked; empty: the system's
    unsigned facility = 16;  ///< 0..23; 16 is local0
};

/// Source: OpenTelemetry protocol 1.x, logs over HTTP as JSON.
struct OtlpPlan {
    std::string url = {};         ///< whole, as "https://collector:4318/v1/logs"
    std::string ca = {};          ///< as above
    std::string token_file = {};  ///< of this host: holds what the receiver knows us by; empty: nothing
};

struct Output {
    std::string name = {};
    std::vector<Level> levels = {};
    std::variant<OutputPlan, SyslogPlan, OtlpPlan> to = OutputPlan();
};

/// Of this host, by name. Threads: any.
std::vector<Output> outputs_of(const configuration::Configuration& configuration, std::string_view host);

/// How belayd tells it to belay-messages.
void to_json(Json& json, const Output& output);
/// Errors: usage.
Result<Output> read_output(const Json& json);

}  // namespace belay::framework::messages
