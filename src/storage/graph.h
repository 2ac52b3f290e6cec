#pragma once
// Makes the graph of a survey: what each thing stands on leads to it. Used by graph_*.cpp alone; graph_of()
// is the way in.

#include "base/json.h"
#include "storage/survey.h"

namespace belay::storage {

class Graph {
  public:
    explicit Graph(const Survey& survey);

    Json build();

  private:
    // Each adds a node with all that stands on it, where it is not there yet, and gives its id.
    std::string add_disk(const Disk& disk);
    std::string add_partition(const Partition& partition);
    std::string add_device(const std::string& name);
    std::string add_array(const Array& array);
    std::string add_other(const std::string& name);
    std::string add_waiting_array(const Content& member);
    static void describe_waiting(Json& node, const WaitingArray& array);
    std::string add_filesystem(const std::string& device, const Content& content);
    std::string add_mount(const std::string& path, const std::string& options);
    std::string add_swap_file(const SwapArea& area);

    std::string add_physical(const std::string& device, const std::string& uuid);
    std::string add_group(const parse::LvmGroup& group);
    std::string add_logical(const parse::LvmLogical& volume);
    void describe_logical(Json& node, const parse::LvmLogical& volume) const;

    /// A device's place in a pool: the vdevs from the top down to the leaf.
    struct Leaf {
        const Pool* pool;
        std::string group;  ///< "logs", "cache", "spares"; empty: data
        std::vector<const parse::ZpoolVdev*> way;
    };
    void find_leaves(Leaf leaf, const parse::ZpoolVdev& vdev);
    std::string add_vdev(const Leaf& leaf, size_t depth);
    std::string add_pool(const Pool& pool);
    std::string add_pool_away(const Content& member);
    std::string add_dataset(const Pool& pool, const DatasetRow& row);
    Json datasets_below(const Pool& pool, const std::string& name);

    Json what_stands_on(const std::string& device, const Content& content);
    void add_uppers(Json& children, const std::string& device);
    void add_members_upper(Json& children, const std::string& device, const Content& content);
    Json what_is_in(const std::string& path);
    /// A device that LVM made below its volumes, such as a pool's metadata: none of a person's.
    bool is_lvms_own(const std::string& device) const;
    /// One of several paths to one disk.
    bool is_path(const std::string& device) const;
    void add_root(Json& roots, const std::string& name);

    void read_lvm();
    void read_pools();

    const Survey& survey_;
    const Inventory& inventory_;
    Json nodes_ = Json::array();
    std::set<std::string> seen_;  ///< ids

    std::map<std::string, std::vector<std::string>> uppers_;
    std::map<std::string, const Other*> others_;
    std::map<std::string, const Array*> arrays_;
    std::map<std::string, std::vector<const Mount*>> mounts_;
    std::set<std::string> running_;  ///< UUIDs of arrays

    std::map<std::string, const parse::LvmLogical*> volumes_;  ///< by kernel name
    std::map<std::string, std::string> group_of_physical_;     ///< from a PV's UUID to its group's name
    std::map<std::string, std::vector<const parse::LvmLogical*>> parts_;  ///< by "vg", "vg/pool", "vg/origin"

    std::map<std::string, Leaf> leaves_;  ///< by kernel name
    std::set<std::string> zvols_;         ///< kernel names
};

}  // namespace belay::storage
