// What programs log by syslog(3) and to systemd's journal becomes messages: once, whoever is killed, and
// whatever journald removes. All of it with a systemd-journald of our own, and what speaks to it on any host.

#include "journald.h"
#include "message_server/journal_reader.h"
#include "supervisor.h"

#include <atomic>
#include <doctest/doctest.h>
#include <map>
#include <netinet/in.h>
#include <random>
#include <set>
#include <sys/uio.h>
#include <syslog.h>
#include <systemd/sd-journal.h>
#include <thread>

namespace belay::messages {
namespace {

using namespace std::string_literals;
using framework::supervision::Autorestart;

/// False: why not is said.
bool has_own_mounts()
{
    const std::string in_the_way = enter_own_mounts();
    if (!in_the_way.empty()) MESSAGE(in_the_way);
    return in_the_way.empty();
}

/// How far the journal was taken; empty: it is not read.
std::string position_of(MessageServer& server)
{
    const Json at = server.ask("Position", {{"source", "journal"}}).at("at");
    return at.is_string() ? at.get<std::string>() : "";
}

void describe(MessageServer& server, const std::string& syslog, const Json& applications = Json::array())
{
    server.ask("Describe", {{"host", "web1"}, {"applications", applications}, {"syslog", syslog}});
    if (syslog == "none") return;
    // It begins with what comes now: that it is there is to be seen first.
    await([&] { return !position_of(server).empty(); });
}

Json application(int64_t id, const std::string& name, const std::string& level)
{
    return {{"id", id}, {"name", name}, {"log_level", level}, {"output", ""}};
}

/// The messages with this text, once there is one.
Json one_with(MessageServer& server, const std::string& text)
{
    await([&] { return !server.all({{"text", text}}).empty(); });
    const std::vector<Json> found = server.all({{"text", text}});
    CHECK(found.size() == 1);
    return found.front();
}

int log_line(const std::string& options, const std::string& text)
{
    return run_in_shell(fmt::format("logger {} '{}'", options, text));
}

/// "number N." for each, as one process says them.
int log_numbers(int from, int until, const std::string& as = "")
{
    return run_in_shell(
        fmt::format("seq -f 'number %.0f.' {} {} | {} logger -t flood -p user.notice", from, until - 1, as));
}

int number_of(const std::string& text)
{
    const size_t at = text.find("number ");
    return at == std::string::npos ? -1 : std::stoi(text.substr(at + 7));
}

/// Until it is there, and with it all that is before it in the journal.
void await_number(MessageServer& server, int number)
{
    await([&] { return !server.all({{"text", fmt::format("number {}.", number)}}).empty(); });
}

/// How often each number is there.
std::map<int, int> numbers_of(MessageServer& server)
{
    std::map<int, int> count;
    for (const Json& one : server.all({{"text", "number "}})) ++count[number_of(one.at("text"))];
    return count;
}

void check_each_once(const std::map<int, int>& there, int from, int until)
{
    int wrong = 0;
    for (int i = from; i < until; ++i) {
        const auto found = there.find(i);
        if (found == there.end() || found->second != 1) ++wrong;
    }
    CHECK(wrong == 0);
    CHECK(there.size() == static_cast<size_t>(until - from));
}

/// What the journal itself has of them.
std::set<int> numbers_in_journal()
{
    const Scratch scratch;
    run_in_shell(fmt::format("journalctl -o cat -t flood > {}", scratch.path("all")));
    std::set<int> numbers;
    std::ifstream file(scratch.path("all"));
    for (std::string line; std::getline(file, line);) {
        if (const int number = number_of(line); number >= 0) numbers.insert(number);
    }
    return numbers;
}

uint64_t said_lost(MessageServer& server)
{
    uint64_t count = 0;
    for (const Json& one : server.all({{"id", "01-00028"}}))
        count += std::stoull(one.at("attributes").at("count").get<std::string>());
    return count;
}

TEST_CASE(
    "what any program logs is a message of its service or user, with what syslog and journald know of it")
{
    if (!has_own_mounts()) return;
    Journald journald;
    MessageServer server;
    CHECK(log_line("-t early", "before anybody wanted it") == 0);
    Journald::sync();
    describe(server, "all");
    REQUIRE(log_line("-t ping -p daemon.warning", "listens at two ports") == 0);
    const Json warned = one_with(server, "listens at two ports");
    CHECK(warned.at("level") == "standard");
    CHECK(warned.at("id") == "00-00000");
    CHECK(warned.at("host") == "web1");
    CHECK(warned.at("application") == fmt::format("user {}", site::user_name(getuid())));
    CHECK(warned.at("attributes").at("identifier") == "ping");
    CHECK(warned.at("attributes").at("facility") == "daemon");
    CHECK(std::stoi(warned.at("attributes").at("pid").get<std::string>()) > 0);

    openlog("belay-test", LOG_PID, LOG_LOCAL1);
    syslog(LOG_CRIT, "out of %s", "seats");
    syslog(LOG_INFO, "looks for seats");
    syslog(LOG_DEBUG, "seat by seat");
    const Json alarm = one_with(server, "out of seats");
    CHECK(alarm.at("level") == "alarm");
    CHECK(alarm.at("attributes").at("facility") == "local1");
    CHECK(alarm.at("attributes").at("pid") == std::to_string(getpid()));
    CHECK(one_with(server, "looks for seats").at("level") == "trace");

    REQUIRE(run_in_shell("echo said on standard output | systemd-cat -t cat -p err") == 0);
    CHECK(one_with(server, "said on standard output").at("level") == "standard");

    REQUIRE(sd_journal_send("MESSAGE=agent 12 answers", "PRIORITY=5", "AGENT=12", "ID=02-00020", nullptr) ==
            0);
    const Json native = one_with(server, "agent 12 answers");
    CHECK(native.at("attributes").at("AGENT") == "12");
    CHECK(native.at("id") == "00-00000");

    CHECK(server.all({{"text", "before anybody"}}).empty());
    CHECK(server.all({{"text", "seat by seat"}}).empty());
    const Json status = server.ask("Status").at("journal");
    CHECK(status.at("problem").is_null());
    CHECK(status.at("taken") >= 5);
    CHECK(status.at("not_wanted") >= 1);
    CHECK(status.at("lost") == 0);
}

TEST_CASE(
    "of other programs nothing is taken unless the configuration wants all, and never what came meanwhile")
{
    if (!has_own_mounts()) return;
    Journald journald;
    MessageServer server;
    CHECK(server.ask("Status").at("journal").is_null());
    describe(server, "all");
    REQUIRE(log_line("-t a", "wanted one") == 0);
    CHECK(one_with(server, "wanted one").at("attributes").at("identifier") == "a");
    describe(server, "applications", Json::array({application(3, "pinger", "trace")}));
    const auto read = [&] { return server.ask("Status").at("journal").at("read").get<uint64_t>(); };
    const uint64_t read_before = read();
    REQUIRE(log_line("-t a", "of no application") == 0);
    // Some of what is read may be of journald itself; the line is before nearly all of these.
    REQUIRE(log_numbers(0, 30) == 0);
    await([&] { return read() >= read_before + 20; });
    describe(server, "all");
    REQUIRE(log_line("-t a", "wanted two") == 0);
    one_with(server, "wanted two");
    describe(server, "none");
    await([&] { return position_of(server).empty(); });
    REQUIRE(log_line("-t a", "wanted by nobody") == 0);
    Journald::sync();
    CHECK(server.ask("Status").at("journal").is_null());
    server.kill_and_start();
    describe(server, "all");
    REQUIRE(log_line("-t a", "wanted three") == 0);
    one_with(server, "wanted three");
    CHECK(server.all({{"text", "of no application"}}).empty());
    CHECK(server.all({{"text", "wanted by nobody"}}).empty());
    CHECK_FALSE(server.client().call("Describe", {{"syslog", "some"}}));
}

TEST_CASE("killed at any moment of a flood: every line is there once")
{
    if (!has_own_mounts()) return;
    Journald journald;
    MessageServer server;
    describe(server, "all");
    constexpr int count = 20'000;
    std::atomic<bool> is_over = false;
    std::thread flood([&] {
        CHECK(log_numbers(0, count) == 0);
        is_over = true;
    });
    std::mt19937 random(static_cast<unsigned>(7));
    int kills = 0, in_flood = 0;
    for (; kills < 10 || (!is_over && kills < 100); ++kills) {
        std::this_thread::sleep_for(std::chrono::milliseconds(random() % 150));
        if (!is_over) ++in_flood;
        server.kill_and_start();
    }
    flood.join();
    await_number(server, count - 1);
    check_each_once(numbers_of(server), 0, count);
    CHECK(server.all({{"id", "01-00028"}}).empty());
    CHECK(server.all({{"id", "01-00029"}}).empty());
    MESSAGE(fmt::format("{} kills, {} of them before the last line was said", kills, in_flood));
}

TEST_CASE("two write at once to files of their own: every line is there once, those of each in order")
{
    if (!has_own_mounts()) return;
    Journald journald;
    MessageServer server;
    describe(server, "all");
    constexpr int count = 10'000;
    std::thread person(
        [&] { CHECK(log_numbers(count, 2 * count, "setpriv --reuid 12345 --clear-groups") == 0); });
    CHECK(log_numbers(0, count) == 0);
    person.join();
    Journald::sync();
    CHECK(std::filesystem::exists("/var/log/journal/0123456789abcdef0123456789abcdef/user-12345.journal"));
    await_number(server, count - 1);
    await_number(server, 2 * count - 1);
    check_each_once(numbers_of(server), 0, 2 * count);
    std::map<bool, int> last = {{false, -1}, {true, -1}};
    int out_of_order = 0;
    for (const Json& one : server.all({{"text", "number "}})) {
        const int number = number_of(one.at("text"));
        if (number < last[number >= count]) ++out_of_order;
        last[number >= count] = number;
    }
    CHECK(out_of_order == 0);
    CHECK(said_lost(server) == 0);
}

TEST_CASE("who reads without a pause while two write to files of their own misses nothing")
{
    using message_server::JournalReader;
    if (!has_own_mounts()) return;
    Journald journald;
    constexpr int count = 20'000;
    REQUIRE(log_numbers(0, 1) == 0);
    REQUIRE(log_numbers(count, count + 1, "setpriv --reuid 12345 --clear-groups") == 0);
    Journald::sync();
    const auto reader = must(JournalReader::open());
    reader->go_to_end();
    std::atomic<int> writing = 2;
    std::thread person([&] {
        CHECK(log_numbers(count + 1, 2 * count, "setpriv --reuid 12345 --clear-groups") == 0);
        --writing;
    });
    std::thread root([&] {
        CHECK(log_numbers(1, count) == 0);
        Journald::sync();
        --writing;
    });
    std::vector<int> seen(size_t{2} * count);
    int ends = 0;
    const auto until = std::chrono::steady_clock::now() + patience;
    for (int quiet = 0; quiet < 100 && std::chrono::steady_clock::now() < until;) {
        const JournalReader::Step step = reader->next();
        if (step == JournalReader::Step::entry) {
            const int number = number_of(reader->field("MESSAGE"));
            if (number >= 0) ++seen.at(static_cast<size_t>(number));
            continue;
        }
        ++ends;
        if (writing == 0) ++quiet;
        if (writing == 0) usleep(5000);
        reader->take_changes();
    }
    person.join();
    root.join();
    seen[0] = seen[count] = 1;
    CHECK(std::ranges::count(seen, 1) == 2 * count);
    CHECK(reader->take_loss().count == 0);
    MESSAGE(fmt::format("{} times there was no more", ends));
}

TEST_CASE("rotated and vacuumed while nobody reads: the rest comes once, and what was lost is counted")
{
    if (!has_own_mounts()) return;
    Journald journald;
    MessageServer server;
    describe(server, "all");
    CHECK(log_numbers(0, 100) == 0);
    await_number(server, 99);

    INFO("nothing is lost where only what was taken has gone");
    CHECK(server.end(SIGTERM) == 0);
    Journald::control("--rotate");
    Journald::control("--vacuum-files=1");
    CHECK(log_numbers(100, 200) == 0);
    Journald::sync();
    server.start();
    await_number(server, 199);
    check_each_once(numbers_of(server), 0, 200);
    CHECK(said_lost(server) <= 5);  // of what journald says itself

    const uint64_t lost_before = said_lost(server);
    server.end(SIGKILL);
    CHECK(log_numbers(200, 700) == 0);
    Journald::sync();
    Journald::control("--rotate");
    CHECK(log_numbers(700, 1000) == 0);
    Journald::sync();
    Journald::control("--rotate");
    Journald::control("--vacuum-files=2");
    CHECK(log_numbers(1000, 1100) == 0);
    Journald::sync();
    const std::set<int> left = numbers_in_journal();
    REQUIRE(left.size() < 900);
    REQUIRE(left.contains(1099));
    server.start();
    await_number(server, 1099);
    const std::map<int, int> there = numbers_of(server);
    for (const auto& [number, times] : there) REQUIRE_MESSAGE(times == 1, number);
    for (const int number : left) REQUIRE_MESSAGE(there.contains(number), number);
    const size_t missing = 1100 - there.size();
    const uint64_t said = said_lost(server) - lost_before;
    CHECK(missing >= 200);
    CHECK(said >= missing);
    CHECK(said <= missing + 20);  // what journald says itself counts as well
    CHECK(server.ask("Status").at("journal").at("lost") == said);
    CHECK(server.all({{"id", "01-00029"}}).empty());
}

TEST_CASE("rotated and vacuumed while it is read: it goes on, and nothing is lost")
{
    if (!has_own_mounts()) return;
    Journald journald;
    MessageServer server;
    describe(server, "all");
    for (int round = 0; round < 10; ++round) {
        CHECK(log_numbers(500 * round, 500 * (round + 1)) == 0);
        Journald::control("--rotate");
        await_number(server, 500 * (round + 1) - 1);
        Journald::control("--vacuum-files=1");
    }
    check_each_once(numbers_of(server), 0, 5000);
    CHECK(server.all({{"id", "01-00029"}}).empty());
}

TEST_CASE("a journal in memory that has gone with its host is begun anew, and that is said")
{
    if (!has_own_mounts()) return;
    Journald journald(Journald::Kept::in_memory);
    MessageServer server;
    describe(server, "all");
    CHECK(log_numbers(0, 100) == 0);
    await_number(server, 99);
    CHECK(server.end(SIGTERM) == 0);
    journald.end();
    Journald::wipe();
    journald.start();
    CHECK(log_numbers(100, 200) == 0);
    Journald::sync();
    server.start();
    await_number(server, 199);
    check_each_once(numbers_of(server), 0, 200);
    await([&] { return server.all({{"id", "01-00029"}}).size() == 1; });
    server.kill_and_start();
    CHECK(log_numbers(200, 300) == 0);
    await_number(server, 299);
    CHECK(server.all({{"id", "01-00029"}}).size() == 1);
}

TEST_CASE("journald is killed, and its files are left as they were: it goes on, and every line is there once")
{
    if (!has_own_mounts()) return;
    Journald journald;
    MessageServer server;
    describe(server, "all");
    for (int round = 0; round < 5; ++round) {
        CHECK(log_numbers(500 * round, 500 * (round + 1)) == 0);
        // What it has not written yet dies with it.
        Journald::sync();
        journald.end(SIGKILL);
        if (round % 2 == 0) server.kill_and_start();
        journald.start();
    }
    await_number(server, 2499);
    check_each_once(numbers_of(server), 0, 2500);
    CHECK(server.all({{"id", "01-00029"}}).empty());
    CHECK(said_lost(server) == 0);
}

TEST_CASE("while nothing can be kept, a flood waits in the journal, and every line is there once at last")
{
    if (!has_own_mounts()) return;
    Journald journald;
    MessageServer server;
    server.end(SIGTERM);
    REQUIRE(mount("tmpfs", server.state().c_str(), "tmpfs", 0, "size=100m") == 0);
    server.start();
    describe(server, "all");
    const std::string filler = server.state() + "/filler";
    {
        std::ofstream file(filler);
        const std::string block(64 << 10, 'f');
        while (file.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
        }
    }
    constexpr int count = 40'000;
    const std::string words = std::string(300, 'w');
    CHECK(run_in_shell(fmt::format("seq -f 'number %.0f. {}' 0 {} | logger -t flood", words, count - 1)) ==
          0);
    Journald::sync();
    await([&] { return !server.ask("Status").at("problem").is_null(); });
    await([&] { return server.ask("Status").at("waiting_bytes") > 4 << 20; });
    CHECK(server.ask("Status").at("journal").at("read") < count);
    std::filesystem::remove(filler);
    await([&] { return server.ask("Status").at("journal").at("read") >= count; });
    await_number(server, count - 1);
    check_each_once(numbers_of(server), 0, count);
    CHECK(said_dropped(server) == 0);
    server.end(SIGTERM);
    CHECK(umount2(server.state().c_str(), MNT_DETACH) == 0);
}

TEST_CASE("an entry of a mebibyte, of any bytes and of many lines is kept as far as a message goes")
{
    if (!has_own_mounts()) return;
    Journald journald;
    MessageServer server;
    describe(server, "all");
    const auto send = [](const std::string& text, const std::string& number) {
        std::string message = "MESSAGE=" + text, priority = "PRIORITY=5", field = "NUMBER=" + number;
        std::array<iovec, 3> fields = {iovec{message.data(), message.size()},
                                       iovec{priority.data(), priority.size()},
                                       iovec{field.data(), field.size()}};
        return sd_journal_sendv(fields.data(), fields.size());
    };
    const std::string large = "large " + std::string((1 << 20) - 6, 'l');
    REQUIRE(send(large, "1") == 0);
    REQUIRE(send(large + "and more", "2") == 0);
    REQUIRE(send("broken \xff\xfe and\0null\nsecond line\n\tthird"s, "3") == 0);
    const auto with_number = [&](const std::string& number) {
        std::vector<Json> found;
        await([&] {
            for (const Json& one : server.all({{"level", "standard"}})) {
                const auto attributes = one.find("attributes");
                if (attributes != one.end() && attributes->value("NUMBER", "") == number)
                    found.push_back(one);
            }
            return !found.empty();
        });
        return found.front().at("text").get<std::string>();
    };
    CHECK((with_number("1") == large));
    CHECK((with_number("2") == large));
    CHECK((with_number("3") == "broken \xef\xbf\xbd\xef\xbf\xbd and\0null\nsecond line\n\tthird"s));
}

TEST_CASE(
    "a belayd that does not know its configuration yet takes nothing back: not a line is lost meanwhile")
{
    if (!has_own_mounts()) return;
    Journald::wipe();
    Journald journald;
    MessageServer server;
    describe(server, "all");
    server.ask("Describe", {{"pid", static_cast<uint64_t>(getpid())}});
    REQUIRE(log_line("-t a", "said while it began") == 0);
    one_with(server, "said while it began");
}

TEST_CASE("without journald nothing happens, and it is said where all is wanted")
{
    if (!has_own_mounts()) return;
    Journald::wipe();
    MessageServer server;
    server.ask("Describe", {{"host", "web1"}, {"applications", Json::array()}, {"syslog", "all"}});
    await([&] { return server.ask("Status").at("journal").at("problem").is_string(); });
    server.ask("Describe", {{"host", "web1"}, {"applications", {application(3, "pinger", "trace")}}});
    await([&] { return server.ask("Status").at("journal").at("problem").is_null(); });
    Journald journald;
    INFO("it need not be told that there is one now");
    await([&] { return !position_of(server).empty(); });
    describe(server, "all");
    REQUIRE(log_line("-t a", "there it is") == 0);
    one_with(server, "there it is");
}

/// An application that says each of these by syslog(3), a level and a text, and stays.
Application speaks_syslog(int64_t id, const std::string& name,
                          const std::vector<std::pair<std::string, std::string>>& lines)
{
    std::string program = "import syslog, time\nsyslog.openlog('liar')\n";
    for (const auto& [level, text] : lines)
        program += fmt::format("syslog.syslog(syslog.LOG_{}, '{}')\n", level, text);
    Application application{
        .id = id, .name = name, .command = {"/usr/bin/python3", "-c", program + "time.sleep(600)\n"}};
    application.autorestart = Autorestart::never;
    return application;
}

std::string group_of(pid_t pid)
{
    std::ifstream file(fmt::format("/proc/{}/cgroup", pid));
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("0::")) return line.substr(3);
    }
    return "";
}

