#include "framework/redundancy/moving.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>

namespace belay::framework::redundancy {
namespace {

constexpr std::string_view mark = "move";
constexpr size_t moving_fields = 8;
constexpr int last_moving_kind = static_cast<int>(Moving::Kind::called_off);
constexpr size_t most_addresses = 8;
constexpr size_t longest_reason = 200;

bool is_address(const Json& json)
{
    std::array<unsigned char, 16> bytes{};
    if (!json.is_string()) return false;
    const auto& text = json.get_ref<const std::string&>();
    return inet_pton(AF_INET, text.c_str(), bytes.data()) == 1 ||
           inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1;
}

}  // namespace

std::string to_bytes(const Moving& moving)
{
    Json addresses = moving.addresses;
    if (addresses.size() > most_addresses)
        addresses.erase(addresses.begin() + most_addresses, addresses.end());
    return json_text(
        Json::array({mark, static_cast<int>(moving.kind), moving.pair, moving.epoch, moving.giver,
                     moving.token, std::move(addresses), moving.reason.substr(0, longest_reason)}));
}

Result<Moving> moving_from(std::string_view bytes)
{
    const auto bad = [] { return fail(ErrorKind::corrupt, "this is no message about a move"); };
    const Result<Json> json = parse_json(bytes);
    if (!json || !json->is_array() || json->size() != moving_fields || (*json)[0] != Json(mark)) return bad();
    for (size_t i = 1; i <= 5; ++i) {
        if (!(*json)[i].is_number_unsigned()) return bad();
    }
    const Json& addresses = (*json)[6];
    const Json& reason = (*json)[7];
    const bool fits = (*json)[1].get<uint64_t>() <= last_moving_kind && addresses.is_array() &&
                      addresses.size() <= most_addresses && std::ranges::all_of(addresses, is_address) &&
                      reason.is_string() && reason.get_ref<const std::string&>().size() <= longest_reason;
    if (!fits) return bad();
    return Moving{.kind = static_cast<Moving::Kind>((*json)[1].get<int>()),
                  .pair = static_cast<PairId>((*json)[2].get<uint64_t>()),
                  .epoch = (*json)[3].get<uint64_t>(),
                  .giver = static_cast<ApplicationId>((*json)[4].get<uint64_t>()),
                  .token = (*json)[5].get<uint64_t>(),
                  .addresses = addresses.get<std::vector<std::string>>(),
                  .reason = reason.get<std::string>()};
}

}  // namespace belay::framework::redundancy
