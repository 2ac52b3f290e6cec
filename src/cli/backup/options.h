#pragma once
// The options of a command, as a table that the command fills: the library that reads command lines stays in
// one place.

#include <string>
#include <vector>

namespace CLI {  // NOLINT(readability-identifier-naming): the library's own
class App;
}

namespace belay::cli {

/// What is named here is filled when a command line is read, and must stay where it is until then.
class OptionTable {
  public:
    explicit OptionTable(CLI::App& app) : app_(app) {}

    /// `names` as "-n,--dry-run".
    void flag(const char* names, bool& value, const char* meaning);
    /// A flag that counts: -v -v.
    void count(const char* names, unsigned& value, const char* meaning);
    void value(const char* names, std::string& value, const char* type, const char* meaning);
    /// May be repeated.
    void values(const char* names, std::vector<std::string>& value, const char* type, const char* meaning);
    /// A word without dashes; none may be there.
    void word(const char* name, std::string& value, const char* meaning);
    void words(const char* name, std::vector<std::string>& value, const char* meaning);

  private:
    CLI::App& app_;
};

}  // namespace belay::cli
