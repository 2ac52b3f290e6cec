#pragma once
// Where a command speaks and listens: a terminal, a pipe, or a test.

#include "base/result.h"
#include "cli/style.h"

#include <optional>
#include <string>
#include <string_view>

namespace belay::cli {

struct Size {
    size_t columns = 80;
    size_t rows = 24;
};

/// Threads: out() by one thread at a time.
class Console {
  public:
    virtual ~Console() = default;

    /// Standard output and standard error. What cannot be written is remembered by failed().
    virtual void out(std::string_view text) = 0;
    virtual void err(std::string_view text) = 0;
    virtual bool failed() const = 0;

    /// Says the question and reads a line of standard input, without its end; nothing at the end of input or
    /// on Ctrl-C, which counts as an answer from the moment that the question is seen.
    virtual std::optional<std::string> ask(std::string_view question) = 0;
    /// The same, and what is typed is not shown.
    virtual std::optional<std::string> ask_secret(std::string_view question) = 0;
    /// All of standard input. `hint` is said where a person has to type it. Errors: corrupt, where it is
    /// longer than `limit` bytes; io.
    virtual Result<std::string> read_all(size_t limit, std::string_view hint) = 0;
    /// Somebody sits there who can be asked.
    virtual bool can_ask() const = 0;

    /// Output is a terminal on which a picture can be redrawn in place.
    virtual bool is_live() const = 0;
    virtual Size size() const = 0;
    virtual Style style() const = 0;
};

/// Whether text may hold UTF-8, by the values of LC_ALL, LC_CTYPE and LANG: the first that is not empty
/// counts.
bool is_utf8_locale(std::string_view lc_all, std::string_view lc_ctype, std::string_view lang);

/// The console of this process: descriptors 0, 1 and 2, NO_COLOR, TERM and the locale of its environment.
class ProcessConsole : public Console {
  public:
    ProcessConsole();

    void out(std::string_view text) override;
    void err(std::string_view text) override;
    bool failed() const override { return failed_; }
    std::optional<std::string> ask(std::string_view question) override;
    std::optional<std::string> ask_secret(std::string_view question) override;
    Result<std::string> read_all(size_t limit, std::string_view hint) override;
    bool can_ask() const override { return can_ask_; }
    bool is_live() const override { return is_live_; }
    Size size() const override;
    Style style() const override;

  private:
    bool failed_ = false;
    bool can_ask_ = false;
    bool is_live_ = false;
    bool is_terminal_ = false;
    bool unicode_ = false;
    bool colour_ = false;
};

}  // namespace belay::cli
