#include "iosxe/pair.h"

#include "iosxe/failures.h"
#include "iosxe/scp_sink.h"

#include <algorithm>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace belay::lab::iosxe {
namespace {

constexpr size_t most_typed = 100'000;

Milliseconds real_now()
{
    return std::chrono::duration_cast<Milliseconds>(std::chrono::system_clock::now().time_since_epoch());
}

Milliseconds seconds_in(const Json& details, const char* name)
{
    const auto found = details.find(name);
    return Milliseconds(
        found != details.end() && found->is_number() ? static_cast<int64_t>(found->get<double>() * 1000) : 0);
}

std::string text_in(const Json& details, const char* name)
{
    const auto found = details.find(name);
    return found != details.end() && found->is_string() ? found->get<std::string>() : "";
}

Result<Loss> loss_of(const std::string& name)
{
    if (name.empty() || name == "reset") return Loss::reset;
    if (name == "silent") return Loss::silent;
    if (name == "half-open") return Loss::half_open;
    if (name == "refused") return Loss::refused;
    return fail(
        ErrorKind::usage,
        fmt::format("\"{}\" is no way to lose a connection: reset, silent, half-open, refused", name));
}

Result<std::string> whole_file(const std::string& path)
{
    const host::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return std::unexpected(system_error("cannot open " + path, errno));
    std::string text;
    std::array<char, 65536> part;
    for (ssize_t got = 0; (got = ::read(file.number(), part.data(), part.size())) != 0;) {
        if (got < 0) return std::unexpected(system_error("cannot read " + path, errno));
        text.append(part.data(), static_cast<size_t>(got));
        if (text.size() > (16U << 20))
            return fail(ErrorKind::corrupt, path + " is too large for a state file");
    }
    return text;
}

}  // namespace

std::span<const std::pair<std::string_view, std::string_view>> address_failures()
{
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 2> all = {{
        {"line-lost",
         "connections are lost, at once or in the middle of a command (by the control socket: at, after_s, "
         "after_text, after_bytes, how, for_s)"},
        {"host-key-changed", "the device has another host key from now on (by the control socket: after_s)"},
    }};
    return all;
}

/// A terminal line at the end of a channel.
class Pair::Vty : public Party {
  public:
    Vty(Pair& pair, int line, const std::string& user, int rows)
        : pair_(pair),
          shell_(line, pair.device_, pair.options_.manner,
                 [this, user](const std::string& text) { pair_.heard(shell_.line(), user, text); })
    {
        pair_.lines_.push_back(this);
        if (rows > 0) shell_.open(rows);
    }
    ~Vty() override
    {
        pair_.lines_.remove(this);
        pair_.device_.leave(shell_.line());
    }
    Vty(const Vty&) = delete;
    Vty& operator=(const Vty&) = delete;

    void receive(std::string_view bytes) override { shell_.receive(bytes, pair_.now()); }
    std::string take_output() override { return shell_.take_output(); }
    std::optional<int> ended() const override
    {
        return shell_.closed() ? std::optional<int>(0) : std::nullopt;
    }
    void input_ended() override {}
    Shell& shell() { return shell_; }
    const Shell& shell() const { return shell_; }

  private:
    Pair& pair_;
    Shell shell_;
};

/// scp at the end of a channel.
class Pair::Carrying : public Party {
  public:
    Carrying(Pair& pair, const std::string& target) : pair_(pair), sink_(target, pair.device_) {}

    void receive(std::string_view bytes) override
    {
        sink_.receive(bytes, pair_.now());
        pair_.carried(sink_.carried());
    }
    std::string take_output() override { return sink_.take_output(); }
    std::optional<int> ended() const override
    {
        if (sink_.failed()) return 1;
        return input_ended_ ? std::optional<int>(0) : std::nullopt;
    }
    void input_ended() override { input_ended_ = true; }

  private:
    Pair& pair_;
    ScpSink sink_;
    bool input_ended_ = false;
};

Pair::Pair(PairOptions options, State state, DeviceClock clock)
    : options_(std::move(options)), device_(std::move(state)), clock_(clock)
{
}

