#include "supervisor/run_folder.h"

#include "host/descriptor.h"
#include "host/files.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

namespace belay::supervisor {
namespace {

using framework::supervision::Ended;
using framework::supervision::Past;
using framework::supervision::Phase;
using framework::supervision::Want;

constexpr Bytes most_record_bytes{4 << 20};
constexpr Bytes most_ends_bytes{16 << 20};
constexpr off_t most_ends_kept = 1 << 20;
constexpr std::string_view ending = ".json";

Json json_of(const std::optional<int>& number)
{
    return number ? Json(*number) : Json();
}

std::optional<int> number_from(const Json& json)
{
    return json.is_null() ? std::nullopt : std::optional(json.get<int>());
}

Json json_of(const Past& past)
{
    Json json = {{"failures", Json::array()},
                 {"in_a_row", past.in_a_row},
                 {"restarts", past.restarts},
                 {"drains", past.drains},
                 {"reason", past.reason}};
    for (const Milliseconds failure : past.failures) json["failures"].push_back(failure.count());
    if (past.ready_at) json["ready_at"] = past.ready_at->count();
    if (past.last) json["last"] = {json_of(past.last->code), json_of(past.last->signal)};
    return json;
}

Past past_from(const Json& json)
{
    Past past;
    for (const Json& failure : json.at("failures")) past.failures.emplace_back(failure.get<int64_t>());
    json.at("in_a_row").get_to(past.in_a_row);
    json.at("restarts").get_to(past.restarts);
    past.drains = json.value("drains", false);
    json.at("reason").get_to(past.reason);
    if (json.contains("ready_at")) past.ready_at = Milliseconds(json["ready_at"].get<int64_t>());
    if (json.contains("last"))
        past.last = Ended{number_from(json["last"].at(0)), number_from(json["last"].at(1))};
    return past;
}

/// But for its description.
Json json_of(const Record& record)
{
    Json json = {{"want", record.want},
                 {"phase", record.phase},
                 {"sockets", record.sockets},
                 {"past", json_of(record.past)}};
    if (record.process) json["process"] = {record.process->pid, record.process->started};
    if (record.notify) json["notify"] = *record.notify;
    if (record.kept_open_by) json["kept_open_by"] = {record.kept_open_by->pid, record.kept_open_by->started};
    if (!record.files.empty()) json["files"] = record.files;
    if (record.running) json["running"] = *record.running;
    return json;
}

Result<Record> record_from(const std::string& text)
{
    const Json json = TRY(parse_json(text));
    Record record;
    try {
        record.described = TRY(framework::supervision::application_from(json.at("described")));
        const int want = json.at("want").get<int>();
        const int phase = json.at("phase").get<int>();
        if (want < 0 || want > static_cast<int>(Want::suspended) || phase < 0 ||
            phase > static_cast<int>(Phase::failed))
            return fail(ErrorKind::corrupt, "there is no such phase");
        record.want = static_cast<Want>(want);
        record.phase = static_cast<Phase>(phase);
        json.at("sockets").get_to(record.sockets);
        if (json.contains("files")) json["files"].get_to(record.files);
        if (json.contains("notify")) record.notify = json["notify"].get<int>();
        if (json.contains("kept_open_by"))
            record.kept_open_by = {json["kept_open_by"].at(0).get<pid_t>(),
                                   json["kept_open_by"].at(1).get<uint64_t>()};
        record.past = past_from(json.at("past"));
        if (json.contains("process"))
            record.process = {json["process"].at(0).get<pid_t>(), json["process"].at(1).get<uint64_t>()};
        if (json.contains("running"))
            record.running = TRY(framework::supervision::application_from(json["running"]));
    } catch (const Json::exception& problem) {
        return fail(ErrorKind::corrupt, problem.what());
    }
    return record;
}

}  // namespace

Result<RunFolder> RunFolder::open(const std::string& path)
{
    std::error_code problem;
    std::filesystem::create_directories(path, problem);
    // Whoever runs as another user finds the socket by its name, which is his alone.
    if (problem || chmod(path.c_str(), 0711) != 0)
        return std::unexpected(system_error(fmt::format("make the folder {}", path), errno));
    return RunFolder(path);
}

std::string RunFolder::groups_of(const std::string& path)
{
    std::string name = "belay" + path;
    std::ranges::replace(name, '/', '-');
    return name;
}

/// The old one stands until the new one does; a reboot takes both, so nothing is synced.
Result<void> RunFolder::keep(const Record& record, std::string_view described) const
{
    const std::string path = fmt::format("{}/{}{}", path_, record.described.id, ending);
    const std::string fresh = path + ".new";
    const std::string rest = json_text(json_of(record));
    const std::string text =
        fmt::format("{{\"described\":{},{}", described, std::string_view(rest).substr(1));
    host::Descriptor file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    const bool written =
        file && write(file.number(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
    if (!written || std::rename(fresh.c_str(), path.c_str()) != 0)
        return std::unexpected(system_error(fmt::format("write {}", path), errno));
    return {};
}

void RunFolder::forget(ApplicationId id) const
{
    unlink(fmt::format("{}/{}{}", path_, id, ending).c_str());
    unlink(output_of(id).c_str());
    unlink(notify_of(id).c_str());
    unlink(orders_of(id).c_str());
}

std::vector<Record> RunFolder::all(std::vector<std::string>& problems) const
{
    std::vector<Record> records;
    const Result<std::vector<std::string>> names = host::files::list(path_);
    if (!names) problems.push_back(names.error().what);
    for (const std::string& name : names.value_or(std::vector<std::string>())) {
        if (!name.ends_with(ending)) continue;
        const std::string path = fmt::format("{}/{}", path_, name);
        const Result<std::string> text = host::files::read(path, most_record_bytes);
        Result<Record> record = text ? record_from(*text) : Result<Record>(std::unexpected(text.error()));
        if (record)
            records.push_back(std::move(*record));
        else
            problems.push_back(fmt::format("{}: {}", path, record.error().what));
    }
    return records;
}

void RunFolder::add_end(const std::string& folder, const host::ProcessName& process,
                        const host::ProcessEnd& end)
{
    const host::Descriptor file(
        ::open(fmt::format("{}/ended", folder).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    struct stat status{};
    if (fstat(file.number(), &status) == 0 && status.st_size > most_ends_kept)
        static_cast<void>(ftruncate(file.number(), 0) == 0);
    const std::string line = fmt::format("{} {} {} {}\n", process.pid, process.started,
                                         end.by_signal ? "signal" : "code", end.number);
    static_cast<void>(write(file.number(), line.data(), line.size()) > 0);
}

std::optional<Ended> RunFolder::end_of(const host::ProcessName& process) const
{
    const Result<std::string> text = host::files::read(fmt::format("{}/ended", path_), most_ends_bytes);
    if (!text) return std::nullopt;
    std::istringstream lines(*text);
    pid_t pid = 0;
    uint64_t started = 0;
    int number = 0;
    for (std::string how; lines >> pid >> started >> how >> number;) {
        if (host::ProcessName{pid, started} != process) continue;
        return how == "signal" ? Ended{.code = {}, .signal = number} : Ended{.code = number, .signal = {}};
    }
    return std::nullopt;
}

}  // namespace belay::supervisor
