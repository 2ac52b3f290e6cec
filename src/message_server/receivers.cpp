#include "message_server/receivers.h"

#include "framework/messages/outputs/output_line.h"
#include "message_server/keeper.h"

namespace belay::message_server {
namespace {

class FileReceiver final : public Receiver {
  public:
    explicit FileReceiver(const framework::messages::OutputPlan& plan) : file_(plan) {}

    Taken take(std::span<const framework::messages::StoredMessage> messages) override
    {
        std::string lines;
        for (const auto& stored : messages) lines += framework::messages::output_line(stored.message);
        Taken taken;
        taken.count = file_.write(lines, wall_now(), taken.problem);
        return taken;
    }

  private:
    framework::messages::OutputFile file_;
};

struct Making {
    std::unique_ptr<Receiver> operator()(const framework::messages::OutputPlan& plan) const
    {
        return std::make_unique<FileReceiver>(plan);
    }
    std::unique_ptr<Receiver> operator()(const framework::messages::SyslogPlan& plan) const
    {
        return make_syslog_receiver(plan);
    }
    std::unique_ptr<Receiver> operator()(const framework::messages::OtlpPlan& plan) const
    {
        return make_otlp_receiver(plan);
    }
};

}  // namespace

std::unique_ptr<Receiver> make_receiver(const framework::messages::Output& output)
{
    return std::visit(Making(), output.to);
}

}  // namespace belay::message_server
