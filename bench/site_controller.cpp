// The controller that is measured, in a process of its own.

#include "dialogue.h"
#include "samples.h"
#include "site/remote/controller/controller.h"
#include "site_members.h"
#include "site_sample.h"
#include "store/sqlite.h"

#include <ctime>
#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

namespace belay::bench {
namespace {

using framework::configuration::Register;
using framework::configuration::Version;

constexpr size_t hosts_of_controller = 10;
constexpr auto attach_patience = std::chrono::minutes(10);
constexpr auto look_every = std::chrono::microseconds(200);
constexpr auto look_at_many_every = std::chrono::milliseconds(20);
constexpr auto tell_every = std::chrono::seconds(10);

Milliseconds wall_now()
{
    return std::chrono::duration_cast<Milliseconds>(std::chrono::system_clock::now().time_since_epoch());
}

Result<int64_t> memory_kib()
{
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;) {
        int64_t value = 0;
        if (word == "VmRSS:" && status >> value) return value;
    }
    return fail(ErrorKind::failed, "the kernel does not say how much memory the controller has");
}

class MeasuredController {
  public:
    static Result<std::unique_ptr<MeasuredController>> open(const std::string& folder);
    ~MeasuredController();
    MeasuredController(const MeasuredController&) = delete;
    MeasuredController& operator=(const MeasuredController&) = delete;

    Result<Json> answer(const Json& question);

  private:
    explicit MeasuredController(std::string folder) : folder_(std::move(folder)) {}
    Result<void> start();
    Result<void> enrol(size_t members, const std::string& file);
    Result<Json> await(size_t members) const;
    Result<Json> change(size_t members);
    static Json idle(Milliseconds span);
    void in_loop(const std::function<void()>& what);

