#include "cli/storage_commands.h"

#include "base/json.h"
#include "cli/fields.h"
#include "cli/health_text.h"
#include "cli/monitor.h"
#include "cli/storage_part.h"
#include "cli/storage_text.h"
#include "host/real.h"
#include "host/recorded.h"
#include "procedures/procedures.h"

#include <algorithm>
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
    if (!file) return std::unexpected(system_error("write " + path, errno));
    const bool written = std::fwrite(text.data(), 1, text.size(), file.get()) == text.size();
    if (!written || std::fclose(file.release()) != 0)
        return std::unexpected(system_error("write " + path, errno));
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

/// From here on nobody reads the tree from its beginning to its end.
constexpr int64_t many_lines = 200;

std::string tree_text(const Invocation& asked, const Style& style, const Json& graph)
{
    std::string text = storage_text(style, graph);
    if (style.width > 0 && asked.target.empty() && std::ranges::count(text, '\n') > many_lines)
        text += "\nin short: belay storage show --summary; of one thing alone: belay storage show DEVICE\n";
    return text;
}

Result<int> show(const Invocation& asked, Console& console, const Style& style, const Json& whole)
{
    const Json graph = asked.target.empty() ? whole : TRY(part_of_graph(whole, asked.target));
    if (asked.summary) {
        const Json summary = summary_of_graph(graph);
        say(asked, console, summary, summary_text(style, summary));
    } else {
        say(asked, console, graph, tree_text(asked, style, graph));
    }
    return 0;
}

/// A recording may be longer than a message, so it comes in pieces.
Result<Json> ask_in_pieces(site::Client& client, const Json& parameters)
{
    std::string text;
    uint64_t size = 0;
    TRY(client.stream("StorageRecord", parameters, [&](const Json& piece) {
        const std::string more = raw_text(piece, "recording");
        text += more;
        size = static_cast<uint64_t>(number_of(piece, "size"));
        // A daemon that sends nothing, or has no end, is not waited for.
        return !more.empty() && text.size() <= most_read.count;
    }));
    if (text.empty() || text.size() != size)
        return fail(ErrorKind::unavailable,
                    fmt::format("the recording broke off: {} of {} bytes came", text.size(), size),
                    "the same command again");
    return Json{{"recording", std::move(text)}};
}

}  // namespace

AskView ask_daemon(site::Client& client)
{
    return [&client](std::string_view method, const Json& parameters) -> Result<Json> {
        if (method == "StorageRecord") return ask_in_pieces(client, parameters);
        return client.call(method, parameters);
    };
}

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
    return show(asked, console, style, TRY(ask("StorageShow", Json::object())));
}

}  // namespace belay::cli
