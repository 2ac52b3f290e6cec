#pragma once
// What Belay itself says, by components: 01 messages, 02 operations, 03 applications, 04 pairs and solutions,
// 05 hosts, 06 storage, 07 configuration, 08 people. An id stays what it is, whatever becomes of its text.

#include "framework/messages/message.h"

#include <span>

namespace belay::framework::messages {

struct OwnEvent {
    EventId id;
    Level level = Level::standard;
    std::string_view text;  ///< "{name}" is the attribute of that name
};

namespace own {

inline constexpr OwnEvent dropped{
    .id = {.component = 1, .number = 10},
    .level = Level::standard,
    .text = "{count} messages of {speaker} were dropped between {from} and {until}: {levels}"};
inline constexpr OwnEvent no_messages{.id = {.component = 1, .number = 11},
                                      .level = Level::standard,
                                      .text = "what {speaker} says is no message, for one: {reason}"};
inline constexpr OwnEvent print_lost{
    .id = {.component = 1, .number = 12},
    .level = Level::standard,
    .text = "some of what {speaker} has printed was overwritten before it was taken in"};
inline constexpr OwnEvent store_failed{.id = {.component = 1, .number = 20},
                                       .level = Level::alarm,
                                       .text = "no message could be kept since {since}: {reason}"};
inline constexpr OwnEvent store_works{.id = {.component = 1, .number = 21},
                                      .level = Level::standard,
                                      .text = "messages are kept again, after {span}"};
inline constexpr OwnEvent store_damaged{.id = {.component = 1, .number = 22},
                                        .level = Level::alarm,
                                        .text = "some messages are lost: {file}: {reason}"};
inline constexpr OwnEvent catalogue_wrong{
    .id = {.component = 1, .number = 23},
    .level = Level::standard,
    .text = "something is left out of the catalogue of messages: {reason}"};
inline constexpr OwnEvent output_failed{.id = {.component = 1, .number = 24},
                                        .level = Level::alarm,
                                        .text = "output {output} takes no messages: {reason}"};
inline constexpr OwnEvent output_works{.id = {.component = 1, .number = 25},
                                       .level = Level::standard,
                                       .text = "output {output} takes messages again, after {span}"};
inline constexpr OwnEvent output_refused{.id = {.component = 1, .number = 26},
                                         .level = Level::standard,
                                         .text = "output {output} has refused {count} messages: {reason}"};
inline constexpr OwnEvent output_missed{
    .id = {.component = 1, .number = 27},
    .level = Level::alarm,
    .text = "{count} messages were let go of before output {output} took them"};
inline constexpr OwnEvent journal_lost{
    .id = {.component = 1, .number = 28},
    .level = Level::standard,
    .text = "the journal let go of {count} entries before they were taken in, between {from} and {until}"};
inline constexpr OwnEvent journal_anew{
    .id = {.component = 1, .number = 29},
    .level = Level::standard,
    .text = "the journal was begun anew: what came before {until} and was not taken in yet is lost"};
inline constexpr OwnEvent daemon_started{
    .id = {.component = 1, .number = 30}, .level = Level::standard, .text = "belayd {version} has started"};
inline constexpr OwnEvent daemon_ended{
    .id = {.component = 1, .number = 31}, .level = Level::standard, .text = "belayd ends"};
inline constexpr OwnEvent daemon_dropped{
    .id = {.component = 1, .number = 32},
    .level = Level::standard,
    .text = "{count} messages of belayd were dropped: the message server did not take them"};

inline constexpr OwnEvent operation_moved{.id = {.component = 2, .number = 10},
                                          .level = Level::standard,
                                          .text = "operation {operation} ({title}) is {state}"};
inline constexpr OwnEvent operation_held{.id = {.component = 2, .number = 20},
                                         .level = Level::alarm,
                                         .text = "operation {operation} ({title}) is held: {reason}"};
inline constexpr OwnEvent operation_aborted{.id = {.component = 2, .number = 21},
                                            .level = Level::standard,
                                            .text = "operation {operation} ({title}) has aborted: {reason}"};

inline constexpr OwnEvent application_started{
    .id = {.component = 3, .number = 10}, .level = Level::standard, .text = "{application} has started"};
inline constexpr OwnEvent application_stopped{
    .id = {.component = 3, .number = 11}, .level = Level::standard, .text = "{application} has stopped"};
inline constexpr OwnEvent application_moved{
    .id = {.component = 3, .number = 12}, .level = Level::trace, .text = "{application} is {phase}"};
inline constexpr OwnEvent application_failed{.id = {.component = 3, .number = 20},
                                             .level = Level::alarm,
                                             .text = "{application} has failed: {reason}"};
inline constexpr OwnEvent application_unavailable{.id = {.component = 3, .number = 21},
                                                  .level = Level::alarm,
                                                  .text = "{application} is unavailable: {reason}"};
inline constexpr OwnEvent application_restarted{
    .id = {.component = 3, .number = 22},
    .level = Level::standard,
    .text = "{application} was started again, for the {count}. time"};
inline constexpr OwnEvent supervisor_lost{
    .id = {.component = 3, .number = 30},
    .level = Level::alarm,
    .text = "the supervisor of the applications is not reached: {reason}"};

inline constexpr OwnEvent role_taken{.id = {.component = 4, .number = 10},
                                     .level = Level::standard,
                                     .text = "{application} is {role} of its pair"};

inline constexpr OwnEvent host_attached{
    .id = {.component = 5, .number = 10}, .level = Level::standard, .text = "host {name} is there"};
inline constexpr OwnEvent host_lost{
    .id = {.component = 5, .number = 20}, .level = Level::alarm, .text = "host {name} is {state}: {reason}"};

inline constexpr OwnEvent storage_alarm{
    .id = {.component = 6, .number = 10}, .level = Level::alarm, .text = "{event} of {device}: {text}"};

inline constexpr OwnEvent configuration_changed{.id = {.component = 7, .number = 10},
                                                .level = Level::standard,
                                                .text = "the configuration is version {version}"};

inline constexpr OwnEvent person_acted{
    .id = {.component = 8, .number = 10}, .level = Level::standard, .text = "{user}: {verb} {what}"};
inline constexpr OwnEvent person_refused{.id = {.component = 8, .number = 20},
                                         .level = Level::standard,
                                         .text = "{user}: {verb} {what} was refused: {reason}"};

}  // namespace own

/// All of them, by id.
std::span<const OwnEvent> own_events();

/// Each "{name}" that there is an attribute for is replaced by it; any other stays as it stands.
std::string filled_in(std::string_view text, const std::map<std::string, std::string>& attributes);

/// Its text filled in. The attribute "application", where there is one, is of whom it is said.
Message own_message(const OwnEvent& event, std::map<std::string, std::string> attributes, Milliseconds at);

}  // namespace belay::framework::messages
