// What a runbook's plan asks, and all of its parts for the catalogue.

#include "base/digest.h"
#include "base/json.h"
#include "operation/runbook/commands.h"
#include "operation/runbook/make_plan.h"

#include <algorithm>

namespace belay::operation::runbook {
namespace {

constexpr Bytes largest_compared{64 << 20};
constexpr size_t longest_shown = 200;
constexpr std::string_view program_folders[] = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
                                                "/usr/bin",        "/sbin",          "/bin"};

Result<Finding> holds(host::Host& host, const Json& arguments)
{
    const Answer answer = TRY(ask(host, arguments));
    return Finding{answer.yes ? Verdict::pass : Verdict::fail, answer.found, answer.wanted,
                   arguments.value("mend", "")};
}

Result<bool> is_there(host::Host& host, const std::string& program)
{
    for (const std::string_view folder : program_folders) {
        const Result<std::string> found = host.resolve(fmt::format("{}/{}", folder, program));
        if (found) return true;
        if (found.error().kind != ErrorKind::not_found) return std::unexpected(found.error());
    }
    return false;
}

Result<Finding> programs_are_there(host::Host& host, const Json& arguments)
{
    std::vector<std::string> missing;
    for (const auto& program : arguments.at("programs").get<std::vector<std::string>>()) {
        if (!TRY(is_there(host, program))) missing.push_back(program);
    }
    if (missing.empty()) return Finding{Verdict::pass, "they are"};
    const std::string names = fmt::format("{}", fmt::join(missing, ", "));
    return Finding{Verdict::fail, "there is no " + names, "all of them", "install what brings " + names};
}

/// Short texts as they are, long ones by their digest.
std::string shown(std::string_view text)
{
    while (text.ends_with('\n')) text.remove_suffix(1);
    const bool plain = text.size() <= longest_shown && !text.contains('\0');
    return plain ? fmt::format("\"{}\"", text)
                 : fmt::format("{} bytes, sha256 {}", text.size(), sha256(text));
}

Result<Fingerprint> state_of(host::Host& host, const Json& arguments)
{
    Fingerprint lines;
    for (const auto& path : arguments.at("files").get<std::vector<std::string>>()) {
        const Result<std::string> bytes = host.read(path, largest_compared);
        if (!bytes && bytes.error().kind != ErrorKind::not_found) return std::unexpected(bytes.error());
        lines[path] = bytes ? fmt::format("{} bytes, sha256 {}", bytes->size(), sha256(*bytes)) : "not there";
    }
    for (const auto& argv : arguments.at("commands").get<std::vector<std::vector<std::string>>>()) {
        const host::Command command{.argv = argv};
        const host::Outcome outcome = TRY(host.run(command));
        lines[command.to_text()] = fmt::format("exit code {}, {}", outcome.exit_code, shown(outcome.out));
    }
    return lines;
}

}  // namespace

void fill(Catalogue& catalogue)
{
    catalogue.add("runbook.run", run_action(Repeat::safe));
    catalogue.add("runbook.run-once", run_action(Repeat::never));
    catalogue.add("runbook.write", write_action());
    catalogue.add("runbook.wait", wait_action());
    catalogue.add_condition("runbook.holds", holds);
    catalogue.add_condition("runbook.programs", programs_are_there);
    catalogue.add_fingerprint("runbook.state", state_of);
}

}  // namespace belay::operation::runbook
