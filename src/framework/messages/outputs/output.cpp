#include "framework/messages/outputs/output.h"

#include <algorithm>

namespace belay::framework::messages {
namespace {

std::vector<Level> levels_in(const Json& names)
{
    std::vector<Level> found;
    for (const Json& name : names) {
        const auto level = name.is_string() ? level_named(name.get_ref<const std::string&>())
                                            : Result<Level>(fail(ErrorKind::usage, "a level is no text"));
        if (level) found.push_back(*level);
    }
    return found;
}

Output output_of(const configuration::Object& object)
{
    const auto number = [&](const char* attribute) { return object.value(attribute).get<int64_t>(); };
    const std::string kind = object.text("kind");
    Output output{.name = object.name, .levels = {Level::alarm, Level::standard}};
    if (const Json levels = object.value("levels"); levels.is_array()) output.levels = levels_in(levels);
    if (kind == "syslog")
        output.to = SyslogPlan{.server = object.text("server"),
                               .tls = object.text("transport") == "tls",
                               .ca = object.text("ca"),
                               .facility = static_cast<unsigned>(number("facility"))};
    else if (kind == "otlp")
        output.to = OtlpPlan{
            .url = object.text("url"), .ca = object.text("ca"), .token_file = object.text("token_file")};
    else
        output.to = OutputPlan{.path = object.text("path"),
                               .segment_bytes = static_cast<uint64_t>(number("segment_size")),
                               .segment_age = Milliseconds(number("segment_age")),
                               .keep = static_cast<unsigned>(number("keep")),
                               .keep_for = Milliseconds(number("keep_for"))};
    return output;
}

struct Telling {
    Json& json;

    void operator()(const OutputPlan& plan) const
    {
        json["kind"] = "file";
        json["path"] = plan.path;
        json["segment_bytes"] = plan.segment_bytes;
        json["segment_age_ms"] = plan.segment_age.count();
        json["keep"] = plan.keep;
        json["keep_for_ms"] = plan.keep_for.count();
    }
    void operator()(const SyslogPlan& plan) const
    {
        json["kind"] = "syslog";
        json["server"] = plan.server;
        json["tls"] = plan.tls;
        json["ca"] = plan.ca;
        json["facility"] = plan.facility;
    }
    void operator()(const OtlpPlan& plan) const
    {
        json["kind"] = "otlp";
        json["url"] = plan.url;
        json["ca"] = plan.ca;
        json["token_file"] = plan.token_file;
    }
};

}  // namespace

std::vector<Output> outputs_of(const configuration::Configuration& configuration, std::string_view host)
{
    std::vector<Output> found;
    const configuration::Object* const here = configuration.find("host", host);
    if (here == nullptr) return found;
    for (const configuration::Object* object : configuration.of_type("output")) {
        const Json hosts = object->value("hosts");
        const bool is_for_all = !hosts.is_array() || hosts.empty();
        const bool is_here = is_for_all || std::ranges::find(hosts, Json(here->id)) != hosts.end();
        if (is_here && !object->disabled) found.push_back(output_of(*object));
    }
    std::ranges::sort(found, {}, &Output::name);
    return found;
}

void to_json(Json& json, const Output& output)
{
    json = {{"name", output.name}, {"levels", Json::array()}};
    for (const Level level : output.levels) json["levels"].push_back(name_of(level));
    std::visit(Telling{json}, output.to);
}

Result<Output> read_output(const Json& json)
{
    try {
        Output output{.name = json.at("name").get<std::string>()};
        for (const Json& name : json.at("levels"))
            output.levels.push_back(TRY(level_named(name.get<std::string>())));
        const std::string kind = json.at("kind").get<std::string>();
        if (kind == "syslog") {
            output.to = SyslogPlan{.server = json.at("server").get<std::string>(),
                                   .tls = json.at("tls").get<bool>(),
                                   .ca = json.at("ca").get<std::string>(),
                                   .facility = json.at("facility").get<unsigned>()};
        } else if (kind == "otlp") {
            output.to = OtlpPlan{.url = json.at("url").get<std::string>(),
                                 .ca = json.at("ca").get<std::string>(),
                                 .token_file = json.at("token_file").get<std::string>()};
        } else if (kind == "file") {
            OutputPlan plan{.path = json.at("path").get<std::string>(),
                            .segment_bytes = json.at("segment_bytes").get<uint64_t>(),
                            .segment_age = Milliseconds(json.at("segment_age_ms").get<int64_t>()),
                            .keep = json.at("keep").get<unsigned>(),
                            .keep_for = Milliseconds(json.at("keep_for_ms").get<int64_t>())};
            TRY(check(plan));
            output.to = std::move(plan);
        } else {
            return fail(ErrorKind::usage, fmt::format("\"{}\" is no kind of an output", kind));
        }
        return output;
    } catch (const Json::exception& problem) {
        return fail(ErrorKind::usage, fmt::format("an output: {}", problem.what()));
    }
}

}  // namespace belay::framework::messages
