#pragma once
// The tables of a small TOML file, key by key: of a manifest, of packages.conf. The first thing that does not
// fit is the error, with its place.

#include "operation/runbook/document.h"

#include <memory>

namespace belay::upgrade::image {

/// One table. Threads: any.
class Table {
  public:
    /// `file` is how errors name it, `kind` what they are. At most 64 KiB.
    static Result<Table> of_file(std::string_view text, std::string_view file, ErrorKind kind);

    bool has(std::string_view key) const { return find(key) != nullptr; }
    std::vector<std::string> keys() const;

    /// UTF-8 without control characters, at most 1024 bytes, not empty. An error where the key is absent.
    Result<std::string> text(std::string_view key) const;
    /// Empty where the key is absent.
    Result<std::string> optional_text(std::string_view key) const;
    /// Not negative.
    Result<uint64_t> number(std::string_view key) const;
    /// At most 64; none where the key is absent.
    Result<std::vector<std::string>> texts(std::string_view key) const;
    /// An empty table where the key is absent.
    Result<Table> table(std::string_view key) const;

    /// Errors: a key that is not one of these.
    Result<void> has_only(const std::vector<std::string>& known) const;

    /// An error at the place of this key; of the table where it is absent.
    std::unexpected<Error> error(std::string_view key, std::string_view what) const;

  private:
    struct File {
        std::string name;
        ErrorKind kind = ErrorKind::corrupt;
        operation::runbook::Node root;
    };
    Table(std::shared_ptr<const File> file, const operation::runbook::Node& node)
        : file_(std::move(file)), node_(&node)
    {
    }

    const operation::runbook::Entry* find(std::string_view key) const;
    Result<std::string> text_of(const operation::runbook::Node& node, std::string_view key) const;

    std::shared_ptr<const File> file_;
    const operation::runbook::Node* node_;
};

/// A text in quotes, as TOML has it. It has no control characters.
std::string toml_quoted(std::string_view text);
std::string toml_quoted(const std::vector<std::string>& texts);

}  // namespace belay::upgrade::image
