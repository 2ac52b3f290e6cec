// What runs on the hosts.

#include "framework/configuration/schema.h"

namespace belay::framework::configuration {
namespace {

constexpr int64_t longest = 24 * 3'600'000L;

Attribute ports()
{
    return {
        .name = "ports",
        .kind = Kind::tables,
        .meaning = "The ports that it listens on.",
        .effect = Effect::after_restart,
        .fields = {{.name = "name",
                    .kind = Kind::text,
                    .meaning = "What connections call it by.",
                    .effect = Effect::after_restart,
                    .required = true},
                   {.name = "port",
                    .kind = Kind::number,
                    .meaning = "Its number.",
                    .effect = Effect::after_restart,
                    .required = true,
                    .least = 1,
                    .most = 65535},
                   {.name = "protocol",
                    .kind = Kind::choice,
                    .meaning = "The transport.",
                    .effect = Effect::after_restart,
                    .standard = "tcp",
                    .choices = {"tcp", "udp"}},
                   {.name = "address",
                    .kind = Kind::text,
                    .meaning = "The one address that it listens on; without, all.",
                    .effect = Effect::after_restart},
                   {.name = "held",
                    .kind = Kind::flag,
                    .meaning = "The agent listens on it, also while the application is started anew, and "
                               "hands it over (sd_listen_fds).",
                    .effect = Effect::after_restart,
                    .standard = "false"},
                   {.name = "nonblocking",
                    .kind = Kind::flag,
                    .meaning = "It is handed over so that accept() never waits, which a program wants whose "
                               "processes serve one port together (nginx).",
                    .effect = Effect::after_restart,
                    .standard = "false"}},
        .keys = {"name"}};
}

Attribute connections()
{
    constexpr Effect reconnect = Effect::on_reconnect;
    return {.name = "connections",
            .kind = Kind::tables,
            .meaning = "The applications that it talks to, each with its own fail-over settings.",
            .effect = reconnect,
            .mirrored = true,
            .fields = {{.name = "to",
                        .kind = Kind::reference,
                        .meaning = "The other application; of a pair, its primary.",
                        .effect = reconnect,
                        .required = true,
                        .target = "application"},
                       {.name = "port",
                        .kind = Kind::text,
                        .meaning = "The name of the other's port; without, its first.",
                        .effect = reconnect},
                       {.name = "protocol",
                        .kind = Kind::choice,
                        .meaning = "How the connection is secured.",
                        .effect = reconnect,
                        .standard = "plain",
                        .choices = {"plain", "tls", "mutual-tls"}},
                       {.name = "connect_timeout",
                        .kind = Kind::span,
                        .meaning = "After how long an attempt to connect is given up.",
                        .effect = reconnect,
                        .standard = "20s",
                        .least = 1,
                        .most = longest},
                       {.name = "heartbeat_interval",
                        .kind = Kind::span,
                        .meaning = "How often the two ends tell each other that they live.",
                        .effect = reconnect,
                        .standard = "1s",
                        .least = 10,
                        .most = longest},
                       {.name = "local_timeout",
                        .kind = Kind::span,
                        .meaning = "After how long of silence this end takes the connection for lost.",
                        .effect = reconnect,
                        .standard = "10s",
                        .least = 10,
                        .most = longest},
                       {.name = "remote_timeout",
                        .kind = Kind::span,
                        .meaning = "The same for the other end.",
                        .effect = reconnect,
                        .standard = "10s",
                        .least = 10,
                        .most = longest},
                       {.name = "trace",
                        .kind = Kind::flag,
                        .meaning = "Each loss of the connection is written down with what went before it.",
                        .standard = "false"}},
            .keys = {"to"}};
}

Attribute prerequisites()
{
    return {.name = "prerequisites",
            .kind = Kind::tables,
            .meaning = "What must be there before it is started.",
            .mirrored = true,
            .fields = {{.name = "kind",
                        .kind = Kind::choice,
                        .meaning = "An application that is ready, a file that is valid, a port that answers.",
                        .required = true,
                        .choices = {"application", "file", "port"}},
                       {.name = "application",
                        .kind = Kind::reference,
                        .meaning = "The application that must be ready.",
                        .needed_when = "kind=application",
                        .target = "application"},
                       {.name = "path",
                        .kind = Kind::text,
                        .meaning = "The file that must be there.",
                        .needed_when = "kind=file",
                        .form = Form::path},
                       {.name = "valid_until",
                        .kind = Kind::text,
                        .meaning = "The last day on which the file is valid.",
                        .form = Form::day},
                       {.name = "when_renewed",
                        .kind = Kind::choice,
                        .meaning = "What is done when the file is written anew, or another one is put in its "
                                   "place, while the application runs.",
                        .standard = "nothing",
                        .choices = {"nothing", "restart"}},
                       {.name = "address",
                        .kind = Kind::text,
                        .meaning = "The host whose port must answer.",
                        .needed_when = "kind=port"},
                       {.name = "port",
                        .kind = Kind::number,
                        .meaning = "The port that must answer.",
                        .needed_when = "kind=port",
                        .least = 1,
                        .most = 65535},
                       {.name = "timeout",
                        .kind = Kind::span,
                        .meaning = "How long it is waited for; without, until somebody stops the start.",
                        .least = 1}}};
}

/// How somebody asks an application how it is.
Attribute question(std::string name, std::string meaning, std::string first_choice)
{
    return {.name = std::move(name),
            .kind = Kind::table,
            .meaning = std::move(meaning),
            .mirrored = true,
            .fields = {
                {.name = "kind",
                 .kind = Kind::choice,
                 .meaning = "running: the process is there; notify: it says so itself (sd_notify); port: its "
                            "port answers; http: it answers a request with 2xx; command: one ends with 0.",
                 .standard = std::move(first_choice),
                 .choices = {"running", "notify", "port", "http", "command"}},
                {.name = "port",
                 .kind = Kind::text,
                 .meaning = "The name of the port that is asked; without, the first."},
                {.name = "path", .kind = Kind::text, .meaning = "What is requested.", .standard = "/"},
                {.name = "command",
                 .kind = Kind::texts,
                 .meaning = "The program with its arguments, word by word.",
                 .needed_when = "kind=command"},
                {.name = "interval",
                 .kind = Kind::span,
                 .meaning = "How often it is asked.",
                 .standard = "5s",
                 .least = 10,
                 .most = longest},
                {.name = "timeout",
                 .kind = Kind::span,
                 .meaning = "After how long an answer counts as missing.",
                 .standard = "2s",
                 .least = 10,
                 .most = longest},
                {.name = "failures",
                 .kind = Kind::number,
                 .meaning = "How many bad answers in a row count.",
                 .standard = "3",
                 .least = 1,
                 .most = 1000}}};
}

Attribute limits()
{
    return {.name = "limits",
            .kind = Kind::table,
            .meaning = "What it may use of its host.",
            .mirrored = true,
            .fields = {{.name = "memory",
                        .kind = Kind::size,
                        .meaning = "Memory, with all its processes.",
                        .least = 1 << 20},
                       {.name = "processor",
                        .kind = Kind::number,
                        .meaning = "Processor time; 100 is one processor.",
                        .least = 1,
                        .most = 100'000,
                        .unit = "%"},
                       {.name = "processes",
                        .kind = Kind::number,
                        .meaning = "Processes and threads.",
                        .least = 1,
                        .most = 4'000'000},
                       {.name = "open_files",
                        .kind = Kind::number,
                        .meaning = "Files that each process may have open.",
                        .effect = Effect::after_restart,
                        .least = 8,
                        .most = 1'000'000'000}}};
}

Attribute sandbox()
{
    constexpr Effect restart = Effect::after_restart;
    return {.name = "sandbox",
            .kind = Kind::table,
            .meaning = "What it is kept from.",
            .effect = restart,
            .mirrored = true,
            .fields = {{.name = "no_new_privileges",
                        .kind = Kind::flag,
                        .meaning = "No program that it runs gains rights.",
                        .effect = restart,
                        .standard = "true"},
                       {.name = "capabilities",
                        .kind = Kind::texts,
                        .meaning = "The capabilities that it keeps, as \"cap_net_bind_service\".",
                        .effect = restart},
                       {.name = "private_tmp",
                        .kind = Kind::flag,
                        .meaning = "It has a /tmp of its own.",
                        .effect = restart,
                        .standard = "false"},
                       {.name = "read_only",
                        .kind = Kind::texts,
                        .meaning = "Paths that it cannot write to.",
                        .effect = restart}}};
}

/// How the agent tells an application what becomes of it.
Attribute orders()
{
    const std::vector<std::string> signals = {"none",    "SIGHUP",  "SIGINT",   "SIGQUIT", "SIGTERM",
                                              "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGCONT"};
    const auto signal = [&](std::string name, std::string meaning) {
        return Attribute{.name = std::move(name),
                         .kind = Kind::choice,
                         .meaning = std::move(meaning),
                         .standard = "none",
                         .choices = signals};
    };
    return {
        .name = "orders",
        .kind = Kind::table,
        .meaning = "How it is told to serve, to stand by, and to finish what it has.",
        .mirrored = true,
        .fields = {{.name = "kind",
                    .kind = Kind::choice,
                    .meaning = "pipe: a line each, by the descriptor $BELAY_ORDERS_FD; signals: those below; "
                               "command: one with the word primary, backup, drain or serve at its end.",
                    .effect = Effect::after_restart,
                    .standard = "none",
                    .choices = {"none", "pipe", "signals", "command"}},
                   signal("primary", "The signal that says: serve, you are the one of the pair."),
                   signal("backup", "The signal that says: stand by."),
                   signal("drain", "The signal that says: finish what you have, take nothing new."),
                   signal("serve", "The signal that takes that back."),
                   {.name = "command",
                    .kind = Kind::texts,
                    .meaning = "The program with its arguments, word by word.",
                    .needed_when = "kind=command"}}};
}

/// Where and as what it runs: a backup has its own.
std::vector<Attribute> identity()
{
    constexpr Effect restart = Effect::after_restart;
    return {{.name = "template",
             .kind = Kind::reference,
             .meaning = "What it has in common with others of its kind.",
             .effect = restart,
             .mirrored = true,
             .target = "template"},
            {.name = "description", .kind = Kind::text, .meaning = "A few words for people."},
            {.name = "version",
             .kind = Kind::text,
             .meaning = "The version of the program that runs.",
             .effect = restart},
            {.name = "host",
             .kind = Kind::reference,
             .meaning = "Where it runs.",
             .effect = restart,
             .required = true,
             .target = "host"},
            {.name = "command",
             .kind = Kind::texts,
             .meaning = "The program with its arguments, word by word; no shell reads it. With an image, one "
                        "that is not named by an absolute path is a file of it.",
             .effect = restart,
             .needed_when = "!driver"},
            {.name = "driver",
             .kind = Kind::texts,
             .meaning = "It is run by other means than Belay: the driver by which Belay knows it, with its "
                        "arguments (docs/drivers.md). Its pair decides by itself who serves.",
             .effect = Effect::at_once},
            {.name = "working_directory",
             .kind = Kind::text,
             .meaning = "Where it is started; with an image and without this, in the image's folder.",
             .effect = restart,
             .standard = "/",
             .form = Form::path},
            {.name = "user",
             .kind = Kind::text,
             .meaning = "The account that it runs as; without, that of the agent.",
             .effect = restart,
             .form = Form::user},
            ports(),
            {.name = "environment",
             .kind = Kind::named_texts,
             .meaning = "Its environment variables, besides PATH.",
             .effect = restart,
             .form = Form::variable},
            {.name = "secret_environment",
             .kind = Kind::named_texts,
             .meaning = "Those whose values are secret.",
             .effect = restart,
             .secret = true,
             .form = Form::variable}};
}

/// How it is started, kept alive and stopped.
std::vector<Attribute> life()
{
    return {
        {.name = "autostart",
         .kind = Kind::flag,
         .meaning = "It is started with its host.",
         .mirrored = true,
         .standard = "true"},
        {.name = "autorestart",
         .kind = Kind::choice,
         .meaning = "When it is started again after it has ended unasked.",
         .mirrored = true,
         .standard = "on-failure",
         .choices = {"always", "on-failure", "never"}},
        {.name = "nonstop",
         .kind = Kind::text,
         .meaning = "So many failures in so long are ridden out; then it counts as failed. 0: the first "
                    "counts.",
         .mirrored = true,
         .standard = "6/10s",
         .form = Form::failures},
        {.name = "restart_delay",
         .kind = Kind::span,
         .meaning = "Before the second restart in a row; doubled for each further one.",
         .mirrored = true,
         .standard = "100ms",
         .most = longest},
        {.name = "restart_delay_most",
         .kind = Kind::span,
         .meaning = "The longest such delay.",
         .mirrored = true,
         .standard = "30s",
         .most = longest},
        {.name = "start_timeout",
         .kind = Kind::span,
         .meaning = "After how long a start without readiness has failed.",
         .mirrored = true,
         .standard = "90s",
         .least = 10,
         .most = longest},
        {.name = "drain_timeout",
         .kind = Kind::span,
         .meaning = "How long it may finish what it has before it is stopped.",
         .mirrored = true,
         .standard = "0s",
         .most = longest},
        {.name = "shutdown_timeout",
         .kind = Kind::span,
         .meaning = "After how long a stop is made by force.",
         .mirrored = true,
         .standard = "30s",
         .least = 10,
         .most = longest},
        {.name = "stop_signal",
         .kind = Kind::choice,
         .meaning = "The signal that asks it to stop.",
         .mirrored = true,
         .standard = "SIGTERM",
         .choices = {"SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2"}},
        {.name = "stop_command",
         .kind = Kind::texts,
         .meaning = "Run to stop it, in place of the signal.",
         .mirrored = true},
        {.name = "reload_signal",
         .kind = Kind::choice,
         .meaning = "The signal that tells it of options that take effect at once.",
         .mirrored = true,
         .standard = "none",
         .choices = {"none", "SIGHUP", "SIGUSR1", "SIGUSR2"}},
        {.name = "heartbeat",
         .kind = Kind::span,
         .meaning = "It says by sd_notify that it lives at least so often; without, it is not expected to.",
         .mirrored = true,
         .least = 100,
         .most = longest},
        {.name = "when_hung",
         .kind = Kind::choice,
         .meaning = "What is done when the heartbeat is missing.",
         .mirrored = true,
         .standard = "restart",
         .choices = {"restart", "notify"}},
        {.name = "log_level",
         .kind = Kind::choice,
         .meaning = "What of its messages is kept.",
         .mirrored = true,
         .standard = "standard",
         .choices = {"alarm", "standard", "interaction", "trace", "debug"}}};
}

}  // namespace

Schema application_schema()
{
    Schema schema{"application", "A program that runs on a host and is kept running.", identity()};
    schema.attributes.push_back({.name = "image",
                                 .kind = Kind::text,
                                 .meaning = "The image that its program is a part of (belay image list).",
                                 .effect = Effect::after_restart,
                                 .mirrored = true,
                                 .form = Form::image});
    std::ranges::move(life(), std::back_inserter(schema.attributes));
    schema.attributes.push_back(
        {.name = "options",
         .kind = Kind::sections,
         .meaning = "Its options, in sections; the template says which take effect when.",
         .effect = Effect::after_restart,
         .mirrored = true});
    schema.attributes.push_back(connections());
    schema.attributes.push_back(prerequisites());
    schema.attributes.push_back(question("readiness", "How it shows that it is ready.", "running"));
    schema.attributes.push_back(question("health", "How it shows that it is well.", "running"));
    schema.attributes.push_back(orders());
    schema.attributes.push_back(limits());
    schema.attributes.push_back(sandbox());
    return schema;
}

}  // namespace belay::framework::configuration
