#include "upgrade/driver/image_program.h"

#include "host/real.h"
#include "upgrade/image/library.h"

#include <cerrno>
#include <cstdlib>
#include <unistd.h>

namespace belay::upgrade::driver {
namespace {

/// The folder of the version that runs.
Result<std::string> folder_of_what_runs(const ImageProgram& asked, std::string& version)
{
    const std::unique_ptr<host::Host> host = host::real_host();
    const image::Packages packages = TRY(image::read_packages(*host, asked.library));
    const auto found = packages.find(asked.image);
    if (found == packages.end())
        return fail(ErrorKind::not_found,
                    fmt::format("{}/packages.conf names no version of {}", asked.library, asked.image),
                    fmt::format("belay add image.install --image {} --version VERSION", asked.image));
    version = found->second.runs.text;
    return image::version_folder(asked.library, asked.image, found->second.runs);
}

}  // namespace

Error replace_by(const ImageProgram& asked)
{
    if (asked.words.front().starts_with('/') || !asked.library.starts_with('/'))
        return {.kind = ErrorKind::usage,
                .what =
                    "the program is named from the folder of the version, as bin/shop, and --library is an "
                    "absolute path"};
    std::string version;
    const Result<std::string> folder = folder_of_what_runs(asked, version);
    if (!folder) return folder.error();
    std::vector<std::string> words = asked.words;
    words.front() = *folder + '/' + words.front();
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    // NOLINTBEGIN(concurrency-mt-unsafe): there is one thread
    setenv("BELAY_IMAGE_FOLDER", folder->c_str(), 1);
    setenv("BELAY_IMAGE_VERSION", version.c_str(), 1);
    // NOLINTEND(concurrency-mt-unsafe)
    execv(argv.front(), argv.data());
    return system_error(fmt::format("start {}", words.front()), errno);
}

}  // namespace belay::upgrade::driver
