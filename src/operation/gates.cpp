#include "operation/gates.h"

#include "base/json.h"

#include <algorithm>

namespace belay::operation {
namespace {

constexpr Milliseconds command_limit = std::chrono::seconds(30);
constexpr Milliseconds probe_limit = std::chrono::seconds(10);

std::unexpected<Error> no_gate(std::string_view text, std::string_view why)
{
    return fail(
        ErrorKind::usage, fmt::format("\"{}\" is no gate: {}", text, why),
        "a gate is command:PROGRAM ARGUMENT..., tcp:HOST:PORT, http://..., https://... or array:NAME");
}

std::vector<std::string> words_of(std::string_view text)
{
    std::vector<std::string> words;
    constexpr std::string_view blanks = " \t\n";
    for (size_t begin = text.find_first_not_of(blanks); begin != std::string_view::npos;) {
        const size_t end = std::min(text.find_first_of(blanks, begin), text.size());
        words.emplace_back(text.substr(begin, end - begin));
        begin = text.find_first_not_of(blanks, end);
    }
    return words;
}

Result<Gate> command_gate(std::string_view text, std::string_view command)
{
    const std::vector<std::string> argv = words_of(command);
    if (argv.empty()) return no_gate(text, "it names no program");
    if (argv.front().contains('/')) return no_gate(text, "the program is not a bare name");
    return Gate{.name = std::string(text),
                .title = fmt::format("{} ends well", fmt::join(argv, " ")),
                .question = {"gate.command", {{"argv", argv}}}};
}

Result<Gate> tcp_gate(std::string_view text, std::string_view address)
{
    const size_t colon = address.rfind(':');
    if (colon == std::string_view::npos) return no_gate(text, "it has no port");
    std::string_view host = address.substr(0, colon);
    const std::string_view port = address.substr(colon + 1);
    if (host.starts_with('[') && host.ends_with(']'))
        host = host.substr(1, host.size() - 2);
    else if (host.contains(':'))
        return no_gate(text, "an IPv6 address stands in brackets");
    if (host.empty() || host.starts_with('-')) return no_gate(text, "it names no host");
    const bool digits = !port.empty() && port.size() <= 5 &&
                        std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; });
    const int number = digits ? std::stoi(std::string(port)) : 0;
    if (number < 1 || number > 65535) return no_gate(text, "the port is not 1..65535");
    return Gate{.name = std::string(text),
                .title = fmt::format("port {} of {} accepts connections", number, host),
                .question = {"gate.tcp", {{"host", host}, {"port", number}}}};
}

Result<Finding> finding_of(host::Host& host, const host::Command& command, std::string_view wanted)
{
    const host::Outcome outcome = TRY(host.run(command));
    if (outcome.exit_code == 0) return Finding{Verdict::pass, "it does", std::string(wanted)};
    std::string_view said = outcome.err.empty() ? outcome.out : outcome.err;
    said = said.substr(0, std::min(said.find('\n'), size_t{200}));
    return Finding{Verdict::fail,
                   fmt::format("exit code {}{}{}", outcome.exit_code, said.empty() ? "" : ": ", said),
                   std::string(wanted), command.to_text()};
}

template <typename T>
Result<T> argument(const Json& arguments, const char* name)
{
    return from_json_value<T>(arguments.value(name, Json()));
}

Result<Finding> ask_command(host::Host& host, const Json& arguments)
{
    const auto argv = TRY(argument<std::vector<std::string>>(arguments, "argv"));
    return finding_of(host, {.argv = argv, .limit = command_limit}, "exit code 0");
}

Result<Finding> ask_tcp(host::Host& host, const Json& arguments)
{
    const auto name = TRY(argument<std::string>(arguments, "host"));
    const auto port = TRY(argument<int>(arguments, "port"));
    return finding_of(host,
                      {.argv = {"nc", "-z", "-w", "3", name, fmt::format("{}", port)}, .limit = probe_limit},
                      "it accepts connections");
}

Result<Finding> ask_http(host::Host& host, const Json& arguments)
{
    const auto url = TRY(argument<std::string>(arguments, "url"));
    return finding_of(host,
                      {.argv = {"curl", "--silent", "--show-error", "--fail", "--max-time", "5", "--output",
                                "/dev/null", url},
                       .limit = probe_limit},
                      "it answers, and not with an error");
}

Result<Gate> gate_of(std::string_view text)
{
    if (text.starts_with("command:")) return command_gate(text, text.substr(8));
    if (text.starts_with("tcp:")) return tcp_gate(text, text.substr(4));
    if (text.starts_with("http://") || text.starts_with("https://")) {
        if (text.find_first_of(" \t\n") != std::string_view::npos)
            return no_gate(text, "a URL has no blanks");
        return Gate{.name = std::string(text),
                    .title = fmt::format("{} answers", text),
                    .question = {"gate.http", {{"url", text}}}};
    }
    return no_gate(text, "it is of no known sort");
}

}  // namespace

Result<Gate> parse_gate(std::string_view text, Milliseconds grace)
{
    Gate gate = TRY(gate_of(text));
    pace(gate, grace);
    return gate;
}

void pace(Gate& gate, Milliseconds grace)
{
    gate.grace = grace;
    gate.every = std::clamp<Milliseconds>(grace / 3, std::chrono::seconds(1), std::chrono::seconds(10));
}

void add_gate_conditions(Catalogue& catalogue)
{
    catalogue.add_condition("gate.command", ask_command);
    catalogue.add_condition("gate.tcp", ask_tcp);
    catalogue.add_condition("gate.http", ask_http);
}

}  // namespace belay::operation
