#pragma once
// A domain for tests of the daemon: operations that touch files in one folder.
//
// "files" makes the file "added" in its add phase, "activated" and "committed" in the others. "slow" does the
// same, but its add phase first runs a command that ends when somebody opens the fifo "go" there for writing.

#include "daemon/parts.h"

namespace belay::daemon::testing {

/// {path, wait}: the file is there. `wait`: the fifo that is read before it is made; empty: none.
class MakeFile : public operation::Action {
  public:
    Result<operation::Inspection> inspect(host::Host& host, const Json& arguments) const override
    {
        const bool there = host.read(path_of(arguments)).has_value();
        return operation::Inspection{there ? operation::Inspection::Found::done
                                           : operation::Inspection::Found::absent};
    }
    Result<void> apply(host::Host& host, const Json& arguments) const override
    {
        const std::string wait = arguments.at("wait");
        if (!wait.empty())
            TRY(host::run_checked(host, {.argv = {"cat", wait}, .effect = host::Effect::changes}));
        return host.replace(path_of(arguments), "made");
    }
    Result<std::string> remains(host::Host& host, const Json& arguments, const Json&) const override
    {
        return host.read(path_of(arguments)) ? "the file" : "";
    }
    Result<void> revert(host::Host& host, const Json& arguments, const Json&) const override
    {
        return host.remove(path_of(arguments));
    }

  private:
    static std::string path_of(const Json& arguments) { return arguments.at("path"); }
};

inline Result<operation::Plan> make_files(const std::map<std::string, std::string>& arguments, bool slow)
{
    using operation::Phase;
    const std::string& folder = arguments.at("folder");
    operation::Plan plan{.procedure = slow ? "test.slow" : "test.files", .title = "Make files in " + folder};
    plan.locks = {"folder:" + folder};
    const auto step = [&](const std::string& name, Phase phase, const std::string& wait) {
        plan.steps.push_back({.name = name,
                              .title = "make " + name,
                              .phase = phase,
                              .action = "test.make-file",
                              .arguments = {{"path", folder + "/" + name}, {"wait", wait}}});
    };
    step("added", Phase::add, slow ? folder + "/go" : "");
    step("activated", Phase::activate, "");
    step("committed", Phase::commit, "");
    return plan;
}

inline Parts parts()
{
    const std::vector<procedures::Argument> folder = {
        {.name = "folder", .meaning = "where the files go", .example = "/tmp/x", .required = true}};
    const auto procedure = [&](std::string name, bool slow) {
        return procedures::Procedure{
            .name = std::move(name),
            .summary = "Make files",
            .description = "",
            .source = "",
            .arguments = folder,
            .make = [slow](host::Host&, const auto& arguments) { return make_files(arguments, slow); }};
    };
    return {.procedures = {procedure("test.files", false), procedure("test.slow", true)},
            .fill =
                [](operation::Catalogue& catalogue) {
                    catalogue.add("test.make-file", std::make_unique<MakeFile>());
                },
            .views = {{"StorageShow", {}, "", [](host::Host&, const auto&) -> Result<Json> {
                           return Json{{"disks", Json::array()}};
                       }}}};
}

}  // namespace belay::daemon::testing
