#include "site/remote/testing/house.h"

#include "base/invariant.h"
#include "site/remote/agent/copy_answers.h"
#include "site/remote/transport.h"

#include <algorithm>
#include <arpa/inet.h>
#include <belay/v1/membership.grpc.pb.h>
#include <future>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <sys/socket.h>
#include <sys/stat.h>

namespace belay::site::testing {
namespace {

using namespace std::chrono_literals;

constexpr Milliseconds patience = 60s;

Milliseconds wall_now()
{
    return std::chrono::duration_cast<Milliseconds>(std::chrono::system_clock::now().time_since_epoch());
}

template <typename T>
T need(Result<T> result)
{
    if (!result) std::fputs((result.error().what + "\n").c_str(), stderr);
    INVARIANT(result);
    return *std::move(result);
}

/// Echo says who asks and what; Follow says the value after each change; Change and Appoint are for some
/// only.
Methods test_methods(const std::atomic<int>& value)
{
    Methods methods;
    for (Method method : {Method{"Echo", Right::view,
                                 [](const Call& call) {
                                     return Reply{{{"said", call.parameters}, {"user", call.caller.user}}};
                                 }},
                          Method{"Follow", Right::view,
                                 [&value](const Call&) { return Reply{{{"value", value.load()}}, "value"}; }},
                          Method{"Slow", Right::view,
                                 [](const Call&) {
                                     std::this_thread::sleep_for(1s);
                                     return Reply{};
                                 }},
                          Method{"Missing", Right::view,
                                 [](const Call&) -> Result<Reply> {
                                     return fail(ErrorKind::unavailable, "a host is not attached");
                                 }},
                          Method{"Change", Right::operate, [](const Call&) { return Reply{}; }},
                          Method{"Appoint", Right::administer, [](const Call&) { return Reply{}; }}})
        methods.emplace(method.name, method);
    return methods;
}

bool await_true(const std::function<bool()>& holds)
{
    const auto end = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < end) {
        if (holds()) return true;
        std::this_thread::sleep_for(5ms);
    }
    return false;
}

}  // namespace

RunningLoop::RunningLoop() : loop_(need(Loop::open())), workers_(std::make_unique<Workers>(*loop_))
{
    thread_ = std::thread([this] { static_cast<void>(loop_->run().has_value()); });
}

RunningLoop::~RunningLoop()
{
    loop_->post([this] {
        if (workers_->idle()) return loop_->stop();
        workers_->when_idle([this] { loop_->stop(); });
    });
    thread_.join();
}

void RunningLoop::in_loop(const std::function<void()>& what)
{
    std::promise<void> done;
    loop_->post([&] {
        what();
        done.set_value();
    });
    done.get_future().wait();
}

ControllerHouse::ControllerHouse(Pace pace) : pace_(pace), methods_(test_methods(value_))
{
    begin();
}

ControllerHouse::~ControllerHouse()
{
    end();
}

void ControllerHouse::begin()
{
    open(address_);
    address_ = controller_->address();
}

void ControllerHouse::open(const std::string& listen)
{
    running_.in_loop([&] {
        SiteAuthority authority = need(open_authority(folder_.path(), store_, wall()));
        remote_.site = authority.site;
        remote_.authority_pem = authority.authority.certificate_pem();
        ControllerOptions options{.listen = listen,
                                  .controllers = advertised_,
                                  .pace = [pace = pace_](const Member&) { return pace; },
                                  .wall = [this] { return wall(); },
                                  .methods = &methods_,
                                  .audit =
                                      [this](const Json& entry) {
                                          const std::lock_guard lock(mutex_);
                                          audit_.push_back(json_text(entry));
                                      },
                                  .changed = [](const std::string&) {}};
        controller_ = need(Controller::open(running_.loop(), running_.workers(), store_, std::move(authority),
                                            std::move(options)));
    });
}

RemoteSite ControllerHouse::remote_site()
{
    remote_.controllers = {controller_->address()};
    return remote_;
}

Milliseconds ControllerHouse::wall() const
{
    return wall_now() + Milliseconds(ahead_ms_);
}

SiteAuthority ControllerHouse::authority()
{
    return need(open_authority(folder_.path(), store_, wall()));
}

void ControllerHouse::set(int value)
{
    value_ = value;
    running_.loop().post([this] { controller_->topic_changed("value"); });
}

void ControllerHouse::end()
{
    if (!controller_) return;
    running_.in_loop([&] { controller_->stop(); });
    controller_.reset();
}

void ControllerHouse::restart()
{
    end();
    begin();
}

std::string ControllerHouse::invite(const InvitationAsk& ask)
{
    return need(controller_->invite(ask));
}

void ControllerHouse::restart_as(const std::string& address)
{
    advertised_ = {address};
    restart();
}

bool ControllerHouse::await(const std::string& name, Presence::State state)
{
    const std::string id = need(controller_->registry().find(name)).id;
    return await_that([&] { return controller_->hub().presence(id).state == state; });
}

bool ControllerHouse::await_that(const std::function<bool()>& holds)
{
    return await_true(holds);
}

bool ControllerHouse::audit_says(const std::string& text)
{
    const std::lock_guard lock(mutex_);
    return std::ranges::any_of(
        audit_, [&](const std::string& entry) { return entry.find(text) != std::string::npos; });
}