Result<std::unique_ptr<Pair>> Pair::make(PairOptions options)
{
    std::optional<HostKey> key;
    std::unique_ptr<Pair> pair;
    if (!options.state_file.empty() && access(options.state_file.c_str(), F_OK) == 0) {
        const std::string text = TRY(whole_file(options.state_file));
        const Json json = TRY(parse_json(text));
        if (!json.is_object() || !json.contains("clock") || !json.contains("state") ||
            !json.contains("host_key") || !json.at("host_key").is_string())
            return fail(ErrorKind::corrupt, options.state_file + " is no state of a simulated pair");
        const DeviceClock clock = TRY(DeviceClock::read(json.at("clock")));
        State state = TRY(read_state(json.at("state")));
        key = TRY(HostKey::read(json.at("host_key").get<std::string>()));
        // The address stays the same too, unless another one is asked for.
        const auto port = json.find("port");
        if (options.port == 0 && port != json.end() && port->is_number_unsigned())
            options.port = static_cast<int>(port->get<uint16_t>());
        pair.reset(new Pair(std::move(options), std::move(state), clock));
        // Nobody's lines have outlived the program.
        pair->device_.leave(0);
    } else {
        key = TRY(HostKey::make());
        const DeviceClock clock(options.beginning.start, options.factor, real_now());
        State state = first_state(options.beginning);
        pair.reset(new Pair(std::move(options), std::move(state), clock));
        for (const std::string& name : pair->options_.failures) TRY(pair->injure(name, Json::object()));
    }
    Pair& self = *pair;
    pair->server_ =
        TRY(SshServer::make(self.options_.address, self.options_.port, *std::move(key), self.options_.logins,
                            [&self](const Opening& opening) { return self.opened(opening); }));
    TRY(pair->save());
    return pair;
}

Time Pair::now() const
{
    return clock_.at(real_now());
}

void Pair::set_factor(double factor)
{
    clock_.set_factor(factor, real_now());
}

std::unique_ptr<Party> Pair::opened(const Opening& opening)
{
    if (!opening.command)
        return std::make_unique<Vty>(*this, ++latest_line_, opening.user, std::max(opening.rows, 1));
    const std::optional<std::string> target = scp_target(*opening.command);
    if (!target) {
        auto line = std::make_unique<Vty>(*this, ++latest_line_, opening.user, 0);
        line->shell().run_once(*opening.command, now());
        return line;
    }
    arm("scp " + *target);
    return std::make_unique<Carrying>(*this, *target);
}

void Pair::heard(int line, const std::string& user, const std::string& text)
{
    const Time at = now();
    if (typed_.size() < most_typed) typed_.push_back({.at = at, .line = line, .user = user, .text = text});
    arm(text);
}

void Pair::arm(const std::string& text)
{
    if (!fault_ || fault_->at.empty() || strikes_at_ || !text.starts_with(fault_->at)) return;
    if (fault_->after_text.empty() && fault_->after_bytes == 0) strikes_at_ = now() + fault_->after;
}

void Pair::carried(uint64_t bytes)
{
    if (fault_ && !strikes_at_ && fault_->after_bytes > 0 && bytes >= fault_->after_bytes)
        strikes_at_ = now();
}

void Pair::strike(Loss loss, Milliseconds lasts, Time now)
{
    // Where something was waited for, it is still heard; where not, not even the beginning of the answer.
    if (fault_ && (!fault_->after_text.empty() || fault_->after.count() > 0)) server_->flush();
    switch (loss) {
        case Loss::reset:
            server_->reset_all();
            break;
        case Loss::refused:
            server_->reset_all();
            lost_ = loss;
            break;
        case Loss::silent:
        case Loss::half_open:
            server_->freeze_all();
            lost_ = loss;
            break;
    }
    restored_at_.reset();
    if (lasts.count() > 0) restored_at_ = now + lasts;
    fault_.reset();
    strikes_at_.reset();
}

void Pair::restore()
{
    // Who was silent has lost nothing; who was half open is not known any more.
    if (lost_) server_->thaw(*lost_ == Loss::silent);
    lost_.reset();
    restored_at_.reset();
}

void Pair::tell(const Event& event)
{
    if (event.saying == Saying::lost) {
        server_->flush();
        server_->reset_all();
        return;
    }
    for (Vty* line : std::list<Vty*>(lines_)) line->shell().hear(event);
    if (fault_ && !fault_->after_text.empty() && !strikes_at_ && event.text.contains(fault_->after_text))
        strikes_at_ = event.at + fault_->after;
}

