#pragma once
// Reads the value of one attribute out of a TOML file, by its schema.

#include "framework/configuration/draft.h"
#include "operation/runbook/document.h"

namespace belay::framework::configuration {

using operation::runbook::Entry;
using operation::runbook::Node;

/// Reads into one object. All of what it is given must outlive it.
class ValueReader {
  public:
    ValueReader(DraftObject& object, const KeyRing* keys, std::vector<Problem>& problems)
        : object_(object), keys_(keys), problems_(problems)
    {
    }

    /// The value as it is kept; nothing, and problems that say why, where it is none.
    std::optional<Json> read(const Attribute& attribute, const Node& node, const std::string& pointer);

    void error(Place place, std::string what) { problems_.push_back({place, true, std::move(what)}); }

  private:
    std::optional<Json> read_text(const Attribute& attribute, const Node& node);
    std::optional<Json> read_secret(const Attribute& attribute, const Node& node);
    std::optional<Json> read_number(const Attribute& attribute, const Node& node);
    std::optional<Json> read_measure(const Attribute& attribute, const Node& node);
    std::optional<Json> read_texts(const Attribute& attribute, const Node& node);
    std::optional<Json> read_named_texts(const Attribute& attribute, const Node& node,
                                         const std::string& pointer);
    std::optional<Json> read_reference(const Attribute& attribute, const Node& node,
                                       const std::string& pointer);
    std::optional<Json> read_references(const Attribute& attribute, const Node& node,
                                        const std::string& pointer);
    std::optional<Json> read_table(const Attribute& attribute, const Node& node, const std::string& pointer);
    std::optional<Json> read_tables(const Attribute& attribute, const Node& node, const std::string& pointer);
    std::optional<Json> read_sections(const Node& node, const std::string& pointer);
    void check_fields(const Attribute& attribute, const Json& table, Place place);
    void check_keys(const Attribute& attribute, const Json& tables, const Node& node);

    bool is(const Node& node, Node::Kind kind, const Attribute& attribute, std::string_view example);
    /// A text that a program can be given: no zero byte.
    std::optional<std::string> text_of(const Node& node, std::string_view name);

    DraftObject& object_;
    const KeyRing* keys_;
    std::vector<Problem>& problems_;
};

/// Why a text is not what it must look like; nothing: it is.
std::optional<std::string> complaint_about(Form form, std::string_view text);

/// As much of a text as a sentence can hold.
std::string shown(std::string_view text);

}  // namespace belay::framework::configuration
