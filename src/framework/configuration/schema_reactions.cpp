// What is noticed, what is done about it, and how changes are made.

#include "framework/configuration/schema.h"

#include <limits>

namespace belay::framework::configuration {
namespace {

constexpr int64_t any_number = std::numeric_limits<int64_t>::min();

std::vector<Attribute> detect_fields()
{
    return {
        {.name = "event", .kind = Kind::text, .meaning = "The id of an event, as \"01-00012\"."},
        {.name = "count",
         .kind = Kind::number,
         .meaning = "How often the event must come within that time, from one application.",
         .standard = "1",
         .least = 1,
         .most = 1'000'000},
        {.name = "within",
         .kind = Kind::span,
         .meaning = "The time in which so many must come.",
         .standard = "1m",
         .least = 1},
        {.name = "missing_for",
         .kind = Kind::span,
         .meaning = "Raised when the event has NOT come for so long: a heartbeat.",
         .least = 1},
        {.name = "storage",
         .kind = Kind::text,
         .meaning =
             "The code of what `belay storage health` finds, as \"md.degraded\", or the front of some, as "
             "\"md.*\"; \"*\" is any."},
        {.name = "figure",
         .kind = Kind::choice,
         .meaning =
             "A figure of a host, in percent: of all its processors, of its memory, of its swap, of each of "
             "its filesystems.",
         .choices = {"processor", "memory", "swap", "disk"}},
        {.name = "variable",
         .kind = Kind::text,
         .meaning = "The number of an SNMP variable, as \"1.3.6.1.2.1.25.1.5.0\"."},
        {.name = "at",
         .kind = Kind::text,
         .meaning = "Whose variable: the agent's HOST:PORT.",
         .standard = "127.0.0.1:161"},
        {.name = "account",
         .kind = Kind::reference,
         .meaning = "As whom the agent is asked.",
         .target = "snmp"},
        {.name = "every",
         .kind = Kind::span,
         .meaning = "How often a figure or a variable is looked at.",
         .standard = "1m",
         .least = 1000,
         .most = 24 * 3'600'000L},
        {.name = "rising",
         .kind = Kind::number,
         .meaning = "Raised when a figure or a variable is so large, or larger.",
         .least = any_number},
        {.name = "falling",
         .kind = Kind::number,
         .meaning =
             "Cleared when it is so small again, or smaller; without, when it is below the rising one.",
         .least = any_number},
        {.name = "hosts", .kind = Kind::references, .meaning = "Only of these hosts.", .target = "host"},
        {.name = "applications",
         .kind = Kind::references,
         .meaning = "Only from these applications.",
         .target = "application"},
        {.name = "templates",
         .kind = Kind::references,
         .meaning = "Only from applications of these templates.",
         .target = "template"},
    };
}

Schema alarm()
{
    return {
        "alarm",
        "A condition that people should know of; a disabled one is muted.",
        {
            {.name = "severity",
             .kind = Kind::choice,
             .meaning = "How bad it is.",
             .required = true,
             .choices = {"critical", "major", "minor"}},
            {.name = "description", .kind = Kind::text, .meaning = "What a person should do about it."},
            {.name = "detect", .kind = Kind::table, .meaning = "What raises it.", .fields = detect_fields()},
            {.name = "clear",
             .kind = Kind::table,
             .meaning = "What ends it.",
             .fields =
                 {
                     {.name = "event", .kind = Kind::text, .meaning = "The id of the event that ends it."},
                     {.name = "after",
                      .kind = Kind::span,
                      .meaning = "It ends by itself after so long.",
                      .standard = "2d",
                      .least = 1},
                 }},
            {.name = "reactions",
             .kind = Kind::references,
             .meaning = "What is done when it is raised, in this order.",
             .target = "script"},
        }};
}

Schema script()
{
    return {
        "script",
        "Something that is done by itself when an alarm is raised.",
        {
            {.name = "kind",
             .kind = Kind::choice,
             .meaning = "What is done.",
             .required = true,
             .choices = {"command", "mail", "webhook", "start", "stop", "restart", "switch-over",
                         "operation"}},
            {.name = "command",
             .kind = Kind::texts,
             .meaning = "The program with its arguments, word by word; no shell reads it.",
             .needed_when = "kind=command"},
            {.name = "host",
             .kind = Kind::reference,
             .meaning = "Where the command runs; without, on the controller.",
             .target = "host"},
            {.name = "user",
             .kind = Kind::text,
             .meaning = "The account that the command runs as; without, that of the host's daemon.",
             .form = Form::user},
            {.name = "to", .kind = Kind::texts, .meaning = "Mail addresses.", .needed_when = "kind=mail"},
            {.name = "relay",
             .kind = Kind::reference,
             .meaning = "Who takes the mail.",
             .needed_when = "kind=mail",
             .target = "relay"},
            {.name = "url",
             .kind = Kind::text,
             .meaning = "Where the webhook is posted to.",
             .needed_when = "kind=webhook"},
            {.name = "token",
             .kind = Kind::text,
             .meaning = "What the webhook's receiver knows us by.",
             .secret = true},
            {.name = "ca",
             .kind = Kind::text,
             .meaning = "A file of certificates by which that of the webhook's receiver is checked; without, "
                        "those of the system.",
             .form = Form::path},
            {.name = "body",
             .kind = Kind::text,
             .meaning =
                 "The text of the mail or webhook; {alarm}, {host}, {application}, {text} and others are "
                 "filled in."},
            {.name = "application",
             .kind = Kind::reference,
             .meaning = "What is started, stopped or restarted; without, the one that raised the alarm.",
             .target = "application"},
            {.name = "pair",
             .kind = Kind::reference,
             .meaning = "What is switched over.",
             .needed_when = "kind=switch-over",
             .target = "pair"},
            {.name = "procedure",
             .kind = Kind::text,
             .meaning = "The procedure that is run, as \"disk.locate\".",
             .needed_when = "kind=operation"},
            {.name = "arguments", .kind = Kind::named_texts, .meaning = "The arguments of the procedure."},
            {.name = "timeout",
             .kind = Kind::span,
             .meaning = "After how long it counts as failed.",
             .standard = "1m",
             .least = 100,
             .most = 24 * 3'600'000L},
        }};
}

Schema relay()
{
    return {
        "relay",
        "A mail server that takes the mails of alarms.",
        {
            {.name = "server",
             .kind = Kind::text,
             .meaning = "Its HOST:PORT, as \"mail.example.org:587\".",
             .required = true},
            {.name = "from",
             .kind = Kind::text,
             .meaning = "The address that the mails come from.",
             .required = true},
            {.name = "tls",
             .kind = Kind::choice,
             .meaning = "starttls: it must offer encryption, as at port 587; tls: encrypted from the first "
                        "byte, as at port 465; none: in the clear, without an account.",
             .standard = "starttls",
             .choices = {"starttls", "tls", "none"}},
            {.name = "ca",
             .kind = Kind::text,
             .meaning = "A file of certificates by which that of the server is checked; without, those of "
                        "the system.",
             .form = Form::path},
            {.name = "account", .kind = Kind::text, .meaning = "Who we are to it; without, nobody."},
            {.name = "password",
             .kind = Kind::text,
             .meaning = "The secret that belongs to the account.",
             .secret = true},
        }};
}

Schema snmp()
{
    return {"snmp",
            "As whom SNMP agents are asked for variables.",
            {
                {.name = "version",
                 .kind = Kind::choice,
                 .meaning = "Of the protocol. 2c has a community, which everybody on the way can read.",
                 .required = true,
                 .choices = {"2c", "3"}},
                {.name = "community",
                 .kind = Kind::text,
                 .meaning = "What the agent knows us by.",
                 .needed_when = "version=2c",
                 .secret = true},
                {.name = "user",
                 .kind = Kind::text,
                 .meaning = "The name of the user.",
                 .needed_when = "version=3"},
                {.name = "authentication",
                 .kind = Kind::choice,
                 .meaning = "How it is proved who asks.",
                 .standard = "SHA-256",
                 .choices = {"SHA", "SHA-256", "SHA-512"}},
                {.name = "authentication_password",
                 .kind = Kind::text,
                 .meaning = "By which it is proved.",
                 .needed_when = "version=3",
                 .secret = true},
                {.name = "privacy",
                 .kind = Kind::choice,
                 .meaning = "How what is said is kept from others.",
                 .standard = "AES",
                 .choices = {"AES"}},
                {.name = "privacy_password",
                 .kind = Kind::text,
                 .meaning = "By which it is kept; without, it is not.",
                 .secret = true},
            }};
}

Schema output()
{
    return {
        "output",
        "Where messages go besides their store; each host sends its own.",
        {
            {.name = "kind",
             .kind = Kind::choice,
             .meaning = "A file on the host, a receiver of syslog (RFC 5424), or one of OpenTelemetry (OTLP "
                        "over HTTP).",
             .required = true,
             .choices = {"file", "syslog", "otlp"}},
            {.name = "description", .kind = Kind::text, .meaning = "A few words for people."},
            {.name = "hosts",
             .kind = Kind::references,
             .meaning = "Only the messages of these hosts; without, of all.",
             .target = "host"},
            {.name = "levels",
             .kind = Kind::texts,
             .meaning = "Which messages; without, alarm and standard. Debug goes into a file only.",
             .choices = {"alarm", "standard", "interaction", "trace", "debug"}},
            {.name = "path",
             .kind = Kind::text,
             .meaning = "The file.",
             .needed_when = "kind=file",
             .form = Form::path},
            {.name = "segment_size",
             .kind = Kind::size,
             .meaning = "A new file begins before it would be larger.",
             .standard = "16MiB",
             .least = 64 << 10},
            {.name = "segment_age",
             .kind = Kind::span,
             .meaning = "A new file begins when it is so old.",
             .standard = "1d",
             .least = 60'000},
            {.name = "keep",
             .kind = Kind::number,
             .meaning = "How many older files stay.",
             .standard = "10",
             .most = 10'000},
            {.name = "keep_for",
             .kind = Kind::span,
             .meaning = "How long older files stay.",
             .standard = "90d",
             .least = 60'000},
            {.name = "server",
             .kind = Kind::text,
             .meaning = "The syslog receiver's HOST:PORT, as \"logs.example.org:6514\".",
             .needed_when = "kind=syslog"},
            {.name = "transport",
             .kind = Kind::choice,
             .meaning = "tls: encrypted, and the server's certificate is checked; tcp: in the clear.",
             .standard = "tls",
             .choices = {"tls", "tcp"}},
            {.name = "facility",
             .kind = Kind::number,
             .meaning = "The facility that syslog knows the messages by; 16 is local0.",
             .standard = "16",
             .most = 23},
            {.name = "url",
             .kind = Kind::text,
             .meaning = "Where OTLP is posted to, as \"https://collector.example.org:4318/v1/logs\".",
             .needed_when = "kind=otlp"},
            {.name = "ca",
             .kind = Kind::text,
             .meaning = "A file of certificates, on the host, by which that of the receiver is checked; "
                        "without, those of the system.",
             .form = Form::path},
            {.name = "token_file",
             .kind = Kind::text,
             .meaning = "A file on the host that holds what the OTLP receiver knows it by.",
             .form = Form::path},
        }};
}

Schema policy()
{
    return {"policy",
            "How changes are made to the things that it names.",
            {
                {.name = "description", .kind = Kind::text, .meaning = "A few words for people."},
                {.name = "hosts",
                 .kind = Kind::references,
                 .meaning = "For changes of these hosts; without any hosts and solutions, for all.",
                 .target = "host"},
                {.name = "solutions",
                 .kind = Kind::references,
                 .meaning = "For changes of these solutions.",
                 .target = "solution"},
                {.name = "timer",
                 .kind = Kind::span,
                 .meaning = "A change that nobody confirms for so long goes back by itself.",
                 .standard = "10m",
                 .least = 1000},
                {.name = "wave",
                 .kind = Kind::number,
                 .meaning = "How many members are changed at a time.",
                 .standard = "1",
                 .least = 1,
                 .most = 10'000},
                {.name = "failures",
                 .kind = Kind::number,
                 .meaning = "With how many failed members a change still goes on.",
                 .standard = "0",
                 .least = 0,
                 .most = 10'000},
                {.name = "confirmed_by",
                 .kind = Kind::references,
                 .meaning = "Who of these may confirm it; without, whoever may operate.",
                 .target = "role"},
            }};
}

}  // namespace

std::vector<Schema> reaction_schemas()
{
    return {alarm(), script(), relay(), snmp(), output(), policy()};
}

}  // namespace belay::framework::configuration
