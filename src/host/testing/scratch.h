#pragma once

#include <cstdlib>
#include <doctest/doctest.h>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <string>
#include <string_view>

namespace belay::host::testing {

/// A folder for one test, gone after it.
class Scratch {
  public:
    Scratch()
    {
        std::string name = "/tmp/belay-host-XXXXXX";
        REQUIRE(mkdtemp(name.data()) != nullptr);
        folder_ = name;
    }
    ~Scratch()
    {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    std::string path(std::string_view name) const { return fmt::format("{}/{}", folder_, name); }
    std::string file(std::string_view name, std::string_view text) const
    {
        std::ofstream(path(name)) << text;
        return path(name);
    }

  private:
    std::string folder_;
};

}  // namespace belay::host::testing
