#pragma once
// A TOML file as a tree that knows where everything stands. The tree is what the rest of the house sees of
// TOML: the library behind it costs seconds to compile, and so is included in one file only.

#include "operation/runbook/problem.h"

#include <cstdint>
#include <optional>

namespace belay::operation::runbook {

struct Entry;

/// One value of a TOML file.
struct Node {
    enum class Kind { text, integer, boolean, list, table, other } kind = Kind::table;
    Place place = {};
    std::string text = {};
    int64_t integer = 0;  ///< of a boolean: 0 or 1
    std::vector<Node> items = {};
    std::vector<Entry>
        entries;  ///< in the order of the file; no initializer here, where Entry is not known yet
};

/// "a text", "a list": as a person would call it.
std::string_view name_of(Node::Kind kind);

/// A key with its value.
struct Entry {
    std::string key;
    Place place;  ///< of the key
    Node value;
};

/// A whole file. Nothing, and one more problem, where it is no TOML. Threads: any.
std::optional<Node> read_document(std::string_view text, std::vector<Problem>& problems);

}  // namespace belay::operation::runbook
