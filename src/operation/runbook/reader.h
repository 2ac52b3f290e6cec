#pragma once
// Reading the tables of a runbook key by key. What does not fit becomes a problem at its place, and reading
// goes on: all problems of a file are said at once.

#include "operation/runbook/document.h"
#include "operation/runbook/runbook.h"

#include <set>

namespace belay::operation::runbook {

/// One table of the file. The node and the list of problems must outlive it.
class Reader {
  public:
    /// `what` names it in a complaint: "the runbook", "a step".
    Reader(const Node& table, Place place, std::string what, std::vector<Problem>& problems);

    std::optional<Text> text(std::string_view key);
    /// An empty text, and a problem that says `wanted`, where it is absent.
    Text required(std::string_view key, std::string_view wanted);
    std::optional<Milliseconds> span(std::string_view key);
    std::optional<int64_t> integer(std::string_view key, int64_t least, int64_t most);
    std::optional<bool> flag(std::string_view key);
    std::vector<Text> texts(std::string_view key);
    /// A program with its arguments; nothing where it is absent or no command.
    std::optional<Words> words(std::string_view key);
    std::vector<Words> commands(std::string_view key);
    /// A command whose answer is yes or no: ["program", ...] or { run = [...], expect-exit = 1, ... }.
    std::optional<Probe> probe(std::string_view key);
    /// The same where its keys stand in this very table.
    std::optional<Probe> own_probe();

    /// The tables of a list of tables ([[key]]), and those of a table of tables ([key.NAME]).
    std::vector<const Node*> tables(std::string_view key);
    std::vector<const Entry*> named_tables(std::string_view key);
    std::optional<Reader> table(std::string_view key, std::string what);

    /// To be called last: whatever was not asked for is no key of this table.
    void no_other() const;

    bool has(std::string_view key) const;
    Place place() const { return place_; }
    Place place_of(std::string_view key) const;
    void error(Place place, std::string what) const { problems_.push_back({place, true, std::move(what)}); }
    void warning(Place place, std::string what) const
    {
        problems_.push_back({place, false, std::move(what)});
    }

  private:
    const Entry* find(std::string_view key);
    const Node* find(std::string_view key, Node::Kind kind, std::string_view example);
    std::optional<Words> words_of(const Node& node, std::string_view key) const;
    std::optional<Text> text_of(const Node& node, std::string_view key) const;
    std::optional<Text> pattern(std::string_view key);

    const Node& node_;
    Place place_;
    std::string what_;
    std::vector<Problem>& problems_;
    std::set<std::string, std::less<>> asked_for_ = {};
};

}  // namespace belay::operation::runbook
