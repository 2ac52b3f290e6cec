#pragma once
// For tests: real receivers of mails and webhooks, in processes of their own.

#include "base/json.h"
#include "host/files.h"
#include "store/etcd/testing/certificates.h"
#include "store/etcd/testing/process.h"
#include "store/scratch_folder.h"

#include <chrono>
#include <doctest/doctest.h>
#include <thread>
#include <unistd.h>

namespace belay::site::testing {

/// Until it holds; fails the test where it does not for long.
inline void await(const std::function<bool()>& holds, const char* what)
{
    constexpr std::chrono::milliseconds between{10};
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!holds()) {
        REQUIRE_MESSAGE(std::chrono::steady_clock::now() < end, what);
        std::this_thread::sleep_for(between);
    }
}

class Receiver {
  public:
    /// `script`: of this folder. `words`: what it is told after its own folder.
    Receiver(const std::string& script, std::vector<std::string> words)
    {
        std::vector<std::string> argv = {"/usr/bin/python3", std::string(TEST_RECEIVERS) + "/" + script,
                                         folder_ / ""};
        argv.insert(argv.end(), words.begin(), words.end());
        process_ = store::Process(argv, folder_ / "log");
        await([&] { return host::files::read(folder_ / "port", {16}).has_value(); }, "the receiver serves");
        port = std::stoi(*host::files::read(folder_ / "port", {16}));
    }

    /// What it took, in its order.
    std::vector<Json> taken() const
    {
        std::vector<Json> all;
        while (true) {
            const auto text = host::files::read(folder_ / fmt::format("{}.json", all.size() + 1), {1 << 20});
            if (!text) return all;
            all.push_back(Json::parse(*text));
        }
    }

    /// A mail server refuses for now what comes, until it is not busy any more.
    void is_busy(bool busy) const
    {
        const std::string file = folder_ / "busy";
        REQUIRE((busy ? host::files::replace(file, "", 0600).has_value() : unlink(file.c_str()) == 0));
    }

    int port = 0;

  private:
    store::ScratchFolder folder_;
    store::Process process_;
};

}  // namespace belay::site::testing