TEST_CASE("an application's entries are its own by its control group, and kept as its log level says")
{
    if (!has_own_mounts()) return;
    Journald journald;
    MessageServer server;
    server.end(SIGTERM);
    const std::string texts = server.path("texts"), program = server.path("program");
    std::filesystem::create_directory(texts);
    std::ofstream(texts + "/pinger.toml")
        << "[message.20-00040]\nlevel = \"alarm\"\ntext = \"too late\"\n\n[[line]]\napplication = "
           "\"pinger\"\n"
           "pattern = 'call (?P<interaction>\\w+) took (?P<seconds>\\d+) s'\nid = \"20-00040\"\n";
    std::ofstream(program) << fmt::format("#!/bin/sh\nexec {} --texts {} \"$@\"\n", TEST_MESSAGES, texts);
    std::filesystem::permissions(program, std::filesystem::perms::owner_all);
    server.start(program);
    std::optional<Supervisor> supervisor(std::in_place, server);
    if (!group_of(supervisor->pid()).ends_with("/supervisor")) {
        MESSAGE("this host has no control groups of version 2");
        return;
    }
    const Json applications = {application(3, "pinger", "standard"),
                               application(4, "licence server", "debug")};
    describe(server, "applications", applications);
    supervisor->run(
        {speaks_syslog(3, "pinger",
                       {{"WARNING", "one warning"}, {"INFO", "one detail"}, {"INFO", "call 77 took 12 s"}}),
         speaks_syslog(4, "licence server", {{"DEBUG", "two details"}, {"ALERT", "two alarms"}})});
    REQUIRE(log_line("-t pinger", "of somebody else") == 0);
    const Json warning = one_with(server, "one warning");
    CHECK(warning.at("application") == "pinger");
    CHECK(warning.at("host") == "web1");
    CHECK(warning.at("level") == "standard");
    CHECK(warning.at("attributes").at("identifier") == "liar");
    const Json late = one_with(server, "call 77 took 12 s");
    CHECK(late.at("id") == "20-00040");
    CHECK(late.at("level") == "alarm");
    CHECK(late.at("interaction") == "77");
    CHECK(late.at("attributes").at("seconds") == "12");
    CHECK(one_with(server, "two details").at("level") == "debug");
    CHECK(one_with(server, "two alarms").at("application") == "licence server");

    INFO("what one has said last is its own also when its supervisor is not there any more");
    server.end(SIGKILL);
    supervisor->run({speaks_syslog(5, "backup", {{"ERR", "three errors"}})});
    await([&] { return run_in_shell("journalctl -o cat | grep -q 'three errors'") == 0; });
    supervisor.reset();
    server.start(program);
    CHECK(one_with(server, "three errors").at("application") == "application-5");
    CHECK(server.all({{"text", "one detail"}}).empty());
    CHECK(server.all({{"text", "of somebody else"}}).empty());
    CHECK(server.all({{"text", "one warning"}}).size() == 1);
}

