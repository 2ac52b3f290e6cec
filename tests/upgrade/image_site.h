#pragma once
// For tests: a site whose controller has images for its hosts, and upgrades what runs from them.

#include "base/base64.h"
#include "base/digest.h"
#include "daemon/network/testing/machine.h"
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
    ImageSite()
    {
        keys_ = need(image::make_key_pair());
        std::filesystem::create_directory(controller_.path("keys"));
        std::ofstream(controller_.path("keys/site.pem")) << keys_.public_key;
    }

    /// `words`: what its daemon is started by, as in a network of its own.
    void start(Machine& machine, std::vector<std::string> words = {},
               const std::vector<std::string>& options = {}) const
    {
        std::vector<std::string> all = {"--image-keys", controller_.path("keys")};
        all.insert(all.end(), options.begin(), options.end());
        machine.start(all, std::move(words));
    }

    /// The file of an image of what lies in `root` of that folder.
    std::string pack(const image::Manifest& manifest, const std::string& folder,
                     const std::string& key = {}) const
    {
        const std::string file = folder + "/the.image";
        need(image::build({.manifest = manifest,
                           .root = folder + "/root",
                           .output = file,
                           .key = key.empty() ? keys_.private_key : key}));
        return file;
    }
    /// From a folder that has image.toml; the image's file.
    std::string build(const std::string& folder) const
    {
        const image::Source source = need(image::read_source(folder));
        const std::string file = folder + "/the.image";
        need(image::build(
            {.manifest = source.manifest, .root = source.root, .output = file, .key = keys_.private_key}));
        return file;
    }
    Result<Json> upload(const std::string& file)
    {
        const std::string bytes = text_of_file(file);
        const std::string digest = sha256(bytes);
        constexpr size_t piece = 1 << 20;
        Json answer;
        for (size_t at = 0; at < bytes.size(); at += piece)
            answer =
                TRY(controller_.face().call("ImageUpload", {{"file", digest},
                                                            {"bytes", bytes.size()},
                                                            {"offset", at},
                                                            {"data", to_base64(bytes.substr(at, piece))}}));
        return answer;
    }
    /// On hosts that have nothing of it: what is started from then on.
    void install_first(const std::string& image, const std::string& version,
                       const std::vector<std::string>& hosts)
    {
        const Json planned = controller_.ask("Plan", {{"procedure", "image.install"},
                                                      {"arguments", {{"image", image}, {"version", version}}},
                                                      {"hosts", hosts},
                                                      {"waves", {hosts.size()}},
                                                      {"keep", true}});
        REQUIRE_MESSAGE(planned.at("operation").is_string(), planned.at("findings").dump(1));
        const std::string operation = planned["operation"];
        REQUIRE_MESSAGE(go(operation, {"add", "activate", "commit"}) == "committed", show(operation));
    }
    std::string go(const std::string& operation, const std::vector<std::string>& verbs)
    {
        std::string state;
        for (const std::string& verb : verbs) {
            controller_.ask("Request", {{"operation", operation}, {"verb", verb}});
            state = controller_.rest(operation);
        }
        return state;
    }
    Json plan_upgrade(const std::string& pairs, const std::string& version, bool keep = true,
                      const Json& more = Json::object())
    {
        Json ask = {{"procedure", "pair.upgrade"},
                    {"arguments", {{"pair", pairs}, {"version", version}}},
                    {"keep", keep}};
        ask.update(more);
        return controller_.ask("Plan", ask);
    }
    /// That of this application.
    Json pair(const std::string& application)
    {
        const Json answer = controller_.ask("Pairs");
        for (const Json& one : answer.at("pairs")) {
            for (const Json& side : one.at("applications")) {
                if (side.at("name") == application) return one;
            }
        }
        return {};
    }
    /// Until this one of its pair serves, and the other one stands by.
    Json await_service(const std::string& application) { return await_pair(application, application); }
    /// Until one of the pair of `application` serves, and the other one stands by. `serves`: which; empty:
    /// whichever of them.
    Json await_pair(const std::string& application, const std::string& serves = {})
    {
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (true) {
            const Json now = pair(application);
            const auto& sides = now["applications"];
            const bool are_there = sides[0]["phase"] == "started" && sides[1]["phase"] == "started";
            if (are_there && now["serves"].is_string() && (serves.empty() || now["serves"] == serves))
                return now;
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
    /// The versions on a host, and how each stands: "1.0 C, 2.0 I"
    static std::string letters(Machine& host)
    {
        std::string all;
        const Json summary = host.ask("ImageSummaryHere");
        for (const Json& one : summary.at("versions"))
            all += fmt::format("{}{} {}", all.empty() ? "" : ", ", one.at("version").get<std::string>(),
                               one.at("state").get<std::string>());
        return all;
    }
    /// What speaks against it, one after another: who says it, what was found, what was wanted.
    static std::string refusals(const Json& planned)
    {
        std::string all;
        for (const Json& one : planned.at("findings")) {
            if (one.at("verdict") != "fail") continue;
            all += fmt::format("{}: {}; wanted: {}\n", one.at("title").get<std::string>(),
                               one.at("found").get<std::string>(), one.at("wanted").get<std::string>());
        }
        return all;
    }
    /// Everything that is known of it, for a test that failed.
    std::string show(const std::string& operation)
    {
        Json all = controller_.ask("Show", {{"operation", operation}});
        all.erase("plan");
        for (const auto& [name, host] : hosts_) {
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

    Machine controller_;

  protected:
    std::vector<std::pair<std::string, Machine*>> hosts_;

  private:
    image::KeyPair keys_;
};

}  // namespace belay::daemon::testing
