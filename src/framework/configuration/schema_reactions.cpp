// What is noticed, what is done about it, and how changes are made.

#include "framework/configuration/schema.h"

namespace belay::framework::configuration {
namespace {

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
            {.name = "detect",
             .kind = Kind::table,
             .meaning = "What raises it.",
             .required = true,
             .fields =
                 {
                     {.name = "event",
                      .kind = Kind::text,
                      .meaning = "The id of the event, as \"01-00012\".",
                      .required = true},
                     {.name = "count",
                      .kind = Kind::number,
                      .meaning = "How often it must come within that time.",
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
                     {.name = "hosts",
                      .kind = Kind::references,
                      .meaning = "Only from these hosts.",
                      .target = "host"},
                     {.name = "applications",
                      .kind = Kind::references,
                      .meaning = "Only from these applications.",
                      .target = "application"},
                     {.name = "templates",
                      .kind = Kind::references,
                      .meaning = "Only from applications of these templates.",
                      .target = "template"},
                 }},
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
            {.name = "to", .kind = Kind::texts, .meaning = "Mail addresses.", .needed_when = "kind=mail"},
            {.name = "url",
             .kind = Kind::text,
             .meaning = "Where the webhook is posted to.",
             .needed_when = "kind=webhook"},
            {.name = "token",
             .kind = Kind::text,
             .meaning = "What the webhook's receiver knows us by.",
             .secret = true},
            {.name = "body",
             .kind = Kind::text,
             .meaning = "The text of the mail or webhook; {alarm}, {host}, {application}, {text} are filled "
                        "in."},
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
    return {alarm(), script(), policy()};
}

}  // namespace belay::framework::configuration
