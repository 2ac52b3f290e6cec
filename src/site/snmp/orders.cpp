#include "site/snmp/orders.h"

#include "site/client.h"

#include <chrono>
#include <future>
#include <thread>

namespace belay::site::snmp {
namespace {

constexpr auto patience = std::chrono::milliseconds(1500);
constexpr int most_under_way = 4;

}  // namespace

Result<Json> Orders::ask(const Json& parameters)
{
    if (under_way_->fetch_add(1) >= most_under_way) {
        under_way_->fetch_sub(1);
        return fail(ErrorKind::busy, "belayd has not answered what it was asked before");
    }
    auto promise = std::make_shared<std::promise<Result<Json>>>();
    std::future<Result<Json>> answer = promise->get_future();
    // It may wait for a daemon that hangs, and cannot be ended then.
    std::thread([promise, parameters, socket = socket_, count = under_way_] {
        promise->set_value([&]() -> Result<Json> {
            const std::unique_ptr<Client> client =
                TRY(connect({.socket = socket, .state_folder = "", .daemon = ""}));
            return client->call("ApplicationOrder", parameters);
        }());
        count->fetch_sub(1);
    }).detach();
    if (answer.wait_for(patience) != std::future_status::ready)
        return fail(ErrorKind::timeout, "belayd has not answered in time");
    return answer.get();
}

Result<void> Orders::may()
{
    // Rights are looked at first: who has them is told that the question has no application.
    const Result<Json> answer = ask(Json::object());
    if (answer || answer.error().kind == ErrorKind::usage) return {};
    return std::unexpected(answer.error());
}

Result<void> Orders::order(const std::string& application, const std::string& want)
{
    TRY(ask({{"application", application}, {"want", want}, {"why", "asked by SNMP"}}));
    return {};
}

}  // namespace belay::site::snmp
