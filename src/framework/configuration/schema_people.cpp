// Who may do what. How a person proves who they are is not here: passwords are no configuration.

#include "framework/configuration/schema.h"

namespace belay::framework::configuration {

std::vector<Schema> people_schemas()
{
    return {
        {"person",
         "Somebody who works with the site; a disabled one is let in no more.",
         {
             {.name = "full_name", .kind = Kind::text, .meaning = "As people call them."},
             {.name = "mail", .kind = Kind::text, .meaning = "Where alarms and questions are sent."},
             {.name = "roles",
              .kind = Kind::references,
              .meaning = "What they may do, besides what their groups may.",
              .target = "role"},
         }},
        {"group",
         "People who may do the same.",
         {
             {.name = "description", .kind = Kind::text, .meaning = "A few words for people."},
             {.name = "members",
              .kind = Kind::references,
              .meaning = "Who belongs to it.",
              .target = "person"},
             {.name = "roles", .kind = Kind::references, .meaning = "What they may do.", .target = "role"},
         }},
        {"role",
         "What somebody may do, and with what.",
         {
             {.name = "may",
              .kind = Kind::choice,
              .meaning = "view: look; operate: start, stop, switch over, confirm operations; administer: "
                         "change the configuration as well.",
              .required = true,
              .choices = {"view", "operate", "administer"}},
             {.name = "types",
              .kind = Kind::texts,
              .meaning = "Over objects of these types; without, of every type.",
              .choices = {"host", "device", "storage", "template", "application", "pair", "solution",
                          "person", "group", "role", "alarm", "script", "relay", "snmp", "output", "policy"}},
             {.name = "hosts",
              .kind = Kind::references,
              .meaning = "Over these hosts and what runs on them; without, over all.",
              .target = "host"},
             {.name = "applications",
              .kind = Kind::references,
              .meaning = "Over these applications; without, over all.",
              .target = "application"},
             {.name = "solutions",
              .kind = Kind::references,
              .meaning = "Over these solutions and their applications; without, over all.",
              .target = "solution"},
         }},
    };
}

}  // namespace belay::framework::configuration
