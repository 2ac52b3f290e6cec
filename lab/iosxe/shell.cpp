#include "iosxe/shell.h"

#include "iosxe/texts.h"

#include <algorithm>
#include <charconv>

namespace belay::lab::iosxe {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view more = " --More-- ";
constexpr size_t longest_line = 4096;
/// How fast a device reads its flash for a hash.
constexpr uint64_t bytes_a_second = 50'000'000;

int number_in(std::string_view text, int otherwise)
{
    int number = otherwise;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    return problem == std::errc() && end == text.data() + text.size() ? number : otherwise;
}

std::string word(const Typed& typed, const std::string& name)
{
    const auto found = typed.words.find(name);
    return found == typed.words.end() ? "" : found->second;
}

bool has(const Typed& typed, const std::string& keyword)
{
    return typed.words.contains(keyword);
}

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

/// "flash:x", "stby-flash:x", "bootflash:x": the name, and whose flash.
struct Place {
    std::string name;
    bool standby = false;
    bool known = true;
};

Place place_of(const std::string& path)
{
    const size_t colon = path.find(':');
    const std::string device = colon == std::string::npos ? "flash" : path.substr(0, colon);
    std::string name = colon == std::string::npos ? path : path.substr(colon + 1);
    while (name.starts_with('/')) name.erase(0, 1);
    return {.name = name,
            .standby = device == "stby-flash" || device == "stby-bootflash",
            .known = device == "flash" || device == "bootflash" || device == "stby-flash" ||
                     device == "stby-bootflash"};
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
        print("\n" + text::log_stamp(event.at, device_.state().zone) + event.text +
              (event.glued ? "" : "\n"));
        return;
    }
    if (event.saying == Saying::lost) closed_ = true;
    if (event.line != line_) return;
    if (event.saying == Saying::output) print(event.text);
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

void Shell::ask_enable()
{
    ask("Password: ", State::password, [this](const std::string& text, Time) {
        if (text == manner_.enable_password) {
            bad_passwords_ = 0;
            mode_ = Mode::privileged;
            return prompt();
        }
        if (++bad_passwords_ < 3) return ask_enable();
        bad_passwords_ = 0;
        print("% Bad secrets\n\n");
        prompt();
    });
}

void Shell::terminal(const Typed& typed)
{
    if (has(typed, "length")) rows_ = number_in(word(typed, "lines"), rows_);
    if (has(typed, "monitor")) monitor_ = !has(typed, "no");
    prompt();
}

void Shell::say_file(const Typed& typed, Time now)
{
    const std::string path = word(typed, "file");
    const Place place = place_of(path);
    const Member* member = place.standby ? device_.state().standby() : device_.state().active();
    const auto file = member->files.find(place.name);
    if (!place.known || file == member->files.end()) {
        print(fmt::format("%Error opening {} (No such file or directory)\n\n", path));
        return prompt();
    }
    if (typed.verb == Verb::remove_file) {
        const auto remove = [this, place] {
            if (!device_.remove_file(place.name, place.standby)) print("%Error deleting\n");
            prompt();
        };
        if (has(typed, "/force")) return remove();
        return ask(fmt::format("Delete filename [{}]? ", place.name), State::question,
                   [this, path, remove](const std::string&, Time) {
                       ask(fmt::format("Delete {}? [confirm]", path), State::confirmation,
                           [this, remove](const std::string& said, Time) {
                               said.empty() || said == "y" ? remove() : prompt();
                           });
                   });
    }
    const bool md5 = has(typed, "/md5");
    due_text_ = text::verified(path, md5 ? "md5" : "sha512", md5 ? file->second.md5 : file->second.sha512,
                               word(typed, "hash")) +
                "\n";
    due_ = now + Milliseconds(file->second.size * 1000 / bytes_a_second);
    state_ = State::busy;
    advance(now);
}

void Shell::run_install(const Typed& typed, Time now)
{
    Job job = {.task = Task::add, .file = word(typed, "file"), .timer = 120min};
    const bool quiet = word(typed, "level") == "none";
    switch (typed.verb) {
        case Verb::install_add:
            return begin(job, now);
        case Verb::install_commit:
            job.task = Task::commit;
            return begin(job, now);
        case Verb::install_one_step:
            job.task = Task::one_step;
            break;
        case Verb::install_activate: {
            job.task = Task::activate;
            const int minutes = number_in(word(typed, "minutes"), has(typed, "auto-abort-timer") ? -1 : 120);
            if (minutes < 30 || minutes > 1200) return misunderstood({}, prompt_text().size());
            job.timer = std::chrono::minutes(minutes);
            break;
        }
        case Verb::install_abort:
            job.task = Task::abort;
            break;
        case Verb::clear_install_state:
            job.task = Task::clear;
            return begin(job, now);
        default:
            print(text::removable(device_.state(), now));
            job.task = Task::remove_inactive;
            if (quiet) return begin(job, now);
            return ask_before(job, text::may_remove);
    }
    if (quiet) return begin(job, now);
    if (!device_.state().unsaved || job.task == Task::abort) return ask_before_reload(job, now);
    ask(std::string(text::unsaved_configuration), State::question,
        [this, job](const std::string& said, Time at) {
            if (said.starts_with('y') || said.starts_with('Y')) {
                print("Building configuration...\n[OK]");
                device_.write_configuration();
            } else if (!said.starts_with('n') && !said.starts_with('N')) {
                return prompt();
            }
            ask_before_reload(job, at);
        });
}

void Shell::ask_before_reload(const Job& job, Time now)
{
    if (!text::is_17(device_.state().active()->running)) return begin(job, now);
    ask_before(job, text::may_reload);
}

void Shell::ask_before(const Job& job, std::string_view question)
{
    ask(std::string(question), State::question, [this, job](const std::string& said, Time at) {
        said.starts_with('y') || said.starts_with('Y') ? begin(job, at) : prompt();
    });
}

void Shell::run(const Typed& typed, Time now)
{
    const iosxe::State& state = device_.state();
    const bool virtual_pair = state.kind == Kind::stackwise_virtual;
    switch (typed.verb) {
        case Verb::show_version:
        case Verb::show_version_running:
            return answer(text::version(state, now), typed);
        case Verb::show_install:
            return answer(text::install_summary(state, now,
                                                has(typed, "active")        ? "UC"
                                                : has(typed, "inactive")    ? "I"
                                                : has(typed, "committed")   ? "C"
                                                : has(typed, "uncommitted") ? "UD"
                                                                            : "IUCD"),
                          typed);
        case Verb::show_issu_state:
            return answer(text::issu_state(state, now), typed);
        case Verb::show_rollback_timer:
            return answer(text::rollback_timer(state, now), typed);
        case Verb::show_redundancy:
            return answer(text::redundancy(state, now), typed);
        case Verb::show_redundancy_states:
            return answer(text::redundancy_states(state), typed);
        case Verb::show_boot:
            return answer(text::boot(state), typed);
        case Verb::show_clock:
            return answer(text::clock(state, now), typed);
        case Verb::show_module:
            return answer(virtual_pair ? text::switches(state) : text::modules(state), typed);
        case Verb::show_boot_system:
        case Verb::show_switch:
        case Verb::show_stackwise_virtual:
        case Verb::show_stackwise_virtual_link:
            // A chassis knows no switches; the word is where its parser stops.
            if (!virtual_pair) return misunderstood({.at = 5}, prompt_text().size());
            if (typed.verb == Verb::show_boot_system) return answer(text::boot_system(state), typed);
            if (typed.verb == Verb::show_switch) return answer(text::switches(state), typed);
            if (typed.verb == Verb::show_stackwise_virtual)
                return answer(text::stackwise_virtual(state), typed);
            return answer(text::stackwise_virtual_link(state), typed);
        case Verb::dir: {
            const std::string path = word(typed, "where").empty() ? "flash:" : word(typed, "where");
            const Place place = place_of(path);
            const Member* member = place.standby ? state.standby() : state.active();
            if (!place.known || !place.name.empty() || member->role == Role::absent)
                return answer(fmt::format("%Error opening {} (No such device)\n", path), typed);
            return answer(text::directory(state, *member, path), typed);
        }
        case Verb::verify:
        case Verb::remove_file:
            return say_file(typed, now);
        case Verb::install_add:
        case Verb::install_one_step:
        case Verb::install_activate:
        case Verb::install_commit:
        case Verb::install_abort:
        case Verb::install_remove_inactive:
        case Verb::clear_install_state:
            return run_install(typed, now);
        case Verb::install_activate_plain:
            return answer(
                "ERROR: install_activate: the simulated pair activates in service only: install activate "
                "issu\n",
                typed);
        case Verb::install_timer_stop:
            state_ = State::busy;
            return device_.stop_abort_timer(line_, now);
        case Verb::reload:
        case Verb::reload_peer:
        case Verb::switch_over:
            return restart(typed);
        case Verb::write_memory:
            device_.write_configuration();
            return answer("Building configuration...\n[OK]\n", typed);
        case Verb::terminal:
            return terminal(typed);
        case Verb::enable:
            return mode_ == Mode::user ? ask_enable() : prompt();
        case Verb::disable:
            mode_ = Mode::user;
            return prompt();
        case Verb::configure:
            print("Enter configuration commands, one per line.  End with CNTL/Z.\n");
            mode_ = Mode::configuring;
            return prompt();
        case Verb::service_internal:
            device_.configure_service_internal(!has(typed, "no"));
            return prompt();
        case Verb::boot_manual:
            device_.configure_manual_boot(!has(typed, "no"));
            return prompt();
        case Verb::other_configuration:
            return prompt();
        case Verb::run: {
            const std::string& text = typed.words.at("line");
            const auto read = read_line(text, Mode::privileged, state.service_internal);
            if (const auto* wrong = std::get_if<Misunderstood>(&read))
                return misunderstood(*wrong, prompt_text().size() + 3);
            return run(std::get<Typed>(read), now);
        }
        case Verb::end:
            mode_ = Mode::privileged;
            return prompt();
        case Verb::exit:
            closed_ = true;
            return;
    }
}

void Shell::restart(const Typed& typed)
{
    ask("Proceed with reload? [confirm]", State::confirmation,
        [this, typed](const std::string& said, Time at) {
            if (!said.empty() && said != "y") return prompt();
            const iosxe::State& state = device_.state();
            if (state.active() == nullptr) return;
            const int before = state.active()->number;
            state_ = State::busy;
            Result<void> done;
            if (typed.verb == Verb::switch_over)
                done = device_.switch_over(at);
            else if (typed.verb == Verb::reload_peer)
                done = device_.reload(state.standby()->number, at);
            else if (has(typed, "slot"))
                done = device_.reload(number_in(word(typed, "member"), 0), at);
            else
                done = device_.reload(std::nullopt, at);
            if (!done) print(fmt::format("% {}\n", done.error().what));
            // Who reloads the active member has no line any more.
            if (state.active() != nullptr && state.active()->number == before) prompt();
        });
}

}  // namespace belay::lab::iosxe
