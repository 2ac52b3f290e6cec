#pragma once
// Loads kernel modules from /usr/lib/uml/modules, with what they depend on. By ourselves, not by modprobe:
// starting a program takes a guest some ten milliseconds, and the package kmod may not be there.

#include "base/result.h"

#include <map>
#include <string>
#include <vector>

namespace belay::lab {

class Modules {
  public:
    /// Reads modules.dep of the running kernel. Errors: not_found (no modules for this kernel), io.
    static Result<Modules> open();

    /// Loads a module, named with "-" or "_". One that is loaded, or built in, is no error.
    /// Errors: not_found (the kernel has no such module), io (the kernel refused it).
    Result<void> load(const std::string& name);

    /// Where the modules of the running kernel are.
    const std::string& folder() const { return folder_; }

  private:
    struct Module {
        std::string file;                       ///< relative to folder_
        std::vector<std::string> dependencies;  ///< files, the first needed last
    };

    Result<void> insert(const std::string& file) const;

    std::string folder_;
    std::map<std::string, Module> modules_;  ///< by name, with "_"
};

}  // namespace belay::lab
