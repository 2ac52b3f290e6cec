#pragma once
// For tests: a site whose pair "servers" runs from the image "shop": a controller, hosts with a belayd each,
// and what a person does to upgrade it.

#include "base/base64.h"
#include "base/digest.h"
#include "daemon/network/testing/machine.h"
#include "host/testing/network.h"
#include "upgrade/image/building.h"
#include "upgrade/image/signature.h"

#include <filesystem>

namespace belay::daemon::testing {

namespace image = upgrade::image;

inline void write_script(const std::string& path, const std::string& text)
{
    std::ofstream(path) << "#!/bin/sh\n" << text;
    std::filesystem::permissions(path, std::filesystem::perms{0755});
}

class ImageSite {
  public:
    /// `hosts`: how many; they are named web1, web2 and so on. `network`: where each is a host of its own,
    /// and the controller the one after the last; else all are at 127.0.0.1.
    explicit ImageSite(size_t hosts, const host::testing::Network* network = nullptr)
        : network_(network), count_(hosts)
    {
        keys_ = need(image::make_key_pair());
        std::filesystem::create_directory(controller_.path("keys"));
        std::ofstream(controller_.path("keys/shop.pem")) << keys_.public_key;
    }
    virtual ~ImageSite() = default;
    ImageSite(const ImageSite&) = delete;
    ImageSite& operator=(const ImageSite&) = delete;

    std::vector<std::pair<std::string, Machine*>> hosts()
    {
        std::vector<std::pair<std::string, Machine*>> all = {
            {"web1", &web1_}, {"web2", &web2_}, {"web3", &web3_}, {"web4", &web4_}};
        all.resize(count_);
        return all;
    }
    void start(Machine& machine)
    {
        at(machine, [&] { machine.start({"--image-keys", controller_.path("keys")}); });
    }

    /// The file of an image of what lies in `root` of that folder.
    std::string pack(const image::Manifest& manifest, const std::string& folder,
                     const std::string& key = {}) const
    {
        const std::string file = folder + "/shop.image";
        need(image::build({.manifest = manifest,
                           .root = folder + "/root",
                           .output = file,
                           .key = key.empty() ? keys_.private_key : key}));
        return file;
    }
    Result<Json> upload(const std::string& file)
    {
        const std::string bytes = text_of_file(file);
        constexpr size_t piece = 1 << 20;
        Json answer;
        for (size_t offset = 0; offset < bytes.size(); offset += piece)
            answer = TRY(
                controller_.face().call("ImageUpload", {{"file", sha256(bytes)},
                                                        {"bytes", bytes.size()},
                                                        {"offset", offset},
                                                        {"data", to_base64(bytes.substr(offset, piece))}}));
        return answer;
    }
    /// Runs a version that is published on these hosts.
    void install_on(const Json& hosts, const std::string& version)
    {
        const Json planned =
            controller_.ask("Plan", {{"procedure", "image.install"},
                                     {"arguments", {{"image", "shop"}, {"version", version}}},
                                     {"hosts", hosts},
                                     {"waves", {4}},
                                     {"keep", true}});
        REQUIRE_MESSAGE(planned.at("operation").is_string(), planned.at("findings").dump(1));
        const std::string operation = planned["operation"];
        REQUIRE_MESSAGE(go(operation, {"add", "activate", "commit"}) == "committed", show(operation));
        await_service("server-1");
    }

    /// The state that the last of these leads to.
    std::string go(const std::string& operation, const std::vector<std::string>& verbs)
    {
        std::string state;
        for (const std::string& verb : verbs) {
            controller_.ask("Request", {{"operation", operation}, {"verb", verb}});
            state = controller_.rest(operation);
        }
        return state;
    }
    Json plan(const std::string& version, bool keep = true, const Json& more = Json::object())
    {
        Json ask = {{"procedure", "pair.upgrade"},
                    {"arguments", {{"pair", "servers"}, {"version", version}}},
                    {"keep", keep}};
        ask.update(more);
        return controller_.ask("Plan", ask);
    }

    Json pair()
    {
        const Json answer = controller_.ask("Pairs");
        for (const Json& one : answer.at("pairs")) {
            if (one.at("name") == "servers") return one;
        }
        return {};
    }
    /// Until it serves and the other is there as well. Empty: whichever of them.
    Json await_service(const std::string& name = {})
    {
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (true) {
            const Json now = pair();
            const auto& sides = now["applications"];
            const bool are_there = sides[0]["phase"] == "started" && sides[1]["phase"] == "started";
            if (are_there && now["serves"].is_string() && (name.empty() || now["serves"] == name)) return now;
            REQUIRE_MESSAGE(std::chrono::steady_clock::now() < until, now.dump(1));
            usleep(2'000);
        }
    }
    /// The version of the process that a host runs; "none" without one.
    static std::string running(Machine& host)
    {
        const Json answer = host.ask("Applications");
        for (const Json& one : answer.at("applications"))
            return one["image"].is_object() ? one["image"].value("version", "") : "none";
        return "none";
    }
    /// "1.0 C, 2.0 I"
    static std::string letters(Machine& host)
    {
        std::string all;
        const Json summary = host.ask("ImageSummaryHere");
        for (const Json& one : summary.at("versions"))
            all += fmt::format("{}{} {}", all.empty() ? "" : ", ", one.at("version").get<std::string>(),
                               one.at("state").get<std::string>());
        return all;
    }
    std::string show(const std::string& operation)
    {
        Json all = controller_.ask("Show", {{"operation", operation}});
        all.erase("plan");
        for (const auto& [name, host] : hosts()) {
            const Json list = host->ask("List");
            for (const Json& one : list["operations"]) {
                Json own = host->ask("Show", {{"operation", one["id"]}});
                own.erase("plan");
                all[name].push_back(own);
            }
            all[name + " applications"] = host->ask("Applications");
        }
        return all.dump(1);
    }

    Machine controller_, web1_, web2_, web3_, web4_;

  protected:
    void begin(const std::string& configuration)
    {
        controller_.make_controller(nullptr, network_ == nullptr ? "127.0.0.1:0" : address_of(count_) + ":0");
        start(controller_);
        configure(controller_, configuration);
        for (const auto& [name, host] : hosts())
            at(*host, [&] { join(controller_, *host, {{"name", name}}); });
        for (const auto& [name, host] : hosts()) start(*host);
        for (const auto& [name, host] : hosts()) REQUIRE(host->await_status(is_attached));
    }
    /// Counted from 0.
    std::string address_of(size_t host) const
    {
        return network_ == nullptr ? "127.0.0.1" : fmt::format("192.0.2.1{}", host + 1);
    }

  private:
    /// Processes that are started there begin on the network of that machine.
    void at(const Machine& machine, const std::function<void()>& what)
    {
        size_t number = 0;
        const auto all = hosts();
        while (number < all.size() && all[number].second != &machine) ++number;
        if (network_ != nullptr) network_->go_to(number + 1);
        what();
        if (network_ != nullptr) network_->go_home();
    }

    const host::testing::Network* const network_;
    const size_t count_;
    image::KeyPair keys_;
};

}  // namespace belay::daemon::testing
