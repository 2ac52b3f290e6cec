#pragma once
// For tests: what real tools said, as src/storage/recordings keeps it.

#include <doctest/doctest.h>
#include <fstream>
#include <map>
#include <string>

namespace belay::storage {

/// The reports in a file of src/storage/recordings, by what stands behind "@@@ " over each.
inline std::map<std::string, std::string> reports_in(const std::string& name)
{
    std::ifstream file(BELAY_RECORDINGS "/" + name);
    REQUIRE(file);
    std::map<std::string, std::string> reports;
    std::string heading;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("@@@ "))
            heading = line.substr(4);
        else
            reports[heading] += line + '\n';
    }
    return reports;
}

}  // namespace belay::storage
