#pragma once
// By which rules of the catalogue a line that an application has printed becomes a message that says what has
// happened, and to which piece of work it belongs. Patterns are those of RE2: the time that one takes grows
// with the length of the line and never faster, and what it holds in memory is bounded.

#include "framework/messages/catalogue.h"

#include <memory>

namespace re2 {
class RE2;
}

namespace belay::message_server {

/// Threads: any.
class LineRules {
  public:
    /// Bytes of a line; a longer one meets no rule.
    static constexpr size_t longest_line = 16 << 10;
    static constexpr int most_groups = 32;
    /// The group that is no attribute.
    static constexpr const char* interaction = "interaction";

    LineRules() = default;
    /// A rule whose pattern is wrong is left out, and said in `faults`.
    LineRules(const framework::messages::Catalogue& catalogue,
              std::vector<framework::messages::CatalogueFault>& faults);

    /// Whether there is any for it.
    bool concern(const std::string& application) const;
    /// Whether the text of a message, which is within all limits, meets a rule: the first of its application
    /// gives it its id, level, interaction and attributes.
    bool apply(framework::messages::Message& message) const;

  private:
    struct Rule {
        std::string application;  ///< a pattern, as of fnmatch(3)
        std::shared_ptr<const re2::RE2> pattern;
        framework::messages::EventId id;
        framework::messages::Level level;
    };

    std::vector<Rule> rules_;
};

/// What of the catalogue the message server goes by. Threads: any.
struct Texts {
    framework::messages::Catalogue catalogue = {};
    LineRules rules = {};
};

struct ReadTexts {
    std::shared_ptr<const Texts> texts = {};
    std::vector<framework::messages::CatalogueFault> faults = {};
};

/// What the files in these folders say; what of it is wrong is left out, and said.
ReadTexts read_texts(const std::vector<std::string>& folders);

}  // namespace belay::message_server
