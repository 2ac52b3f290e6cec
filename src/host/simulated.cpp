#include "host/simulated.h"

namespace belay::host {
namespace {

constexpr Bytes largest_read{64 << 20};
constexpr int most_links = 40;

std::string_view parent_of(std::string_view path)
{
    return path.substr(0, path.rfind('/'));
}

std::unexpected<Error> nothing_at(std::string_view path)
{
    return fail(ErrorKind::not_found, fmt::format("there is no {}", path));
}

Result<void> check_path(std::string_view path)
{
    if (path.starts_with('/') && path.find('\0') == std::string_view::npos) return {};
    return fail(ErrorKind::usage, fmt::format("not an absolute path: \"{}\"", path));
}

/// The next number of a splitmix64 sequence.
uint64_t next_random(uint64_t& state)
{
    state += 0x9e3779b97f4a7c15;
    uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

}  // namespace

std::string Machine::boot_id() const
{
    return fmt::format("boot-{}", boots);
}

void Machine::put(std::string_view path, Node node)
{
    for (std::string_view above = parent_of(path); !above.empty(); above = parent_of(above)) {
        if (nodes.contains(above)) break;
        nodes.emplace(above, Node{Node::Kind::folder});
    }
    nodes.insert_or_assign(std::string(path), std::move(node));
}

void Machine::put_file(std::string_view path, std::string_view text)
{
    put(path, {Node::Kind::file, std::string(text)});
}

void Machine::put_device(std::string_view path, Bytes size)
{
    put(path, {Node::Kind::device, std::string(size.count, '\0')});
}

void Machine::put_link(std::string_view path, std::string_view target)
{
    put(path, {Node::Kind::link, std::string(target)});
}

void Machine::put_folder(std::string_view path)
{
    put(path, {Node::Kind::folder});
}

void Machine::erase(std::string_view path)
{
    const std::string below = fmt::format("{}/", path);
    nodes.erase(std::string(path));
    auto at = nodes.lower_bound(below);
    while (at != nodes.end() && at->first.starts_with(below)) at = nodes.erase(at);
}

Result<std::string> Machine::resolve(std::string_view path) const
{
    if (const auto found = nodes.find(path); found != nodes.end() && found->second.kind != Node::Kind::link)
        return std::string(path);
    std::string done;
    std::string rest(path);
    int links = 0;
    while (!rest.empty()) {
        const size_t begin = rest.find_first_not_of('/');
        if (begin == std::string::npos) break;
        const size_t end = std::min(rest.find('/', begin), rest.size());
        const std::string name = rest.substr(begin, end - begin);
        rest.erase(0, end);
        if (name == ".") continue;
        if (name == "..") {
            done = parent_of(done);
            continue;
        }
        const std::string next = fmt::format("{}/{}", done, name);
        const auto found = nodes.find(next);
        if (found == nodes.end()) return nothing_at(path);
        if (found->second.kind != Node::Kind::link) {
            done = next;
            continue;
        }
        if (++links > most_links)
            return fail(ErrorKind::io, fmt::format("{} leads through links in a ring", path));
        const std::string& target = found->second.bytes;
        if (target.starts_with('/')) done.clear();
        rest = fmt::format("{}/{}", target, rest);
    }
    return done.empty() ? "/" : done;
}

const Node* Machine::find(std::string_view path) const
{
    const auto direct = nodes.find(path);
    if (direct != nodes.end() && direct->second.kind != Node::Kind::link) return &direct->second;
    const Result<std::string> resolved = resolve(path);
    if (!resolved) return nullptr;
    const auto found = nodes.find(*resolved);
    return found == nodes.end() ? nullptr : &found->second;
}

Node* Machine::find(std::string_view path)
{
    return const_cast<Node*>(std::as_const(*this).find(path));
}

std::optional<std::string> Machine::text(std::string_view path) const
{
    const Node* node = find(path);
    if (node == nullptr || node->kind != Node::Kind::file) return std::nullopt;
    return node->bytes;
}

void SimulatedHost::install(std::string name, Program program)
{
    const std::scoped_lock guard(mutex_);
    programs_.insert_or_assign(std::move(name), std::move(program));
}

void SimulatedHost::set_passage(std::function<void(Machine&, Milliseconds)> passage)
{
    const std::scoped_lock guard(mutex_);
    passage_ = std::move(passage);
}

void SimulatedHost::set_start(std::function<void(Machine&)> start)
{
    const std::scoped_lock guard(mutex_);
    start_ = std::move(start);
}

void SimulatedHost::set_setting(
    std::function<Result<void>(Machine&, std::string_view path, std::string_view text)> setting)
{
    const std::scoped_lock guard(mutex_);
    setting_ = std::move(setting);
}

void SimulatedHost::set_volatile(std::vector<std::string> folders)
{
    const std::scoped_lock guard(mutex_);
    volatile_ = std::move(folders);
}

void SimulatedHost::advance(Milliseconds span)
{
    const std::scoped_lock guard(mutex_);
    machine_.wall += span;
    machine_.boot += span;
    if (passage_) passage_(machine_, span);
}

void SimulatedHost::shift_wall_clock(Milliseconds by)
{
    const std::scoped_lock guard(mutex_);
    machine_.wall += by;
}

void SimulatedHost::power_cut(Milliseconds off, Milliseconds wall_error)
{
    const std::scoped_lock guard(mutex_);
    for (const std::string& folder : volatile_) {
        machine_.erase(folder);
        machine_.put_folder(folder);
    }
    ++machine_.boots;
    machine_.boot = Milliseconds{0};
    machine_.wall += off + wall_error;
    if (start_) start_(machine_);
}

Machine SimulatedHost::machine() const
{
    const std::scoped_lock guard(mutex_);
    return machine_;
}

void SimulatedHost::change(const std::function<void(Machine&)>& act)
{
    const std::scoped_lock guard(mutex_);
    act(machine_);
}

void SimulatedHost::look(const std::function<void(const Machine&)>& look) const
{
    const std::scoped_lock guard(mutex_);
    look(machine_);
}

Result<Outcome> SimulatedHost::run(const Command& command)
{
    const std::scoped_lock guard(mutex_);
    if (command.argv.empty() || command.argv.front().empty() ||
        command.argv.front().find('/') != std::string::npos)
        return fail(ErrorKind::usage, "a command is a bare name with its arguments");
    const auto found = programs_.find(command.argv.front());
    if (found == programs_.end())
        return fail(ErrorKind::not_found, fmt::format("there is no program {}", command.argv.front()));
    return found->second(machine_, command);
}

/// The file or device that a path leads to. Call with the mutex held.
Result<const Node*> SimulatedHost::contents(std::string_view path) const
{
    TRY(check_path(path));
    const Node* node = machine_.find(path);
    if (node == nullptr) return nothing_at(path);
    if (node->kind == Node::Kind::folder) return fail(ErrorKind::io, fmt::format("{} is a folder", path));
    return node;
}

Result<std::string> SimulatedHost::read(std::string_view path, Bytes limit)
{
    const std::scoped_lock guard(mutex_);
    const Node* node = TRY(contents(path));
    if (node->bytes.size() > limit.count)
        return fail(ErrorKind::corrupt, fmt::format("{} is longer than {}", path, to_text(limit)));
    return node->bytes;
}

Result<void> SimulatedHost::write(std::string_view path, std::string_view text)
{
    const std::scoped_lock guard(mutex_);
    TRY(contents(path));
    if (setting_ && path.starts_with("/sys/")) return setting_(machine_, path, text);
    machine_.find(path)->bytes = text;
    return {};
}

Result<void> SimulatedHost::replace(std::string_view path, std::string_view text)
{
    const std::scoped_lock guard(mutex_);
    TRY(check_path(path));
    if (Node* node = machine_.find(path)) {
        TRY(contents(path));
        node->bytes = text;
        return {};
    }
    const std::string_view parent = parent_of(path);
    const std::string folder = parent.empty() ? "" : TRY(machine_.resolve(parent));
    machine_.put_file(fmt::format("{}{}", folder, path.substr(parent.size())), text);
    return {};
}

Result<void> SimulatedHost::remove(std::string_view path)
{
    const std::scoped_lock guard(mutex_);
    TRY(check_path(path));
    const auto found = machine_.nodes.find(path);
    if (found == machine_.nodes.end()) return {};
    if (found->second.kind == Node::Kind::folder)
        return fail(ErrorKind::io, fmt::format("{} is a folder", path));
    machine_.nodes.erase(found);
    return {};
}

Result<std::vector<std::string>> SimulatedHost::list(std::string_view path)
{
    const std::scoped_lock guard(mutex_);
    TRY(check_path(path));
    const std::string folder = TRY(machine_.resolve(path));
    const std::string below = folder.size() == 1 ? folder : folder + "/";
    if (const auto found = machine_.nodes.find(folder);
        found != machine_.nodes.end() && found->second.kind != Node::Kind::folder)
        return fail(ErrorKind::io, fmt::format("{} is not a folder", path));
    std::vector<std::string> names;
    for (auto at = machine_.nodes.lower_bound(below);
         at != machine_.nodes.end() && at->first.starts_with(below); ++at) {
        if (at->first.find('/', below.size()) == std::string::npos)
            names.push_back(at->first.substr(below.size()));
    }
    return names;
}

Result<std::string> SimulatedHost::resolve(std::string_view path)
{
    const std::scoped_lock guard(mutex_);
    TRY(check_path(path));
    return machine_.resolve(path);
}

Result<std::string> SimulatedHost::read_at(std::string_view path, Bytes offset, Bytes size)
{
    const std::scoped_lock guard(mutex_);
    if (size > largest_read) return fail(ErrorKind::usage, "more than 64 MiB at once");
    const Node* node = TRY(contents(path));
    if (offset.count > node->bytes.size() || size.count > node->bytes.size() - offset.count)
        return fail(ErrorKind::corrupt, fmt::format("{} ends before {}", path, offset.count + size.count));
    return node->bytes.substr(offset.count, size.count);
}

Result<void> SimulatedHost::write_at(std::string_view path, Bytes offset, std::string_view bytes)
{
    const std::scoped_lock guard(mutex_);
    const Node* found = TRY(contents(path));
    const bool fits =
        offset.count <= found->bytes.size() && bytes.size() <= found->bytes.size() - offset.count;
    if (found->kind == Node::Kind::device && !fits)
        return fail(ErrorKind::no_space, fmt::format("{} ends before {}", path, offset.count + bytes.size()));
    std::string& whole = machine_.find(path)->bytes;
    if (!fits) whole.resize(offset.count + bytes.size());
    whole.replace(offset.count, bytes.size(), bytes);
    return {};
}

Result<Space> SimulatedHost::space(std::string_view path)
{
    const std::scoped_lock guard(mutex_);
    TRY(check_path(path));
    TRY(machine_.resolve(path));
    return machine_.room;
}

Result<Moment> SimulatedHost::now()
{
    const std::scoped_lock guard(mutex_);
    return Moment{machine_.wall, machine_.boot, machine_.boot_id(), machine_.id};
}

Result<std::string> SimulatedHost::random(size_t count)
{
    const std::scoped_lock guard(mutex_);
    std::string bytes;
    while (bytes.size() < count) bytes += static_cast<char>(next_random(machine_.random) & 0xff);
    return bytes;
}

}  // namespace belay::host
