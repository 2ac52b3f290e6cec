#pragma once
// A text that a person edits in the editor of their choice.

#include "base/result.h"

#include <string>

namespace belay::cli {

/// A file that nobody else can read. It stays until remove(): what a person wrote is not thrown away.
class EditedFile {
  public:
    /// Errors: those of the system.
    static Result<EditedFile> make(const std::string& text);

    /// Runs VISUAL, EDITOR or vi, and waits for its end. Errors: failed (it ended with an error); those of
    /// the system.
    Result<void> edit() const;
    Result<std::string> read() const;
    void remove() const;
    const std::string& path() const { return path_; }

  private:
    explicit EditedFile(std::string path) : path_(std::move(path)) {}
    std::string path_;
};

}  // namespace belay::cli
