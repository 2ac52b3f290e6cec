// Hosts, devices, and where backups and images are kept.

#include "framework/configuration/schema.h"

#include <fmt/format.h>

namespace belay::framework::configuration {
namespace {

Attribute kept(const char* level, const char* standard)
{
    return {.name = level,
            .kind = Kind::span,
            .meaning = fmt::format("Those of level {}.", level),
            .standard = standard,
            .least = 60'000};
}

/// What has no agent, and is reached by its own command line.
Schema device()
{
    return {
        "device",
        "A redundant pair of switches, or a switch with two supervisors, that is upgraded over its command "
        "line.",
        {
            {.name = "kind",
             .kind = Kind::choice,
             .meaning = "What it is: iosxe is a Catalyst 9000 or 3850 with IOS XE.",
             .standard = "iosxe",
             .choices = {"iosxe"}},
            {.name = "address",
             .kind = Kind::text,
             .meaning = "The name or address of its SSH server: the one that both members share.",
             .required = true},
            {.name = "port",
             .kind = Kind::number,
             .meaning = "Of its SSH server.",
             .standard = "22",
             .least = 1,
             .most = 65535},
            {.name = "description", .kind = Kind::text, .meaning = "A few words for people."},
            {.name = "location", .kind = Kind::text, .meaning = "Where it stands: room, rack, branch."},
            {.name = "host_keys",
             .kind = Kind::texts,
             .meaning =
                 "The keys of its SSH server, as \"ssh-ed25519 AAAA...\" or \"SHA256:...\"; another one is "
                 "refused before anything secret is sent.",
             .required = true},
            {.name = "user", .kind = Kind::text, .meaning = "As whom it is logged in to.", .required = true},
            {.name = "password", .kind = Kind::text, .meaning = "By which it is let in.", .secret = true},
            {.name = "private_key",
             .kind = Kind::text,
             .meaning = "The private key (PEM or OpenSSH) by which it is let in, in place of a password.",
             .secret = true},
            {.name = "enable_password",
             .kind = Kind::text,
             .meaning = "For `enable`, where the user is not let in with privilege 15.",
             .secret = true},
            {.name = "connect_timeout",
             .kind = Kind::span,
             .meaning = "How long it may take to be let in.",
             .standard = "20s",
             .least = 1000,
             .most = 600'000},
        }};
}

}  // namespace

std::vector<Schema> machine_schemas()
{
    return {
        {"host",
         "A machine of the site, with an agent on it.",
         {
             {.name = "address",
              .kind = Kind::text,
              .meaning = "The name or address by which others reach it.",
              .effect = Effect::on_reconnect,
              .required = true},
             {.name = "description", .kind = Kind::text, .meaning = "A few words for people."},
             {.name = "location", .kind = Kind::text, .meaning = "Where it stands: room, rack, branch."},
             {.name = "heartbeat_interval",
              .kind = Kind::span,
              .meaning = "How often its agent and the controller tell each other that they live.",
              .effect = Effect::on_reconnect,
              .standard = "3s",
              .least = 10,
              .most = 3'600'000},
             {.name = "heartbeat_timeout",
              .kind = Kind::span,
              .meaning = "After how long without a heartbeat the connection counts as lost.",
              .effect = Effect::on_reconnect,
              .standard = "10s",
              .least = 100,
              .most = 24 * 3'600'000L},
             {.name = "lost_after",
              .kind = Kind::span,
              .meaning = "After how long without its agent the host itself counts as lost, and its "
                         "applications are switched over.",
              .standard = "30s",
              .least = 100,
              .most = 24 * 3'600'000L},
             {.name = "maintenance",
              .kind = Kind::flag,
              .meaning = "Somebody works on it: nothing is started there, and its alarms are silent.",
              .standard = "false"},
             {.name = "log",
              .kind = Kind::choice,
              .meaning = "How much its belayd says of itself; without, what it was started with.",
              .choices = {"none", "standard", "trace", "all"}},
             {.name = "labels", .kind = Kind::named_texts, .meaning = "Names and values to choose hosts by."},
             {.name = "thresholds",
              .kind = Kind::table,
              .meaning = "Above what use of the host an alarm is raised.",
              .fields =
                  {
                      {.name = "processor",
                       .kind = Kind::number,
                       .meaning = "Of all processors, over a minute.",
                       .least = 1,
                       .most = 100,
                       .unit = "%"},
                      {.name = "memory",
                       .kind = Kind::number,
                       .meaning = "Of the memory.",
                       .least = 1,
                       .most = 100,
                       .unit = "%"},
                      {.name = "disk",
                       .kind = Kind::number,
                       .meaning = "Of the fullest filesystem.",
                       .least = 1,
                       .most = 100,
                       .unit = "%"},
                  }},
             {.name = "messages",
              .kind = Kind::table,
              .meaning = "How long its messages are kept on it, and what else is taken in.",
              .fields =
                  {
                      kept("alarm", "400d"),
                      kept("standard", "90d"),
                      kept("interaction", "14d"),
                      kept("trace", "3d"),
                      kept("debug", "1d"),
                      {.name = "size",
                       .kind = Kind::size,
                       .meaning = "How much room all take; the oldest go when it is more. Without, what "
                                  "belay-messages was started with.",
                       .least = 64LL << 20},
                      {.name = "syslog",
                       .kind = Kind::choice,
                       .meaning = "Whose entries of syslog and of the journal are taken in.",
                       .standard = "applications",
                       .choices = {"none", "applications", "all"}},
                  }},
         }},
        device(),
        {"storage",
         "A place that keeps backups and images.",
         {
             {.name = "kind",
              .kind = Kind::choice,
              .meaning = "How it is reached: a folder, S3-compatible storage, a REST server, a media server.",
              .effect = Effect::on_reconnect,
              .required = true,
              .choices = {"folder", "s3", "rest", "media"}},
             {.name = "location",
              .kind = Kind::text,
              .meaning = "The folder, or the address with its scheme.",
              .effect = Effect::on_reconnect,
              .required = true},
             {.name = "host",
              .kind = Kind::reference,
              .meaning = "The host that the folder or the media server is on.",
              .effect = Effect::on_reconnect,
              .needed_when = "kind=folder",
              .target = "host"},
             {.name = "description", .kind = Kind::text, .meaning = "A few words for people."},
             {.name = "access_key",
              .kind = Kind::text,
              .meaning = "Who asks, where the place wants to know.",
              .effect = Effect::on_reconnect,
              .needed_when = "kind=s3"},
             {.name = "secret_key",
              .kind = Kind::text,
              .meaning = "The secret that belongs to it.",
              .effect = Effect::on_reconnect,
              .needed_when = "kind=s3",
              .secret = true},
             {.name = "password",
              .kind = Kind::text,
              .meaning = "Opens the repository.",
              .effect = Effect::on_reconnect,
              .secret = true},
             {.name = "capacity",
              .kind = Kind::size,
              .meaning = "How much it may hold; without, as much as fits.",
              .least = 1 << 20},
         }},
    };
}

}  // namespace belay::framework::configuration
