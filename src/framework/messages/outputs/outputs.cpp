#include "framework/messages/outputs/outputs.h"

#include "framework/messages/outputs/output_line.h"

#include <algorithm>
#include <set>

namespace belay::framework::messages {
namespace {

/// Bytes of lines that wait for one file.
constexpr size_t most_waiting = 8 << 20;
constexpr const char* too_slow = "the disk is too slow for them";

}  // namespace

struct Outputs::Output {
    explicit Output(OutputPlan plan) : file(plan), figures{.path = plan.path} {}

    OutputFile file;  ///< of the thread that writes
    std::string waiting = {};
    uint64_t unsaid = 0;  ///< missing, and not said in the file yet
    std::string why = {};
    OutputFigures figures;
};

Outputs::Outputs(std::vector<std::unique_ptr<Output>> outputs, std::string host)
    : outputs_(std::move(outputs)), host_(std::move(host)), writer_([this] { write_on(); })
{
}

Result<std::unique_ptr<Outputs>> Outputs::begin(const std::vector<OutputPlan>& plans, std::string host)
{
    std::set<std::string> paths;
    std::vector<std::unique_ptr<Output>> outputs;
    for (const OutputPlan& plan : plans) {
        TRY(check(plan));
        if (!paths.insert(plan.path).second)
            return fail(ErrorKind::usage, fmt::format("two outputs go to {}", plan.path),
                        "give all its levels to one of them");
        outputs.push_back(std::make_unique<Output>(plan));
    }
    return std::unique_ptr<Outputs>(new Outputs(std::move(outputs), std::move(host)));
}

Outputs::~Outputs()
{
    {
        const std::lock_guard lock(mutex_);
        is_over_ = true;
    }
    changed_.notify_all();
    writer_.join();
}

void Outputs::write(std::span<const Message> messages, Milliseconds now)
{
    const auto goes_to = [](const Output& output, Level level) {
        return std::ranges::find(output.file.plan().levels, level) != output.file.plan().levels.end();
    };
    bool is_any = false;
    for (const Message& message : messages) {
        std::string line;
        for (const auto& output : outputs_) {
            if (!goes_to(*output, message.level)) continue;
            if (line.empty()) line = output_line(message);
            const std::lock_guard lock(mutex_);
            now_ = now;
            is_any = true;
            if (output->waiting.size() + line.size() <= most_waiting) {
                output->waiting += line;
                continue;
            }
            ++output->unsaid;
            ++output->figures.missing;
            output->why = output->figures.problem = too_slow;
        }
    }
    if (is_any) changed_.notify_all();
}

void Outputs::write_on()
{
    std::unique_lock lock(mutex_);
    const auto has_work = [this] {
        return std::ranges::any_of(outputs_, [](const auto& output) { return !output->waiting.empty(); });
    };
    for (;;) {
        changed_.wait(lock, [&] { return is_over_ || has_work(); });
        if (!has_work()) return;
        is_writing_ = true;
        for (const auto& output : outputs_) {
            if (output->waiting.empty()) continue;
            const std::string lines = std::exchange(output->waiting, {});
            const uint64_t missing = output->unsaid;
            const Milliseconds now = now_;
            lock.unlock();
            write_out(*output, lines, missing, now);
            lock.lock();
        }
        is_writing_ = false;
        changed_.notify_all();
    }
}

void Outputs::write_out(Output& output, const std::string& lines, uint64_t missing, Milliseconds now)
{
    std::optional<Error> problem;
    bool is_said = false;
    if (missing > 0) {
        std::string why;
        {
            const std::lock_guard lock(mutex_);
            why = output.why;
        }
        const std::string gap =
            output_line({.level = Level::standard,
                         .at = now,
                         .host = host_,
                         .text = fmt::format("{} messages are missing here: {}", missing, why)});
        is_said = output.file.write(gap, now, problem) == 1;
    }
    const auto all = static_cast<uint64_t>(std::ranges::count(lines, '\n'));
    const uint64_t written = problem ? 0 : output.file.write(lines, now, problem);
    const std::lock_guard lock(mutex_);
    if (is_said) output.unsaid -= missing;
    output.figures.written += written;
    output.figures.missing += all - written;
    output.unsaid += all - written;
    output.figures.problem.clear();
    if (problem) output.why = output.figures.problem = problem->what;
}

std::vector<OutputFigures> Outputs::figures() const
{
    const std::lock_guard lock(mutex_);
    std::vector<OutputFigures> all;
    for (const auto& output : outputs_) all.push_back(output->figures);
    return all;
}

bool Outputs::settle(Milliseconds limit) const
{
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, limit, [this] {
        return !is_writing_ &&
               std::ranges::all_of(outputs_, [](const auto& output) { return output->waiting.empty(); });
    });
}

}  // namespace belay::framework::messages