int free_udp_port()
{
    const host::Descriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(bind(socket.number(), any, size) == 0);
    REQUIRE(getsockname(socket.number(), any, &size) == 0);
    return ntohs(address.sin_port);
}

TEST_CASE("lines of other machines come by rsyslog, with who has sent them")
{
    if (!has_own_mounts()) return;
    if (access("/usr/sbin/rsyslogd", X_OK) != 0) {
        MESSAGE("rsyslog is not there: nothing is tried");
        return;
    }
    Journald journald;
    MessageServer server;
    describe(server, "all");
    const Scratch scratch;
    const int port = free_udp_port();
    // As in docs/messages.md, but for address and port.
    scratch.file("conf", fmt::format(R"(global(workDirectory="{}")
module(load="imudp")
module(load="omjournal")
template(name="device" type="list") {{
  property(outname="MESSAGE" name="msg")
  property(outname="PRIORITY" name="syslogseverity")
  property(outname="SYSLOG_FACILITY" name="syslogfacility")
  property(outname="SYSLOG_IDENTIFIER" name="programname")
  property(outname="DEVICE" name="hostname")
  property(outname="ADDRESS" name="fromhost-ip")
}}
ruleset(name="devices") {{ action(type="omjournal" template="device") }}
input(type="imudp" address="127.0.0.1" port="{}" ruleset="devices")
)",
                                     scratch.path("conf").substr(0, scratch.path("conf").rfind('/')), port));
    const pid_t rsyslog = fork();
    REQUIRE(rsyslog >= 0);
    if (rsyslog == 0) {
        const std::string configuration = scratch.path("conf"), number = scratch.path("pid");
        execl("/usr/sbin/rsyslogd", "rsyslogd", "-n", "-f", configuration.c_str(), "-i", number.c_str(),
              nullptr);
        _exit(127);
    }
    // UDP: until it listens nothing comes through.
    await([&] {
        run_in_shell(
            fmt::format("logger --udp --server 127.0.0.1 --port {} --rfc3164 -p local7.err -t LINK "
                        "'port 7 is down'",
                        port));
        usleep(200'000);
        return !server.all({{"text", "port 7 is down"}}).empty();
    });
    const Json told = server.all({{"text", "port 7 is down"}}).front();
    CHECK(told.at("level") == "standard");
    CHECK(told.at("attributes").at("ADDRESS") == "127.0.0.1");
    CHECK(told.at("attributes").at("identifier") == "LINK");
    CHECK(told.at("attributes").at("facility") == "local7");
    CHECK(!told.at("attributes").at("DEVICE").get<std::string>().empty());
    kill(rsyslog, SIGTERM);
    waitpid(rsyslog, nullptr, 0);
}

}  // namespace
}  // namespace belay::messages
