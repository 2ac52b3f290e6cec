// How applications belong together: templates, pairs, solutions. The application itself is in a file of its
// own.

#include "framework/configuration/schema.h"

namespace belay::framework::configuration {
namespace {

constexpr int64_t day = 24 * 3'600'000L;

Schema application_template()
{
    return {"template",
            "What applications of one kind have in common: the options that they know.",
            {
                {.name = "description", .kind = Kind::text, .meaning = "A few words for people."},
                {.name = "version",
                 .kind = Kind::text,
                 .meaning = "The version of the program that it describes."},
                {.name = "options",
                 .kind = Kind::tables,
                 .meaning =
                     "The options that the program knows; others may be set, and take effect after restart.",
                 .fields =
                     {
                         {.name = "section", .kind = Kind::text, .meaning = "Its section.", .required = true},
                         {.name = "name", .kind = Kind::text, .meaning = "Its name.", .required = true},
                         {.name = "kind",
                          .kind = Kind::choice,
                          .meaning = "What its value must be.",
                          .standard = "text",
                          .choices = {"text", "number", "duration", "size", "flag", "choice"}},
                         {.name = "effect",
                          .kind = Kind::choice,
                          .meaning = "When a change of it is taken up.",
                          .standard = "after restart",
                          .choices = {"at once", "on reconnect", "after restart"}},
                         {.name = "standard",
                          .kind = Kind::text,
                          .meaning = "Its value where none is set, written as a text."},
                         {.name = "least",
                          .kind = Kind::number,
                          .meaning = "The least that a number may be.",
                          .least = std::numeric_limits<int64_t>::min()},
                         {.name = "most",
                          .kind = Kind::number,
                          .meaning = "The most that a number may be.",
                          .least = std::numeric_limits<int64_t>::min()},
                         {.name = "choices",
                          .kind = Kind::texts,
                          .meaning = "What it may be.",
                          .needed_when = "kind=choice"},
                         {.name = "secret",
                          .kind = Kind::flag,
                          .meaning = "Its value is sealed before it is kept.",
                          .standard = "false"},
                         {.name = "meaning", .kind = Kind::text, .meaning = "One sentence for people."},
                     },
                 .keys = {"section", "name"}},
            }};
}

Schema pair()
{
    return {
        "pair",
        "Two applications of which one takes over from the other. The backup has what is set on its primary, "
        "but for host, ports, program, account and environment.",
        {{.name = "primary",
          .kind = Kind::reference,
          .meaning = "The application that serves while all is well.",
          .required = true,
          .target = "application"},
         {.name = "backup",
          .kind = Kind::reference,
          .meaning = "The application that takes over.",
          .required = true,
          .target = "application"},
         {.name = "redundancy",
          .kind = Kind::choice,
          .meaning = "cold: the backup is started then; warm: it runs and waits; hot: it has the same state.",
          .standard = "warm",
          .choices = {"cold", "warm", "hot"}},
         {.name = "switch_over",
          .kind = Kind::choice,
          .meaning = "Whether the backup takes over by itself.",
          .standard = "automatic",
          .choices = {"automatic", "manual"}},
         {.name = "return",
          .kind = Kind::choice,
          .meaning = "Whether the primary serves again by itself once it is back.",
          .standard = "manual",
          .choices = {"automatic", "manual"}},
         {.name = "lease",
          .kind = Kind::span,
          .meaning =
              "How long the one that serves may do so without a word of another host of the pair; so long "
              "after its loss the other serves.",
          .standard = "150ms",
          .least = 50,
          .most = day},
         {.name = "address",
          .kind = Kind::text,
          .meaning =
              "An address that the host of the one that serves has besides its own, with its length, as "
              "192.0.2.7/24.",
          .form = Form::address},
         {.name = "interface",
          .kind = Kind::text,
          .meaning = "The network interface that has that address, on either host."},
         {.name = "overlap",
          .kind = Kind::flag,
          .meaning = "At a planned switch-over the other serves at once, while this one still finishes what "
                     "it has; without, the other waits for that.",
          .standard = "false"}}};
}

Schema solution()
{
    return {"solution",
            "Applications that serve together.",
            {{.name = "description", .kind = Kind::text, .meaning = "A few words for people."},
             {.name = "applications",
              .kind = Kind::tables,
              .meaning = "Its applications, in the order in which they are started.",
              .fields = {{.name = "application",
                          .kind = Kind::reference,
                          .meaning = "The application; of a pair, its primary.",
                          .required = true,
                          .target = "application"},
                         {.name = "mandatory",
                          .kind = Kind::flag,
                          .meaning = "Without it the solution does not serve.",
                          .standard = "true"}},
              .keys = {"application"}},
             {.name = "start_timeout",
              .kind = Kind::span,
              .meaning = "After how long the start of the whole has failed.",
              .standard = "10m",
              .least = 100,
              .most = day}}};
}

}  // namespace

std::vector<Schema> service_schemas()
{
    return {application_template(), application_schema(), pair(), solution()};
}

}  // namespace belay::framework::configuration
