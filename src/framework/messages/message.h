#pragma once
// A message: something that a component says has happened, under an id that stays the same whatever language
// its text is in. The folder's model.
//
//     20-00010  standard  stat server on web1: listens at port 7260
//
// Source: mission F9; the components, ids and levels are those of its platform.

#include "base/json.h"
#include "base/units.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace belay::framework::messages {

/// The most important first; whoever asks for one gets those before it as well.
enum class Level {
    alarm,        ///< somebody should know of it at once
    standard,     ///< what a person who runs it wants to see
    interaction,  ///< one piece of work on its way through the components
    trace,        ///< what a component does
    debug,        ///< for its makers; never leaves its host
};
inline constexpr size_t levels = 5;

/// The stable name, as "alarm".
std::string_view name_of(Level level);
/// Errors: usage, naming those there are.
Result<Level> level_named(std::string_view name);

/// "NN-NNNNN": of which component, and which of its events.
struct EventId {
    uint8_t component = 0;  ///< 0..99; 01 to 09 are Belay's own
    uint32_t number = 0;    ///< 0..99999

    auto operator<=>(const EventId&) const = default;
};
std::string to_text(EventId id);
/// Errors: usage, with what one looks like.
Result<EventId> parse_event_id(std::string_view text);
/// A list of them as texts, 10,000 at most. Errors: usage.
Result<std::vector<EventId>> read_event_ids(const Json& json);

/// What is too long of a message is cut where it comes in, never refused.
struct MessageLimits {
    static constexpr size_t text = 1 << 20;       ///< bytes
    static constexpr size_t name = 256;           ///< of a host, an application, an interaction, an attribute
    static constexpr size_t attributes = 64;      ///< how many
    static constexpr size_t attribute = 4 << 10;  ///< bytes of one
};

struct Message {
    EventId id = {};
    Level level = Level::standard;
    Milliseconds at{0};            ///< wall clock of where it was said
    std::string host = {};         ///< by its name in the configuration
    std::string application = {};  ///< empty: Belay itself
    std::string interaction = {};  ///< the piece of work that it belongs to; empty: none
    std::string text = {};         ///< UTF-8, in the catalogue's first language
    std::map<std::string, std::string> attributes = {};  ///< what the text was filled in with, and more

    bool operator==(const Message&) const = default;
};

/// One that is kept. Numbers go up in the order in which a store got them, and are never used again.
struct StoredMessage {
    uint64_t number = 0;
    Message message;
};

/// {"id", "level", "at_ms", "host", "application", "interaction", "text", "attributes": {name: text}}; what
/// is empty is left out.
void to_json(Json& json, const Message& message);
/// The same, with "number".
void to_json(Json& json, const StoredMessage& stored);
/// Reads the same; "level", "at_ms", "host" may be absent, and are what `otherwise` has. What is too long is
/// cut, what is no UTF-8 is replaced. Errors: usage, naming the field.
Result<Message> read_message(const Json& json, const Message& otherwise);

/// Cuts what is longer than MessageLimits, and replaces what is no UTF-8.
void fit(Message& message);

}  // namespace belay::framework::messages
