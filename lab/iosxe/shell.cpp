#include "iosxe/shell.h"

#include "iosxe/texts.h"

#include <algorithm>

namespace belay::lab::iosxe {
namespace {

constexpr std::string_view more = " --More-- ";
constexpr size_t longest_line = 4096;
std::string filtered(const std::string& text, const Typed& typed)
{
    if (typed.filter.empty()) return text;
    std::string kept;
    bool begun = false;
    size_t count = 0;
    for (size_t at = 0; at < text.size();) {
        const size_t end = std::min(text.find('\n', at), text.size() - 1) + 1;
        const std::string_view line(text.data() + at, end - at);
        const bool matches = line.contains(typed.pattern);
        begun = begun || matches;
        count += matches ? 1 : 0;
        const bool keep = typed.filter == "include"   ? matches
                          : typed.filter == "exclude" ? !matches
                                                      : begun && typed.filter == "begin";
        if (keep) kept += line;
        at = end;
    }
    if (typed.filter == "count") return fmt::format("Number of lines which match regexp = {}\n", count);
    return kept;
}

}  // namespace

Shell::Shell(int line, Device& device, const Manner& manner, Heard heard)
    : line_(line), device_(device), manner_(manner), heard_(std::move(heard))
{
}

void Shell::open(int rows)
{
    rows_ = rows > 0 ? rows : 24;
    mode_ = manner_.enable_password.empty() ? Mode::privileged : Mode::user;
    print("\n");
    prompt();
}

std::string Shell::prompt_text() const
{
    const std::string_view end = mode_ == Mode::user ? ">" : mode_ == Mode::privileged ? "#" : "(config)#";
    return device_.state().hostname + std::string(end);
}

void Shell::run_once(const std::string& text, Time now)
{
    rows_ = 0;
    monitor_ = false;
    once_ = true;
    mode_ = manner_.enable_password.empty() ? Mode::privileged : Mode::user;
    command(text, now);
}

void Shell::prompt()
{
    if (once_) {
        closed_ = true;
        return;
    }
    state_ = State::command;
    print(prompt_text());
}

void Shell::print(std::string_view text)
{
    for (const char byte : text) {
        if (byte == '\n') output_ += '\r';
        output_ += byte;
    }
}

void Shell::receive(std::string_view bytes, Time now)
{
    waiting_ += bytes.substr(0, longest_line * 4 - std::min(waiting_.size(), longest_line * 4));
    while (!waiting_.empty() && !closed_ && state_ != State::busy) {
        const char byte = waiting_.front();
        waiting_.erase(0, 1);
        key(byte, now);
    }
}

void Shell::key(char byte, Time now)
{
    // A return and the new line behind it are one.
    if (byte == '\n' && std::exchange(after_return_, false)) return;
    after_return_ = byte == '\r';
    const bool enter = byte == '\r' || byte == '\n';
    if (state_ == State::paging) {
        // The words make place for what follows.
        output_ +=
            std::string(more.size(), '\b') + std::string(more.size(), ' ') + std::string(more.size(), '\b');
        if (byte == 'q' || byte == 3) {
            pages_.clear();
            return prompt();
        }
        return page(enter ? 1 : static_cast<size_t>(rows_ - 1));
    }
    if (state_ == State::confirmation || (state_ == State::question && manner_.answers == Answers::key &&
                                          (byte == 'y' || byte == 'n' || byte == 'q'))) {
        if (!enter) output_ += byte;
        print("\n");
        state_ = State::busy;
        const auto then = std::exchange(then_, nullptr);
        return then(enter ? "" : std::string(1, byte), now);
    }
    if (enter) {
        print("\n");
        return entered(now);
    }
    if (byte == 127 || byte == '\b') {
        if (input_.empty()) return;
        input_.pop_back();
        if (state_ != State::password) output_ += "\b \b";
    } else if (byte == 21) {
        for (size_t count = 0; count < input_.size(); ++count) output_ += "\b \b";
        input_.clear();
    } else if (byte == 3) {
        input_.clear();
        then_ = nullptr;
        print("\n");
        prompt();
    } else if (static_cast<unsigned char>(byte) >= ' ' && input_.size() < longest_line) {
        input_ += byte;
        if (state_ != State::password) output_ += byte;
    }
}

void Shell::entered(Time now)
{
    const std::string text = std::exchange(input_, {});
    if (state_ != State::command) {
        state_ = State::busy;
        const auto then = std::exchange(then_, nullptr);
        return then(text, now);
    }
    if (text.find_first_not_of(" \t") == std::string::npos) return prompt();
    command(text, now);
}

void Shell::command(const std::string& text, Time now)
{
    const auto read = read_line(text, mode_, device_.state().service_internal);
    if (const auto* wrong = std::get_if<Misunderstood>(&read)) {
        heard_(text);
        return misunderstood(*wrong, prompt_text().size());
    }
    const Typed& typed = std::get<Typed>(read);
    heard_(typed.line + (typed.filter.empty() ? "" : " | " + typed.filter + " " + typed.pattern));
    device_.advance(now);
    if (device_.state().active() == nullptr) {
        closed_ = true;
        return;
    }
    run(typed, now);
}

void Shell::misunderstood(const Misunderstood& why, size_t column)
{
    switch (why.why) {
        case Misunderstood::Why::invalid:
            print(std::string(column + why.at, ' ') + "^\n% Invalid input detected at '^' marker.\n\n");
            break;
        case Misunderstood::Why::incomplete:
            print("% Incomplete command.\n\n");
            break;
        case Misunderstood::Why::ambiguous:
            print("% Ambiguous command\n");
            break;
    }
    prompt();
}

void Shell::answer(std::string text, const Typed& typed)
{
    pages_ = filtered(text, typed);
    page(rows_ > 1 ? static_cast<size_t>(rows_ - 1) : pages_.size() + 1);
}

void Shell::page(size_t lines)
{
    size_t end = 0;
    while (lines-- > 0 && end < pages_.size()) end = std::min(pages_.find('\n', end), pages_.size() - 1) + 1;
    print(std::string_view(pages_).substr(0, end));
    pages_.erase(0, end);
    if (pages_.empty()) return prompt();
    output_ += more;
    state_ = State::paging;
}

void Shell::ask(std::string question, State kind, std::function<void(const std::string&, Time)> then)
{
    print(question);
    state_ = kind;
    then_ = std::move(then);
}

void Shell::begin(Job job, Time now)
{
    state_ = State::busy;
    job.line = line_;
    device_.begin(std::move(job), now);
}

void Shell::hear(const Event& event)
{
    if (event.saying == Saying::log) {
        if (!monitor_) return;
        const bool bare = event.form == Event::Form::bare;
        const std::string stamp =
            bare ? text::bare_stamp(event.at) : text::log_stamp(event.at, device_.state().zone);
        print("\n" + stamp + event.text + (event.form == Event::Form::glued ? "" : "\n"));
        return;
    }
    if (event.saying == Saying::lost) closed_ = true;
    if (event.line != line_) return;
    if (event.saying == Saying::output) print(event.text);
    if (event.saying == Saying::question)
        ask(event.text, State::question, [this](const std::string& said, Time at) {
            const char first = said.empty() ? 'n' : said.front();
            device_.reply(
                line_, std::string(1, first >= 'A' && first <= 'Z' ? static_cast<char>(first + 32) : first),
                at);
        });
    if (event.saying == Saying::done) {
        print("\n");
        prompt();
        // What was typed meanwhile.
        receive({}, event.at);
    }
}

std::optional<Time> Shell::next() const
{
    return due_;
}

void Shell::advance(Time now)
{
    if (!due_ || *due_ > now) return;
    const Time at = *due_;
    due_.reset();
    print(due_text_);
    prompt();
    receive({}, at);
}

}  // namespace belay::lab::iosxe
