#include "framework/messages/own_events.h"

#include <array>

namespace belay::framework::messages {
namespace {

constexpr std::array all_own_events = {own::dropped,
                                       own::no_messages,
                                       own::print_lost,
                                       own::store_failed,
                                       own::store_works,
                                       own::store_damaged,
                                       own::catalogue_wrong,
                                       own::output_failed,
                                       own::output_works,
                                       own::output_refused,
                                       own::output_missed,
                                       own::journal_lost,
                                       own::journal_anew,
                                       own::daemon_started,
                                       own::daemon_ended,
                                       own::daemon_dropped,
                                       own::operation_moved,
                                       own::operation_held,
                                       own::operation_aborted,
                                       own::application_started,
                                       own::application_stopped,
                                       own::application_moved,
                                       own::application_failed,
                                       own::application_unavailable,
                                       own::application_restarted,
                                       own::supervisor_lost,
                                       own::role_taken,
                                       own::host_attached,
                                       own::host_lost,
                                       own::storage_alarm,
                                       own::configuration_changed,
                                       own::person_acted,
                                       own::person_refused};

}  // namespace

std::span<const OwnEvent> own_events()
{
    return all_own_events;
}

std::string filled_in(std::string_view text, const std::map<std::string, std::string>& attributes)
{
    std::string filled;
    while (!text.empty()) {
        const size_t open = text.find('{');
        const size_t close = text.find('}', open == std::string_view::npos ? 0 : open);
        if (open == std::string_view::npos || close == std::string_view::npos) break;
        const auto found = attributes.find(std::string(text.substr(open + 1, close - open - 1)));
        filled += text.substr(0, open);
        filled += found == attributes.end() ? text.substr(open, close - open + 1) : found->second;
        text.remove_prefix(close + 1);
    }
    filled += text;
    return filled;
}

Message own_message(const OwnEvent& event, std::map<std::string, std::string> attributes, Milliseconds at)
{
    Message message{.id = event.id,
                    .level = event.level,
                    .at = at,
                    .text = filled_in(event.text, attributes),
                    .attributes = std::move(attributes)};
    if (const auto of = message.attributes.find("application"); of != message.attributes.end())
        message.application = of->second;
    fit(message);
    return message;
}

}  // namespace belay::framework::messages
