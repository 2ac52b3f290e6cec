#pragma once
// For tests: a small site, and how a test reads and changes one.

#include "base/testing/must.h"
#include "framework/configuration/import.h"

#include <stdlib.h>

namespace belay::framework::configuration {

inline const std::string sample_site = R"(
[host.h1]
address = "10.0.0.1"

[host.h2]
address = "10.0.0.2"

[template.stat]
description = "Stat Server"

[[template.stat.options]]
section = "log"
name = "level"
kind = "choice"
choices = ["standard", "debug"]
effect = "at once"
standard = "standard"

[[template.stat.options]]
section = "database"
name = "password"
secret = true

[application."config server"]
host = "h1"
command = ["/usr/bin/config-server"]

[[application."config server".ports]]
name = "main"
port = 2020

[application."stat server"]
template = "stat"
host = "h1"
command = ["/usr/bin/stat-server", "-app", "stat server"]
shutdown_timeout = "20s"
orders = { kind = "pipe" }

[application."stat server".options.log]
level = "debug"

[[application."stat server".connections]]
to = "config server"

[[application."stat server".prerequisites]]
kind = "application"
application = "config server"

[application."stat server b"]
template = "stat"
host = "h2"
command = ["/usr/bin/stat-server", "-app", "stat server b"]

[pair.stat]
primary = "stat server"
backup = "stat server b"
redundancy = "cold"

[solution.reporting]

[[solution.reporting.applications]]
application = "config server"

[[solution.reporting.applications]]
application = "stat server"
mandatory = false
)";

inline std::string all_problems(const Imported& imported)
{
    return problems_text(imported.problems, "site.toml");
}

/// The site that a file describes; it has no errors.
inline Configuration site_of(std::string_view text, const KeyRing* keys = nullptr)
{
    Imported imported = import_text(text, {}, Mode::whole, keys);
    REQUIRE_MESSAGE(!operation::runbook::any_error(imported.problems), all_problems(imported));
    // As the register would: ids from 1.
    Configuration site;
    Id next = 1;
    std::map<Id, Id> given;
    for (auto object = imported.wanted.objects().rbegin(); object != imported.wanted.objects().rend();
         ++object)
        given[object->first] = next++;
    for (const auto& [id, object] : imported.wanted.objects()) {
        Object numbered = *object;
        numbered.id = given.at(id);
        for_each_reference(numbered.type, numbered.attributes,
                           [&](const std::string&, Json& reference, const std::string&) {
                               reference = given.at(reference.get<Id>());
                           });
        site.put(std::make_shared<const Object>(std::move(numbered)));
    }
    site.set_next_id(next);
    return site;
}

inline Imported change_of(const Configuration& site, std::string_view text, Mode mode = Mode::merge,
                          const KeyRing* keys = nullptr)
{
    return import_text(text, site, mode, keys);
}

/// A folder for key files, which goes away with its owner.
class KeyFolder {
  public:
    KeyFolder() { REQUIRE(mkdtemp(path_.data()) != nullptr); }
    ~KeyFolder()
    {
        ::unlink(file().c_str());
        ::unlink((file() + ".new").c_str());
        ::rmdir(path_.c_str());
    }
    KeyFolder(const KeyFolder&) = delete;
    KeyFolder& operator=(const KeyFolder&) = delete;
    std::string file() const { return path_ + "/configuration.key"; }

  private:
    std::string path_ = "/tmp/belay-keys-XXXXXX";
};

}  // namespace belay::framework::configuration
