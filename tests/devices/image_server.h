#pragma once
// For tests: a web server from which a device fetches its image, with a certificate of an authority of its
// own.

#include "store/etcd/testing/certificates.h"
#include "store/etcd/testing/process.h"
#include "store/scratch_folder.h"

#include <chrono>
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <thread>

namespace belay::devices {

class ImageServer {
  public:
    ImageServer()
    {
        std::filesystem::create_directory(folder_ / "images");
        certificates_.make_ca("authority");
        certificates_.make_ca("another");
        certificates_.sign("server", "authority");
        process_ = store::Process({"/usr/bin/python3", TEST_IMAGE_SERVER, folder_.path(),
                                   certificates_ / "server.pem", certificates_ / "server.key"},
                                  folder_ / "log");
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (!std::filesystem::exists(folder_ / "port")) {
            REQUIRE(std::chrono::steady_clock::now() < end);
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        std::ifstream(folder_ / "port") >> port_;
    }

    /// What a device has to trust for it, and what is none of its business.
    std::string authority() const { return certificates_ / "authority.pem"; }
    std::string another() const { return certificates_ / "another.pem"; }

    void serve(const std::string& name, const std::string& bytes) const
    {
        std::ofstream(folder_ / ("images/" + name)) << bytes;
    }
    std::string url(const std::string& path) const
    {
        return fmt::format("https://127.0.0.1:{}/{}", port_, path);
    }

  private:
    store::ScratchFolder folder_;
    store::Certificates certificates_;
    store::Process process_;
    int port_ = 0;
};

}  // namespace belay::devices
