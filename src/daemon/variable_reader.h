#pragma once
// Who asks SNMP agents, for alarms on their variables.

#include "framework/alarms/condition.h"
#include "framework/supervision/described.h"
#include "host/host.h"

namespace belay::daemon {

/// Threads: any.
class VariableReader {
  public:
    virtual ~VariableReader() = default;
    /// `account`: an object of the type snmp, its secrets sealed. Errors: unavailable and timeout (no
    /// answer), refused (the agent does not take the account, or has no such number); those of unsealing.
    virtual Result<int64_t> read(const framework::alarms::Variable& variable,
                                 const framework::configuration::Object& account) = 0;
};

/// By belayd-react: what an agent sends is read in another process, and belayd loads no library for SNMP.
class VariableErrands final : public VariableReader {
  public:
    struct Options {
        host::Host& host;
        std::string program;  ///< belayd-react
        framework::supervision::Unseal unseal;
    };
    explicit VariableErrands(Options options) : options_(std::move(options)) {}

    Result<int64_t> read(const framework::alarms::Variable& variable,
                         const framework::configuration::Object& account) override;

  private:
    Result<std::string> opened(const framework::configuration::Object& account, const char* attribute) const;

    const Options options_;
};

}  // namespace belay::daemon
