#include "cli/storage_commands.h"

#include "base/json.h"
#include "cli/fields.h"
#include "cli/health_text.h"
#include "cli/monitor.h"
#include "cli/storage_text.h"
#include "host/real.h"
#include "host/recorded.h"
#include "procedures/procedures.h"

#include <cerrno>
#include <cstdio>
#include <filesystem>

namespace belay::cli {
namespace {

/// A recording of a large host; the format's own limit comes after it.
constexpr Bytes most_read = {256ULL << 20};

struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
};

/// Never over a file that is there.
Result<void> write_new_file(const std::string& path, const std::string& text)
{
    std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "wbxe"));
    if (!file && errno == EEXIST)
        return fail(ErrorKind::refused, fmt::format("{} is there already", path), "choose another name");
    if (!file) return std::unexpected(system_error("cannot write " + path, errno));
    const bool written = std::fwrite(text.data(), 1, text.size(), file.get()) == text.size();
    if (!written || std::fclose(file.release()) != 0)
        return std::unexpected(system_error("cannot write " + path, errno));
    return {};
}

void say(const Invocation& asked, Console& console, const Json& answer, const std::string& text)
{
    console.out(asked.json ? json_text(answer) + '\n' : text);
}

Result<int> record(const Invocation& asked, Console& console, const AskView& ask)
{
    const Json answer = TRY(ask("StorageRecord", {{"mask", asked.mask}}));
    const std::string text = raw_text(answer, "recording");
    if (asked.file == "-") {
        console.out(text);
        return 0;
    }
    TRY(write_new_file(asked.file, text));
    const Json said = {{"file", asked.file}, {"size", text.size()}, {"masked", asked.mask}};
    say(asked, console, said,
        fmt::format("{} written, {}{}\n  next: belay storage show --from {}\n", asked.file,
                    to_text(Bytes{text.size()}), asked.mask ? ", serial numbers masked" : "", asked.file));
    return 0;
}

}  // namespace

Result<AskView> ask_recording(const std::string& path)
{
    std::error_code problem;
    const std::string absolute = std::filesystem::absolute(path, problem).string();
    const std::string text = TRY(host::real_host()->read(absolute, most_read));
    Result<std::unique_ptr<host::RecordedHost>> recorded = host::recorded_host(text);
    if (!recorded) {
        Error error = std::move(recorded).error();
        error.what = fmt::format("{} is no recording: {}", path, error.what);
        if (error.next.empty()) error.next = "belay storage record FILE";
        return std::unexpected(std::move(error));
    }
    const std::shared_ptr<host::Host> host = *std::move(recorded);
    return [host](std::string_view method, const Json&) -> Result<Json> {
        return procedures::view_named(method).read(*host, {});
    };
}

Result<int> storage_command(const Invocation& asked, Console& console, const Style& style, const AskView& ask)
{
    if (asked.command == Command::storage_record) return record(asked, console, ask);
    if (asked.command == Command::storage_health) {
        const Json report = TRY(ask("StorageHealth", Json::object()));
        say(asked, console, report, health_text(style, report));
        const std::string worst = raw_text(report, "worst");
        return worst == "warning" || worst == "critical" ? 1 : 0;
    }
    if (asked.command == Command::storage_ports) {
        const Json ports = TRY(ask("StoragePorts", Json::object()));
        say(asked, console, ports, ports_text(style, ports));
        return 0;
    }
    const Json graph = TRY(ask("StorageShow", Json::object()));
    say(asked, console, graph, storage_text(style, graph));
    return 0;
}

}  // namespace belay::cli
