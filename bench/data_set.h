#pragma once
// Real data to back up, always a copy that may be changed.

#include "base/result.h"

#include <array>
#include <cstdint>

namespace belay::bench {

constexpr uint64_t kibibyte = 1 << 10, mebibyte = 1 << 20;

constexpr std::array data_set_names = {"linux-source", "image", "usr"};

struct DataSet {
    std::string name;
    std::string path;  ///< a folder
    uint64_t files = 0, bytes = 0;
};

/// Bytes that it takes, about, to know beforehand whether there is room. Errors: not_found, where it cannot
/// be made here.
Result<uint64_t> expected_size(const std::string& name);

/// Makes it in `folder`: Debian's kernel source unpacked; an ext4 image filled with programs and
/// documentation, as the disk of a virtual machine is; a copy of /usr. Everything was read once at the end,
/// so that whoever is measured finds it in memory. Errors: those of tar, cp and mkfs.ext4, and of the system.
Result<DataSet> make_data_set(const std::string& name, const std::string& folder);

/// Changes every hundredth file by a line at its end, and every hundredth MiB of a file that has more than a
/// hundred in its middle; in another `round` others. How many bytes lie in what was changed. Errors: those of
/// the system.
Result<uint64_t> change_one_percent(const DataSet& data, unsigned round);

/// Everything of a tree is read once: its files and bytes. Errors: those of the system.
Result<DataSet> read_once(std::string name, std::string path);

/// Whether two trees are the same, files by their content. Errors: failed, with what differs.
Result<void> compare_trees(const std::string& one, const std::string& other, const std::string& log);

}  // namespace belay::bench
