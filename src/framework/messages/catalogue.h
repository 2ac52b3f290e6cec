#pragma once
// What messages say, in the languages of those who read them, by the ids of their events; and by which rules
// lines that applications print become such messages. It is read from TOML files:
//
//     language = "en"                        of the texts that name none; "en" unless told
//
//     [message.20-00010]
//     level = "standard"                     unless told
//     text = "listens at port {port}"        "{name}" is the attribute of that name
//     explanation = "..."                    what has happened; may be absent
//     action = "..."                         what a person does about it; may be absent
//     de.text = "hört auf Port {port}"       the same in another language, with the same names
//
//     [[line]]
//     application = "stat server*"           a name, or a pattern for names as of a shell
//     pattern = '^listening on (?P<port>\d+)'
//     id = "20-00010"
//     level = "standard"                     unless told that of the id
//
// A file is taken as a whole or left out as a whole.

#include "framework/messages/message.h"
#include "operation/runbook/problem.h"

#include <optional>

namespace belay::framework::messages {

struct CatalogueLimits {
    static constexpr size_t file = 1 << 20;  ///< bytes
    static constexpr size_t files = 64;
    static constexpr size_t messages = 10'000;    ///< of all files
    static constexpr size_t rules = 128;          ///< of all files
    static constexpr size_t languages = 32;       ///< of one message, besides its own
    static constexpr size_t text = 4 << 10;       ///< bytes
    static constexpr size_t long_text = 8 << 10;  ///< bytes of an explanation, or of an action
    static constexpr size_t places = 32;          ///< names in a text that are filled in
    static constexpr size_t pattern = 1 << 10;    ///< bytes
};

/// What is said of an event, in one language.
struct EventWords {
    std::string text = {};                      ///< "{name}" is the attribute of that name
    std::string explanation = {}, action = {};  ///< may be empty
};

struct EventEntry {
    EventId id = {};
    Level level = Level::standard;
    std::string language = {};  ///< of `words`, as "en"
    EventWords words = {};
    std::map<std::string, EventWords> translations = {};  ///< by language; each has a text
    std::string file = {};
    size_t line = 1;

    /// In a language, as "de" or "de_AT", which is as "de" where there is nothing else. Null: there is none.
    const EventWords* in_language(std::string_view wanted) const;
};

/// A line that `application` prints and `pattern` fits becomes a message.
struct LineRule {
    std::string application = {};  ///< a pattern, as of fnmatch(3)
    std::string pattern = {};
    EventId id = {};
    std::optional<Level> level = {};  ///< nothing: that of the id
    std::string file = {};
    size_t line = 1;
};

/// Threads: one at a time; any, while nothing is added.
class Catalogue {
  public:
    /// What a file says. Where it has a problem, which is all that is returned, nothing of it is taken.
    std::vector<operation::runbook::Problem> add(const std::string& file, std::string_view text);

    /// Null: the id is not known.
    const EventEntry* find(EventId id) const;
    const std::map<EventId, EventEntry>& entries() const { return entries_; }
    /// In the order in which they are tried.
    const std::vector<LineRule>& rules() const { return rules_; }

  private:
    std::map<EventId, EventEntry> entries_;
    std::vector<LineRule> rules_;
};

/// Why something of the catalogue does not count, in one sentence with file, line and what to do.
struct CatalogueFault {
    std::string file = {};
    std::string what = {};
};

struct ReadCatalogue {
    Catalogue catalogue = {};
    std::vector<CatalogueFault> faults = {};  ///< at most one a file: its first, and how many more
};

/// The folders of a host, of which the first is the packages'.
const std::vector<std::string>& catalogue_folders();
/// All *.toml in the folders, each in the order of names. A folder that is not there is none. Errors: none;
/// a file that is wrong, too large or not to be read is left out, and said.
ReadCatalogue read_catalogue(const std::vector<std::string>& folders);
/// "/usr/share/x:/etc/x" as folders; without an absolute path between colons there is none.
std::vector<std::string> folders_in(std::string_view text);

/// The names in a text that are filled in, in its order, each as often as it stands there. Errors: usage (a
/// brace that belongs to no name).
Result<std::vector<std::string>> places_in(std::string_view text);

/// Filled in with what the message has: its attributes, and "host", "application", "interaction" where none
/// is called so. What there is nothing for stays as it stands. At most MessageLimits::text bytes.
std::string filled_with(std::string_view text, const Message& message);

/// The text in another language. Nothing: there is none, or the message lacks something that it is filled in
/// with, and so is to be shown as it was said.
std::optional<std::string> translated(const Catalogue& catalogue, const Message& message,
                                      std::string_view language);

/// Where its id is known: a message without a text gets that of the catalogue, and one without a level
/// (`has_level` false) that level.
void complete(const Catalogue& catalogue, Message& message, bool has_level);

}  // namespace belay::framework::messages
