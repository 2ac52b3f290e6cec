#include "iosxe/scp_sink.h"

#include "iosxe/failures.h"

#include <algorithm>
#include <charconv>

namespace belay::lab::iosxe {
namespace {

constexpr size_t longest_header = 1024;

}  // namespace

std::optional<std::string> scp_target(std::string_view command)
{
    std::vector<std::string> words;
    for (size_t at = 0; at < command.size();) {
        const size_t end = std::min(command.find(' ', at), command.size());
        if (end > at) words.emplace_back(command.substr(at, end - at));
        at = end + 1;
    }
    if (words.size() < 3 || words.front() != "scp") return std::nullopt;
    if (std::ranges::find(words, "-t") == words.end() || words.back().starts_with('-')) return std::nullopt;
    return words.back();
}

ScpSink::ScpSink(std::string_view target, Device& device) : device_(device)
{
    const size_t colon = target.find(':');
    const std::string_view flash = target.substr(0, colon == std::string_view::npos ? 0 : colon);
    name_ = target.substr(colon == std::string_view::npos ? 0 : colon + 1);
    while (name_.starts_with('/')) name_.erase(0, 1);
    if (!flash.empty() && flash != "flash" && flash != "bootflash")
        refuse(fmt::format("{}: no such device", target));
}

ScpSink::~ScpSink()
{
    if (!file_) return;
    File part = file_->finished(latest_);
    part.size = received_;
    part.version.clear();
    static_cast<void>(device_.put_file(name_, part));
}

void ScpSink::refuse(std::string_view why)
{
    output_ += fmt::format("\x02{}\n", why);
    failed_ = true;
}

void ScpSink::receive(std::string_view bytes, Time now)
{
    latest_ = now;
    while (!bytes.empty() && !failed_) {
        if (file_) {
            content(bytes, now);
            continue;
        }
        const size_t end = bytes.find('\n');
        line_ += bytes.substr(0, end);
        bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
        if (line_.size() > longest_header) return refuse("protocol error: a header without an end");
        if (end != std::string_view::npos) header(std::exchange(line_, {}), now);
    }
}

void ScpSink::header(const std::string& line, Time now)
{
    if (line.starts_with('T') || line.starts_with('E')) {
        output_ += '\0';
        return;
    }
    const size_t first = line.find(' ');
    const size_t second = first == std::string::npos ? first : line.find(' ', first + 1);
    if (!line.starts_with('C') || second == std::string::npos)
        return refuse("protocol error: a file was expected");
    const std::string_view size = std::string_view(line).substr(first + 1, second - first - 1);
    const auto [end, problem] = std::from_chars(size.data(), size.data() + size.size(), expected_);
    if (problem != std::errc() || end != size.data() + size.size()) return refuse("protocol error: no size");
    if (name_.empty()) name_ = line.substr(second + 1);
    if (name_.empty() || name_.contains('/')) return refuse("protocol error: no name of a file");
    received_ = 0;
    ending_ = false;
    // Whether it fits is known before it comes.
    if (const auto put = device_.put_file(name_, {.size = expected_, .written = now}); !put)
        return refuse(put.error().what + ": No space left on device");
    file_.emplace();
    output_ += '\0';
}

void ScpSink::content(std::string_view& bytes, Time now)
{
    const std::string_view part = bytes.substr(0, expected_ - received_);
    if (!part.empty()) {
        std::string changed;
        const bool damages =
            device_.state().fails(failure::image_damaged) && received_ + part.size() == expected_;
        if (damages) {
            changed = part;
            changed.back() = static_cast<char>(changed.back() ^ 1);
        }
        file_->add(damages ? std::string_view(changed) : part);
        received_ += part.size();
        carried_ += part.size();
        bytes.remove_prefix(part.size());
        static_cast<void>(device_.put_file(name_, file_->so_far(now)));
    }
    if (received_ < expected_ || bytes.empty()) return;
    if (bytes.front() != '\0') return refuse("protocol error: the sender gave up");
    bytes.remove_prefix(1);
    File file = file_->finished(now);
    file.sound = !device_.state().fails(failure::image_damaged);
    file_.reset();
    if (const auto put = device_.put_file(name_, file); !put) return refuse(put.error().what);
    output_ += '\0';
}

}  // namespace belay::lab::iosxe
