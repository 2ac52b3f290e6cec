#include "iosxe/failures.h"
#include "iosxe/shell.h"
#include "iosxe/texts.h"

#include <charconv>

namespace belay::lab::iosxe {
namespace {

using namespace std::chrono_literals;

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

void Shell::copy(const Typed& typed)
{
    const std::string url = word(typed, "url"), path = word(typed, "file");
    const Place place = place_of(path);
    if (!place.known || place.standby || !url.starts_with("https://")) {
        print("%Error: the simulated pair copies from https:// into its own flash: only\n\n");
        return prompt();
    }
    const std::string wanted = place.name.empty() ? url.substr(url.rfind('/') + 1) : place.name;
    ask(fmt::format("Destination filename [{}]? ", wanted), State::question,
        [this, url, wanted](const std::string& said, Time at) {
            const std::string name = said.empty() ? wanted : said;
            if (device_.state().active() == nullptr) return;
            if (!device_.state().active()->files.contains(name)) return fetch(url, name, at);
            print("%Warning:There is a file already existing with this name\n");
            ask("Do you want to over write? [confirm]", State::confirmation,
                [this, url, name](const std::string& answer, Time then) {
                    answer.empty() || answer == "y" ? fetch(url, name, then) : prompt();
                });
        });
}

void Shell::fetch(const std::string& url, const std::string& name, Time now)
{
    print(text::accessing(url));
    Fetched fetched{.why = std::string(text::io_error)};
    if (device_.state().fails(failure::server_refuses))
        fetched.why = text::no_such_file;
    else if (manner_.web)
        fetched = manner_.web(url);
    device_.copy(url, name, std::move(fetched), line_, now);
}

void Shell::run_install(const Typed& typed, Time now)
{
    Job job = {.task = Task::add, .file = word(typed, "file"), .timer = 120min};
    job.asks = word(typed, "level") != "none";
    switch (typed.verb) {
        case Verb::install_commit:
            job.task = Task::commit;
            break;
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
            break;
        case Verb::install_remove_inactive:
            job.task = Task::remove_inactive;
            break;
        default:
            break;
    }
    begin(job, now);
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
        case Verb::copy:
            return copy(typed);
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
