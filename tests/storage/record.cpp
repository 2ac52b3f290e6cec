// belay-record-storage: plays the story of story.h on a real kernel in a throw-away host, and writes a
// recording a scene. Run it anew after a change of the story or of what the probes ask:
//
//     build/dev/bin/belay-record-storage src/storage/recordings

#include "host/real.h"
#include "host/recorded.h"
#include "lab/host.h"
#include "story.h"

#include <cstdio>
#include <fstream>
#include <unistd.h>

namespace {

using namespace belay;

int complain(const Error& error)
{
    fmt::print(stderr, "belay-record-storage: {}\n{}\n", error.what, error.output);
    return 1;
}

/// In the guest: plays one scene and prints its recording.
Result<void> record(const std::string& name)
{
    const auto scene = std::ranges::find(story::scenes(), name, &story::Scene::name);
    if (scene == story::scenes().end()) return fail(ErrorKind::usage, "no scene is called " + name);
    const std::unique_ptr<host::Host> machine = host::real_host();
    host::Recorder recorder(*machine);
    for (const host::Command& command : scene->commands) TRY(recorder.run(command));
    TRY(story::look(recorder));
    const std::string text = TRY(recorder.text());
    std::fwrite(text.data(), 1, text.size(), stdout);
    return {};
}

Result<void> write_recording(const std::string& folder, const std::string& scene, const std::string& text)
{
    const std::string path = fmt::format("{}/{}.jsonl", folder, scene);
    std::ofstream file(path, std::ios::binary);
    file << text << std::flush;
    if (!file) return fail(ErrorKind::io, "cannot write " + path);
    return {};
}

std::string own_program()
{
    std::string path(4096, '\0');
    const ssize_t length = ::readlink("/proc/self/exe", path.data(), path.size());
    path.resize(length > 0 ? static_cast<size_t>(length) : 0);
    return path;
}

Result<void> play(const std::string& folder)
{
    const lab::Folder images = TRY(lab::Folder::make());
    lab::Options options{.modules = {"raid1", "raid456"}};
    for (const char* name = story::disk_names; *name != '\0'; ++name)
        options.disks.push_back({std::string(1, *name), story::disk_size});
    std::unique_ptr<lab::Host> guest = TRY(lab::Host::boot(images, options));
    for (const story::Scene& scene : story::scenes()) {
        if (scene.after_power_cut) {
            guest->power_cut();
            guest = TRY(lab::Host::boot(images, options));
        }
        const host::Outcome outcome =
            TRY(guest->run({own_program(), "--scene", scene.name}, {}, std::chrono::minutes(2)));
        if (outcome.exit_code != 0)
            return std::unexpected(
                Error{.what = fmt::format("the scene {} failed", scene.name), .output = outcome.err});
        TRY(write_recording(folder, scene.name, outcome.out));
        fmt::print("{}: {} bytes\n", scene.name, outcome.out.size());
    }
    return {};
}

}  // namespace

int main(int argc, char** argv)
{
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    if (arguments.size() == 2 && arguments[0] == "--scene") {
        const Result<void> done = record(arguments[1]);
        return done ? 0 : complain(done.error());
    }
    if (arguments.size() != 1) return complain({.what = "wanted: the folder that takes the recordings"});
    const Result<void> done = play(arguments[0]);
    return done ? 0 : complain(done.error());
}
