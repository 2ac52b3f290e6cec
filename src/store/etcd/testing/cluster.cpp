#include "store/etcd/testing/cluster.h"

#include "base/invariant.h"
#include "store/etcd/client.h"

#include <atomic>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <thread>
#include <unistd.h>

namespace belay::store {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 60s;

[[noreturn]] void give_up(const std::string& why, const std::string& log)
{
    fprintf(stderr, "%s\n", why.c_str());
    std::ifstream file(log);
    for (std::string line; std::getline(file, line);) fprintf(stderr, "    %s\n", line.c_str());
    std::abort();
}

}  // namespace

Cluster::Cluster(size_t nodes, std::vector<std::string> flags, Tls tls, const std::string& host)
    : flags_(std::move(flags)), tls_(std::move(tls))
{
    if (access("/usr/bin/etcd", X_OK) != 0)
        give_up(
            "etcd is not installed, and the store on etcd cannot be tested without: packaging/install-needs "
            "test",
            "");
    for (size_t i = 0; i < nodes; ++i) {
        nodes_.push_back({.name = fmt::format("node{}", i),
                          .endpoint = fmt::format("{}:{}", host, free_port()),
                          .peer = fmt::format("{}:{}", host, free_port())});
    }
    start_all();
}

std::vector<std::string> Cluster::endpoints() const
{
    std::vector<std::string> endpoints;
    for (const Node& node : nodes_) endpoints.push_back(node.endpoint);
    return endpoints;
}

EtcdOptions Cluster::options(std::string prefix) const
{
    return {.endpoints = endpoints(),
            .prefix = std::move(prefix),
            .ca_file = tls_.ca,
            .certificate_file = tls_.own_certificate,
            .key_file = tls_.own_key};
}

void Cluster::start(size_t index)
{
    Node& node = nodes_[index];
    std::string all;
    for (const Node& each : nodes_)
        all += fmt::format("{}{}=http://{}", all.empty() ? "" : ",", each.name, each.peer);
    const std::string client_url = (tls_.any() ? "https://" : "http://") + node.endpoint;
    std::vector<std::string> argv = {"/usr/bin/etcd",
                                     "--name=" + node.name,
                                     "--data-dir=" + folder_ / node.name,
                                     "--listen-client-urls=" + client_url,
                                     "--advertise-client-urls=" + client_url,
                                     "--listen-peer-urls=http://" + node.peer,
                                     "--initial-advertise-peer-urls=http://" + node.peer,
                                     "--initial-cluster=" + all,
                                     "--max-request-bytes=10485760",
                                     "--log-level=warn",
                                     "--logger=zap"};
    argv.insert(argv.end(), flags_.begin(), flags_.end());
    if (tls_.any()) {
        argv.insert(argv.end(), {"--trusted-ca-file=" + tls_.ca, "--cert-file=" + tls_.certificate,
                                 "--key-file=" + tls_.key, "--client-cert-auth"});
    }
    node.process = Process(argv, folder_ / (node.name + ".log"));
    node.frozen = false;
}

void Cluster::start_all()
{
    for (size_t i = 0; i < nodes_.size(); ++i) {
        if (!nodes_[i].process.runs()) start(i);
    }
    leader();
}

void Cluster::freeze(size_t node)
{
    nodes_[node].process.stop();
    nodes_[node].frozen = true;
}

void Cluster::thaw(size_t node)
{
    nodes_[node].process.signal(SIGCONT);
    nodes_[node].frozen = false;
}

std::optional<uint64_t> Cluster::leader_by(const Node& node, uint64_t& own_id) const
{
    EtcdOptions options = this->options();
    options.endpoints = {node.endpoint};
    const auto client = Client::make(options).value();
    const auto status = client->status(std::chrono::steady_clock::now() + 1s);
    if (!status || status->leader() == 0) return std::nullopt;
    own_id = status->header().member_id();
    return status->leader();
}

size_t Cluster::leader()
{
    const auto limit = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < limit) {
        std::set<uint64_t> leaders;
        std::optional<size_t> index;
        bool all_answer = true;
        for (size_t i = 0; i < nodes_.size(); ++i) {
            if (!nodes_[i].process.runs() || nodes_[i].frozen) continue;
            uint64_t own_id = 0;
            const auto leader = leader_by(nodes_[i], own_id);
            if (!leader)
                all_answer = false;
            else if (leaders.insert(*leader); *leader == own_id)
                index = i;
        }
        if (all_answer && leaders.size() == 1 && index) return *index;
    }
    give_up("etcd finds no leader", folder_ / (nodes_[0].name + ".log"));
}

Cluster& shared_etcd()
{
    static Cluster cluster(1);
    return cluster;
}

std::string new_prefix()
{
    static std::atomic<int> made = 0;
    return fmt::format("case-{}", ++made);
}

}  // namespace belay::store
