#pragma once
// For tests: an etcd of one node or of several, on ports of 127.0.0.1, or of another address of this machine,
// that the kernel gave, its data in a scratch folder.
//
// Its disk is memory (scratch_folder.h), so that a sync costs nothing and all syncs stay as they are.

#include "store/etcd/etcd.h"
#include "store/etcd/testing/process.h"
#include "store/scratch_folder.h"

namespace belay::store {

class Cluster {
  public:
    /// Comes back when the etcd answers; fails the test, with what etcd said, where it does not.
    /// `flags` go to every node.
    explicit Cluster(size_t nodes, std::vector<std::string> flags = {}, const std::string& host = "127.0.0.1")
        : Cluster(nodes, std::move(flags), {}, host)
    {
    }
    struct Tls {
        std::string ca, certificate, key;      ///< of etcd
        std::string own_certificate, own_key;  ///< of its clients, which it asks for
        bool any() const { return !ca.empty(); }
    };
    /// One node that speaks TLS to its clients.
    explicit Cluster(Tls tls) : Cluster(1, {}, std::move(tls), "127.0.0.1") {}

    std::vector<std::string> endpoints() const;
    const std::string& endpoint(size_t node) const { return nodes_[node].endpoint; }
    EtcdOptions options(std::string prefix = "belay") const;

    size_t leader();  ///< waits until all that run agree on one
    void kill(size_t node) { nodes_[node].process.end(); }
    void freeze(size_t node);  ///< SIGSTOP: the node hangs, its connections stay
    void thaw(size_t node);
    void start(size_t node);  ///< a killed one, on its data
    void start_all();         ///< those that were killed; comes back when each of them follows
    const ScratchFolder& folder() const { return folder_; }

  private:
    Cluster(size_t nodes, std::vector<std::string> flags, Tls tls, const std::string& host);
    struct Node {
        std::string name, endpoint, peer;
        Process process = {};
        bool frozen = false;
    };
    /// Whether the node answers and has a leader; which, where it has one.
    std::optional<uint64_t> leader_by(const Node& node, uint64_t& own_id) const;

    const ScratchFolder folder_;
    const std::vector<std::string> flags_;
    const Tls tls_;
    std::vector<Node> nodes_;
};

/// One node for all tests of a program, started when it is first asked for. A test takes a prefix of its own.
Cluster& shared_etcd();
/// "case-1", "case-2", ...: one that no test before has used.
std::string new_prefix();

}  // namespace belay::store
