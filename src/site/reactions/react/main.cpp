#include "base/json.h"
#include "site/reactions/errand.h"
#include "site/reactions/react/react.h"

#include <array>
#include <cstdio>
#include <cstring>
#include <unistd.h>

namespace {

using namespace belay;

constexpr size_t most_errand = 1 << 20;
constexpr int cannot_run = 126;

Result<Json> read_errand()
{
    std::string text;
    std::array<char, 64 << 10> room{};
    ssize_t count = 0;
    while ((count = read(STDIN_FILENO, room.data(), room.size())) > 0 && text.size() <= most_errand)
        text.append(room.data(), static_cast<size_t>(count));
    if (text.size() > most_errand) return fail(ErrorKind::usage, "the errand is too long");
    Json errand = TRY(parse_json(text));
    if (!errand.is_object()) return fail(ErrorKind::usage, "an errand is a table");
    return errand;
}

Result<std::string> carry_out(const Json& errand)
{
    // What belayd says has these fields; what somebody else says may have any.
    try {
        const std::string kind = errand.value("kind", "");
        if (kind == "mail") return site::react::send_mail(errand);
        if (kind == "webhook") return site::react::post_webhook(errand);
        if (kind == "variable") return site::react::read_variable(errand);
        if (kind == "command") return std::unexpected(site::react::become_command(errand));
        return fail(ErrorKind::usage, "there is no such errand");
    } catch (const Json::exception&) {
        return fail(ErrorKind::usage, "a field of the errand is of another kind");
    }
}

int run()
{
    if (const Result<void> bound = site::react::bind_to_parent(); !bound) return site::react::not_now;
    const Result<Json> errand = read_errand();
    if (!errand) {
        std::fputs("belayd-react: wants an errand of belayd's on its standard input; see belayd-react(8)\n",
                   stderr);
        return 2;
    }
    const Result<std::string> done = carry_out(*errand);
    const std::string line = (done ? *done : done.error().what) + "\n";
    std::fputs(line.c_str(), stderr);
    if (done) return 0;
    if (errand->value("kind", "") == "command") return cannot_run;
    return done.error().kind == ErrorKind::unavailable ? site::react::not_now : site::react::never;
}

}  // namespace

int main(int argc, char** argv)
{
    const bool asks =
        argc > 1 && (std::strcmp(argv[1], "--help") == 0 || std::strcmp(argv[1], "--version") == 0);
    if (asks) {
        std::puts(std::strcmp(argv[1], "--version") == 0
                      ? "belayd-react " BELAY_VERSION
                      : "belayd-react: carries out one reaction to an alarm, or asks for an SNMP variable, "
                        "for belayd. See belayd-react(8).");
        return 0;
    }
    return run();
}