void Pair::step(Time now)
{
    device_.advance(now);
    for (std::vector<Event> events = device_.take_events(); !events.empty(); events = device_.take_events())
        for (const Event& event : events) tell(event);
    for (Vty* line : lines_) line->shell().advance(now);
    if (strikes_at_ && *strikes_at_ <= now) strike(fault_->loss, fault_->lasts, now);
    if (restored_at_ && *restored_at_ <= now) restore();
    if (new_key_at_ && *new_key_at_ <= now) {
        if (Result<HostKey> key = HostKey::make()) server_->set_host_key(*std::move(key));
        new_key_at_.reset();
    }
}

Result<void> Pair::reach(Time now)
{
    const bool deaf = device_.state().deaf_until && *device_.state().deaf_until > now;
    const Reach wanted = deaf || lost_ == Loss::refused ? Reach::refuses
                         : lost_ == Loss::silent        ? Reach::silent
                                                        : Reach::answers;
    return server_->set_reach(wanted);
}

std::optional<Time> Pair::next() const
{
    std::optional<Time> first = device_.next();
    const auto earlier = [&](const std::optional<Time>& other) {
        if (other && (!first || *other < *first)) first = other;
    };
    for (const Vty* line : lines_) earlier(line->shell().next());
    earlier(strikes_at_);
    earlier(restored_at_);
    earlier(new_key_at_);
    return first;
}

Result<void> Pair::turn()
{
    Milliseconds wait(200);
    if (const std::optional<Time> due = next())
        if (const std::optional<Milliseconds> real = clock_.until(*due, real_now()))
            wait = std::min(wait, *real);
    TRY(server_->poll(static_cast<int>(wait.count())));
    const Time at = now();
    step(at);
    TRY(reach(at));
    server_->flush();
    return save();
}

Result<void> Pair::injure(const std::string& name, const Json& details)
{
    if (name == "line-lost") {
        const Loss loss = TRY(loss_of(text_in(details, "how")));
        const LineFault fault = {.loss = loss,
                                 .at = text_in(details, "at"),
                                 .after = seconds_in(details, "after_s"),
                                 .after_text = text_in(details, "after_text"),
                                 .after_bytes = static_cast<uint64_t>(
                                     std::max<int64_t>(0, seconds_in(details, "after_bytes").count() / 1000)),
                                 .lasts = seconds_in(details, "for_s")};
        fault_ = fault;
        strikes_at_.reset();
        if (fault.at.empty() && fault.after_text.empty() && fault.after_bytes == 0)
            strikes_at_ = now() + fault.after;
        return {};
    }
    if (name == "host-key-changed") {
        new_key_at_ = now() + seconds_in(details, "after_s");
        return {};
    }
    const auto member = details.find("member");
    return device_.injure(
        name, member != details.end() && member->is_number_integer() ? member->get<int>() : 0, now());
}

Result<void> Pair::mend(const std::string& name)
{
    if (name == "line-lost") {
        restore();
        fault_.reset();
        strikes_at_.reset();
        return {};
    }
    return device_.mend(name, now());
}

Result<void> Pair::save()
{
    if (options_.state_file.empty()) return {};
    const Json json = {{"clock", clock_.to_json()},
                       {"state", to_json_value(device_.state())},
                       {"host_key", server_->host_key().text()},
                       {"port", static_cast<unsigned>(server_->port())}};
    std::string text = json_text(json) + "\n";
    if (text == saved_) return {};
    const std::string passing = options_.state_file + ".new";
    const host::Descriptor file(::open(passing.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!file) return std::unexpected(system_error("cannot write " + passing, errno));
    for (std::string_view rest = text; !rest.empty();) {
        const ssize_t put = ::write(file.number(), rest.data(), rest.size());
        if (put < 0) return std::unexpected(system_error("cannot write " + passing, errno));
        rest.remove_prefix(static_cast<size_t>(put));
    }
    if (::rename(passing.c_str(), options_.state_file.c_str()) != 0)
        return std::unexpected(system_error("cannot replace " + options_.state_file, errno));
    saved_ = std::move(text);
    return {};
}

}  // namespace belay::lab::iosxe