AgentHouse::AgentHouse() : methods_(test_methods(value_))
{
    const auto now = [this] {
        return host::Moment{
            .wall = wall_now() + Milliseconds(ahead_ms_), .boot = boot_now(), .boot_id = "this boot"};
    };
    const auto changed = [this] {
        running_.loop().post([this] {
            if (branch_) branch_->topic_changed(configuration_topic);
        });
    };
    copy_ = need(framework::configuration::Copy::open(store_, {.now = now, .changed = changed}));
    methods_.emplace("ConfigTake",
                     Method{"ConfigTake", Right::administer, [this](const Call& call) -> Result<Reply> {
                                return Reply{TRY(take_configuration(*copy_, call.parameters))};
                            }});
}

AgentHouse::~AgentHouse()
{
    detach();
}

Result<Membership> AgentHouse::join(const std::string& word)
{
    return site::join(TRY(read_invitation(word)), file(), "itself");
}

void AgentHouse::forget_answer()
{
    const Membership membership = *need(file().read());
    need(file().remove());
    const std::string key = need(file().next_key());
    // The key of the attempt is what would still be there.
    INVARIANT(key != membership.key_pem);
    const std::string path = folder_ / "site/next-key.pem";
    std::FILE* out = std::fopen(path.c_str(), "w");
    std::fputs(membership.key_pem.c_str(), out);
    std::fclose(out);
}

void AgentHouse::attach()
{
    attach(*need(file().read()));
}

void AgentHouse::attach(const Membership& membership, Milliseconds welcome_patience)
{
    running_.in_loop([&] {
        uplink_ = std::make_unique<Uplink>(
            running_.loop(), running_.workers(), membership,
            UplinkOptions{.host_name = "itself",
                          .boot_id = "this boot",
                          .connect_timeout = welcome_patience,
                          .wall = [this] { return wall_now() + Milliseconds(ahead_ms_); },
                          .methods = &methods_,
                          .next_key = [this] { return file().next_key(); },
                          .changed = [this](const Membership& changed) { need(file().write(changed)); },
                          .heard = [this](std::optional<int64_t> newest) { copy_->heard(newest); }});
        uplink_->start();
    });
}

Membership AgentHouse::membership() const
{
    return *need(file().read());
}

Result<std::string> AgentHouse::open_branch()
{
    for (Method method :
         {Method{"ConfigShow", Right::view,
                 [this](const Call&) -> Result<Reply> {
                     return Reply{TRY(show_copy(*copy_, "", "", framework::configuration::Ids::as_comments))};
                 }},
          Method{"ConfigWatch", Right::view, [this](const Call&) { return watch_copy(*copy_); }},
          Method{"Change", Right::operate, [](const Call&) { return Reply{}; }}})
        branch_methods_.emplace(method.name, method);
    Result<std::string> address;
    running_.in_loop([&] {
        auto opened = Branch::open(running_.loop(), running_.workers(), membership(),
                                   {.listen = "127.0.0.1:0", .methods = &branch_methods_});
        if (!opened) {
            address = std::unexpected(opened.error());
            return;
        }
        branch_ = *std::move(opened);
        address = branch_->address();
    });
    return address;
}

void AgentHouse::detach()
{
    running_.in_loop([&] {
        if (branch_) branch_->stop();
        if (uplink_) uplink_->stop();
        uplink_.reset();
    });
}

std::shared_ptr<void> AgentHouse::hang()
{
    auto release = std::make_shared<std::promise<void>>();
    running_.loop().post([until = std::shared_future<void>(release->get_future())] { until.wait(); });
    return {nullptr, [release](void*) { release->set_value(); }};
}

void AgentHouse::set(int value)
{
    value_ = value;
    running_.loop().post([this] {
        if (uplink_) uplink_->topic_changed("value");
    });
}

bool AgentHouse::await_version(framework::configuration::Version version)
{
    return await_true([&] { return copy_->snapshot().version == version; });
}

bool AgentHouse::await_problem(ErrorKind kind)
{
    return await_true([&] {
        LinkState state;
        running_.in_loop([&] { state = uplink_->state(); });
        return !state.attached && state.problem && state.problem->kind == kind;
    });
}

SilentListener::SilentListener() : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
{
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const where = reinterpret_cast<sockaddr*>(&address);
    // The kernel completes connections that nobody takes.
    INVARIANT(listener_ && bind(listener_.number(), where, size) == 0 && listen(listener_.number(), 8) == 0 &&
              getsockname(listener_.number(), where, &size) == 0);
    address_ = fmt::format("127.0.0.1:{}", ntohs(address.sin_port));
}

class Impostor::Service final : public v1::Membership::Service {
  public:
    grpc::Status Attach(grpc::ServerContext*,
                        grpc::ServerReaderWriter<v1::ToMember, v1::FromMember>*) override
    {
        ++calls;
        return grpc::Status::OK;
    }
    std::atomic<int> calls = 0;
};

Impostor::Impostor(const Membership& membership) : service_(std::make_unique<Service>())
{
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort(
        "127.0.0.1:0",
        server_credentials({membership.authority_pem, membership.certificate_pem, membership.key_pem}),
        &port);
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    INVARIANT(server_);
    address_ = fmt::format("127.0.0.1:{}", port);
}

Impostor::~Impostor()
{
    server_->Shutdown(std::chrono::system_clock::now());
}

int Impostor::calls() const
{
    return service_->calls;
}

}  // namespace belay::site::testing