    const std::string folder_;
    std::unique_ptr<store::Store> store_;
    std::unique_ptr<Register> configuration_;
    std::unique_ptr<site::Loop> loop_;
    std::unique_ptr<site::Workers> workers_;
    std::thread thread_;
    site::Methods methods_;
    std::optional<site::SiteAuthority> authority_;
    std::unique_ptr<site::Controller> controller_;
    size_t changes_ = 0;
};

Result<std::unique_ptr<MeasuredController>> MeasuredController::open(const std::string& folder)
{
    std::error_code problem;
    std::filesystem::create_directory(folder, problem);
    if (problem) return std::unexpected(system_error("make " + folder, problem.value()));
    std::unique_ptr<MeasuredController> measured(new MeasuredController(folder));
    TRY(measured->start());
    return measured;
}

Result<void> MeasuredController::start()
{
    store_ = TRY(store::open_sqlite(folder_ + "/belay.db"));
    configuration_ = std::make_unique<Register>(*store_);
    TRY(make_site(*configuration_, hosts_of_controller));
    authority_ = TRY(site::open_authority(folder_, *store_, wall_now()));
    loop_ = TRY(site::Loop::open());
    workers_ = std::make_unique<site::Workers>(*loop_);
    thread_ = std::thread([this] { static_cast<void>(loop_->run().has_value()); });
    Result<std::unique_ptr<site::Controller>> opened = fail(ErrorKind::failed, "not opened");
    in_loop([&] {
        opened = site::Controller::open(*loop_, *workers_, *store_, *authority_,
                                        {.listen = "127.0.0.1:0",
                                         .controllers = {},
                                         .wall = wall_now,
                                         .methods = &methods_,
                                         .audit = [](const Json&) {},
                                         .changed = [](const std::string&) {}});
    });
    controller_ = TRY(std::move(opened));
    return {};
}

MeasuredController::~MeasuredController()
{
    if (controller_) in_loop([&] { controller_->stop(); });
    controller_.reset();
    if (!thread_.joinable()) return;
    loop_->post([this] { loop_->stop(); });
    thread_.join();
}

void MeasuredController::in_loop(const std::function<void()>& what)
{
    std::promise<void> done;
    loop_->post([&] {
        what();
        done.set_value();
    });
    done.get_future().wait();
}

/// Makes the members, each with a key and a certificate of its own, without their machines: a line for each.
Result<void> MeasuredController::enrol(size_t members, const std::string& file)
{
    std::ofstream out(file);
    for (size_t i = 0; i < members; ++i) {
        const std::string name = fmt::format("host-{}", i + 1);
        site::Registry& registry = controller_->registry();
        const site::OpenInvitation open =
            TRY(registry.invite({.name = name}, std::string(16, 'x'), wall_now()));
        const std::string key = TRY(site::make_key());
        const std::string request = TRY(site::make_request(key));
        const auto issue = [&](site::Role role, const std::string& id) {
            return authority_->authority.issue(request, {authority_->site, role, id}, wall_now(),
                                               site::Controller::certificate_lasts);
        };
        const std::string digest = TRY(site::Authority::key_digest(request));
        const auto joined = TRY(registry.enrol(
            {.invitation = open.number, .secret = open.secret, .key_digest = digest, .host_name = name},
            wall_now(), issue));
        out << json_text({{"site", authority_->site},
                          {"id", joined.member.id},
                          {"name", name},
                          {"controller", controller_->address()},
                          {"authority", authority_->authority.certificate_pem()},
                          {"certificate", joined.certificate.pem},
                          {"key", key}})
            << '\n';
    }
    if (!out.flush()) return fail(ErrorKind::no_space, "cannot write " + file);
    return {};
}

/// The processor time that it took until so many are attached and have the newest version.
Result<Json> MeasuredController::await(size_t members) const
{
    const Nanoseconds begun = reading(CLOCK_MONOTONIC);
    const Nanoseconds processor = reading(CLOCK_PROCESS_CPUTIME_ID);
    Nanoseconds told = begun;
    while (reading(CLOCK_MONOTONIC) - begun < attach_patience) {
        const site::Distribution now = controller_->distributor().distribution();
        if (now.problem) return std::unexpected(*now.problem);
        if (now.members == members && now.current == members)
            return Json{
                {"us", (reading(CLOCK_PROCESS_CPUTIME_ID) - processor) / std::chrono::microseconds(1)}};
        if (reading(CLOCK_MONOTONIC) - told > tell_every) {
            fmt::print(stderr, "{} of {} are attached\n", now.members, members);
            told = reading(CLOCK_MONOTONIC);
        }
        std::this_thread::sleep_for(look_at_many_every);
    }
    const site::Distribution now = controller_->distributor().distribution();
    return fail(ErrorKind::timeout, fmt::format("of {} members {} have attached and {} are up to date",
                                                members, now.members, now.current));
}

/// From the beginning of the write until every member has said that it has it.
Result<Json> MeasuredController::change(size_t members)
{
    const Nanoseconds begun = reading(CLOCK_MONOTONIC);
    const Nanoseconds processor = reading(CLOCK_PROCESS_CPUTIME_ID);
    const Version version = TRY(change_site(*configuration_, ++changes_));
    while (reading(CLOCK_MONOTONIC) - begun < attach_patience) {
        const site::Distribution now = controller_->distributor().distribution();
        if (now.newest >= version && now.current == members)
            return Json{{"us", (reading(CLOCK_MONOTONIC) - begun) / std::chrono::microseconds(1)},
                        {"processor_us",
                         (reading(CLOCK_PROCESS_CPUTIME_ID) - processor) / std::chrono::microseconds(1)}};
        std::this_thread::sleep_for(look_every);
    }
    return fail(ErrorKind::timeout, "a change has not reached all members");
}

Json MeasuredController::idle(Milliseconds span)
{
    const Nanoseconds begun = reading(CLOCK_PROCESS_CPUTIME_ID);
    std::this_thread::sleep_for(span);
    return {{"us", (reading(CLOCK_PROCESS_CPUTIME_ID) - begun) / std::chrono::microseconds(1)}};
}

Result<Json> MeasuredController::answer(const Json& question)
{
    const std::string what = question.value("do", "");
    const size_t members = question.value("members", size_t{0});
    if (what == "memory") {
        const int64_t kib = TRY(memory_kib());
        return Json{{"kib", kib}};
    }
    if (what == "await") return await(members);
    if (what == "change") return change(members);
    if (what == "idle") return idle(Milliseconds(question.value("ms", int64_t{0})));
    if (what != "enrol") return fail(ErrorKind::usage, "the controller that is measured does no " + what);
    TRY(enrol(members, question.value("file", "")));
    return Json::object();
}

}  // namespace

Result<void> serve_as_controller(const std::string& folder)
{
    const auto controller = TRY(MeasuredController::open(folder));
    return answer_all([&](const Json& question) { return controller->answer(question); });
}

}  // namespace belay::bench
