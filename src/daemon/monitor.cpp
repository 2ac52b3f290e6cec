#include "daemon/monitor.h"

#include <cstdio>
#include <sys/epoll.h>

namespace belay::daemon {
namespace {

constexpr Milliseconds command_limit = std::chrono::seconds(30);
constexpr Milliseconds look_again_after = std::chrono::seconds(60);

/// In one write, so that lines of several threads do not mix.
void log_line(const std::string& text)
{
    const std::string line = "belayd: " + text + '\n';
    std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace

void Monitor::start()
{
    if (watched_.file.empty() || stopping_) return;
    if (!file_) {
        Result<host::AwaitedFile> opened = host::AwaitedFile::open(watched_.file);
        if (!opened) return;
        file_.emplace(std::move(*opened));
        const auto watching = loop_.watch(file_->descriptor(), EPOLLPRI, [this](uint32_t) {
            file_->take();
            look();
        });
        if (!watching) {
            log_line(watching.error().what);
            file_.reset();
            return;
        }
        watching_ = true;
    }
    look();
}

void Monitor::try_again()
{
    if (watched_.file.empty() || watching_) return;
    loop_.post([this] {
        if (!file_) start();
    });
}

void Monitor::look()
{
    if (stopping_) return;
    if (looking_) {
        again_ = true;
        return;
    }
    const auto retry = [this] { loop_.at(site::boot_now() + look_again_after, [this] { look(); }); };
    looking_ = true;
    const auto begun = workers_.run([this, retry]() -> site::Loop::Callback {
        const Result<void> told = look_and_tell();
        if (!told) log_line(fmt::format("cannot watch the arrays: {}", told.error().what));
        return [this, retry, failed = !told.has_value()] {
            looking_ = false;
            if (failed && !stopping_) retry();
            if (std::exchange(again_, false)) look();
        };
    });
    if (begun) return;
    looking_ = false;
    retry();
}

Result<void> Monitor::look_and_tell()
{
    const Json now = TRY(watched_.look(host_));
    const host::Moment moment = TRY(host_.now());
    TRY(alarms_.take(watched_, now, moment.wall));
    return tell();
}

/// Of each alarm once, in their order; after a crash in between of one perhaps twice.
Result<void> Monitor::tell()
{
    const std::lock_guard lock(telling_);
    for (const RaisedAlarm& raised : TRY(alarms_.undelivered())) {
        log_line(fmt::format("alarm {}: {}, {}: {}", raised.number, raised.alarm.severity, raised.alarm.event,
                             raised.alarm.text));
        if (options_.raised) options_.raised();
        if (options_.told) options_.told(raised);
        if (!options_.command.empty()) tell_command(raised);
        TRY(alarms_.delivered(raised.number));
    }
    return {};
}

/// What it says or how it ends changes nothing: an alarm is kept whoever hears it.
void Monitor::tell_command(const RaisedAlarm& raised)
{
    const procedures::Alarm& alarm = raised.alarm;
    const Result<host::Outcome> ended = host::run_checked(
        host_, {.argv = {options_.command, alarm.event, alarm.device, alarm.member, alarm.text},
                .effect = host::Effect::changes,
                .limit = command_limit});
    if (!ended) log_line(fmt::format("alarm {}: {}", raised.number, ended.error().what));
}

Result<void> Monitor::test()
{
    const host::Moment moment = TRY(host_.now());
    TRY(alarms_.raise({"test", "note", "", "", "a test: nothing has happened"}, moment.wall));
    return tell();
}

}  // namespace belay::daemon
