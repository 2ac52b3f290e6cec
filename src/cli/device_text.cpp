#include "cli/device_text.h"

#include "base/units.h"
#include "cli/fields.h"

#include <fmt/ranges.h>

namespace belay::cli {
namespace {

/// "16.9.3.0.3127 (C)", as `show install summary` has it.
std::string packages_text(const Style& style, const Json& member)
{
    std::vector<std::string> words;
    for (const Json& package : list_of(member, "packages")) {
        const std::string type = raw_text(package, "type");
        words.push_back(fmt::format("{}{} {}", type == "IMG" ? "" : clean(style, type) + " ",
                                    text_of(style, package, "version"), text_of(style, package, "state")));
    }
    return fmt::format("{}", fmt::join(words, ", "));
}

std::string state_of_device(const Style& style, const Json& device)
{
    const Json& issu = object_of(device, "issu");
    if (issu.empty()) return "no in-service upgrade is on its way";
    return fmt::format("{} ({})", text_of(style, issu, "state"), text_of(style, issu, "operation_type"));
}

std::string mode_of_device(const Style& style, const Json& device)
{
    std::string text = text_of(style, device, "operating_mode");
    if (has(device, "terminal"))
        text += fmt::format("{}terminal state {}", text.empty() ? "" : ", ",
                            flag_of(device, "terminal") ? "reached" : "not reached");
    if (!text.empty()) return text;
    return flag_of(device, "redundant") ? "one active, one hot" : "not redundant";
}

}  // namespace

std::string devices_text(const Style& style, const Json& devices)
{
    if (devices.empty()) return "the configuration has no device\n  next: belay config edit\n";
    std::vector<std::vector<std::string>> rows;
    for (const Json& one : devices)
        rows.push_back({text_of(style, one, "name"),
                        fmt::format("{}@{}", text_of(style, one, "user"), text_of(style, one, "address")),
                        text_of(style, one, "location"), text_of(style, one, "description")});
    return table(style, rows, 0);
}

std::vector<std::vector<std::string>> device_rows(const Style& style, const Json& device)
{
    std::vector<std::vector<std::string>> rows;
    const Json& issu = object_of(device, "issu");
    rows.push_back({"device", state_of_device(style, device)});
    if (!issu.empty()) {
        rows.push_back({"  install type", text_of(style, issu, "install_type")});
        rows.push_back({"  last operation", text_of(style, issu, "last_operation")});
        std::string label = "  completed";
        for (const Json& one : list_of(issu, "completed"))
            rows.push_back({std::exchange(label, ""), fmt::format("{}  {}", text_of(style, one, "started"),
                                                                  text_of(style, one, "name"))});
        rows.push_back(
            {"  transitions", fmt::format("{}", fmt::join(texts_of(style, issu, "transitions"), " -> "))});
    }
    const bool runs = has(device, "timer");
    rows.push_back({"  its own timer",
                    runs ? fmt::format("{} left", to_text(Milliseconds(number_of(device, "timer") * 1000)))
                         : "does not run"});
    rows.push_back({"running image", text_of(style, device, "running_image")});
    for (const Json& member : list_of(device, "members"))
        rows.push_back(
            {"", fmt::format("{}: {}, {}", text_of(style, member, "name"), text_of(style, member, "release"),
                             text_of(style, member, "redundancy"))});
    rows.push_back({"operating mode", mode_of_device(style, device)});
    return rows;
}

std::string device_text(const Style& style, const Json& device)
{
    const std::string model = text_of(style, device, "model");
    std::string text = paint(style, Tone::bold, text_of(style, device, "name"));
    if (!model.empty()) text += fmt::format(" ({})", model);
    text += '\n' + table(style, device_rows(style, device), 2);
    std::vector<std::vector<std::string>> rows;
    for (const Json& member : list_of(device, "members"))
        rows.push_back(
            {text_of(style, member, "name"), text_of(style, member, "mode"),
             has(member, "starts_by_itself")
                 ? (flag_of(member, "starts_by_itself") ? "boots by itself" : "does NOT boot by itself")
                 : "",
             has(member, "free") ? to_text(Bytes{static_cast<uint64_t>(number_of(member, "free"))}) + " free"
                                 : "",
             packages_text(style, member)});
    return text + "\nmembers\n" + table(style, rows, 2);
}

}  // namespace belay::cli
