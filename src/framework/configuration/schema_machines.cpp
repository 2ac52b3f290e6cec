// Hosts and where backups and images are kept.

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
