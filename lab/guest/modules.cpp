#include "guest/modules.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <sstream>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace belay::lab {

namespace {

std::string name_of_file(const std::string& file)
{
    const size_t begin = file.rfind('/') + 1;
    std::string name = file.substr(begin, file.find(".ko", begin) - begin);
    std::ranges::replace(name, '-', '_');
    return name;
}

}  // namespace

Result<Modules> Modules::open()
{
    utsname kernel{};
    if (::uname(&kernel) != 0) return std::unexpected(system_error("read the kernel's release", errno));
    Modules modules;
    modules.folder_ = fmt::format("/usr/lib/uml/modules/{}", kernel.release);
    std::ifstream list(modules.folder_ + "/modules.dep");
    if (!list) return fail(ErrorKind::not_found, fmt::format("cannot read {}/modules.dep", modules.folder_));
    // kernel/fs/x.ko: kernel/lib/needed_last.ko kernel/lib/needed_first.ko
    for (std::string line; std::getline(list, line);) {
        const size_t colon = line.find(':');
        if (colon == std::string::npos) continue;
        Module module{line.substr(0, colon), {}};
        std::istringstream rest(line.substr(colon + 1));
        for (std::string file; rest >> file;) module.dependencies.push_back(file);
        modules.modules_.emplace(name_of_file(module.file), std::move(module));
    }
    std::ifstream builtin(modules.folder_ + "/modules.builtin");
    for (std::string file; builtin >> file;) modules.modules_.emplace(name_of_file(file), Module{});
    return modules;
}

Result<void> Modules::load(const std::string& name)
{
    std::string key = name;
    std::ranges::replace(key, '-', '_');
    const auto found = modules_.find(key);
    if (found == modules_.end())
        return fail(ErrorKind::not_found, fmt::format("the guest's kernel has no module {}", name));
    const Module& module = found->second;
    if (module.file.empty()) return {};
    for (auto file = module.dependencies.rbegin(); file != module.dependencies.rend(); ++file)
        TRY(insert(*file));
    return insert(module.file);
}

Result<void> Modules::insert(const std::string& file) const
{
    const std::string path = folder_ + "/" + file;
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return std::unexpected(system_error("open " + path, errno));
    const long done = ::syscall(SYS_finit_module, fd, "", 0);
    const int error = errno;
    ::close(fd);
    if (done != 0 && error != EEXIST) return std::unexpected(system_error("load " + path, error));
    return {};
}

}  // namespace belay::lab
