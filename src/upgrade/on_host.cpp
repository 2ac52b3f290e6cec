#include "upgrade/on_host.h"

#include <mutex>

namespace belay::upgrade {

Result<std::optional<image::Installed>> installed(host::Host& host, const std::string& images,
                                                  const std::string& name, const std::string& version)
{
    auto found = image::find_installed(host, images, name, TRY(image::parse_version(version)));
    if (found) return std::optional(std::move(*found));
    if (found.error().kind == ErrorKind::not_found) return std::optional<image::Installed>();
    return std::unexpected(found.error());
}

Result<Named> named(host::Host& host, const std::string& images, const std::string& name)
{
    const image::Packages packages = TRY(image::read_packages(host, images));
    const auto found = packages.find(name);
    if (found == packages.end()) return Named{};
    return Named{.runs = found->second.runs.text, .committed = found->second.committed.text};
}

Result<void> name(host::Host& host, const std::string& images, const std::string& image, const Named& named)
{
    // All images are in one file, and operations on two of them go on at the same time.
    static std::mutex one_at_a_time;
    const std::lock_guard lock(one_at_a_time);
    image::Packages packages = TRY(image::read_packages(host, images));
    const image::Package package{.runs = {named.runs}, .committed = {named.committed}};
    if (named.runs.empty())
        packages.erase(image);
    else if (packages[image] == package)
        return {};
    else
        packages[image] = package;
    return image::write_packages(host, images, packages);
}

}  // namespace belay::upgrade
