#include "site_sample.h"

namespace belay::bench {

using framework::configuration::Author;
using framework::configuration::Delta;
using framework::configuration::Id;
using framework::configuration::Object;
using framework::configuration::Register;
using framework::configuration::Snapshot;
using framework::configuration::Version;

namespace {

const Author somebody{.who = "bench", .origin = "belay-bench-site", .why = "to measure it", .at_ms = 1};

framework::configuration::ObjectDelta made(Id id, const std::string& type, const std::string& name,
                                           Json attributes)
{
    Object object;
    object.id = id;
    object.type = type;
    object.name = name;
    object.attributes = std::move(attributes);
    return {nullptr, std::make_shared<const Object>(std::move(object))};
}

}  // namespace

Result<void> make_site(Register& site, size_t hosts)
{
    Delta delta;
    for (size_t i = 1; i <= hosts; ++i) {
        const Id host = -2 * static_cast<Id>(i);
        delta.objects.push_back(
            made(host, "host", fmt::format("host-{}", i),
                 {{"address", fmt::format("10.0.{}.{}", i / 250, i % 250 + 1)}, {"location", "room 1"}}));
        delta.objects.push_back(made(host + 1, "application", fmt::format("application-{}", i),
                                     {{"host", host},
                                      {"command", {"/usr/bin/application", "--name", fmt::format("a{}", i)}},
                                      {"description", "what it is here for is to be measured"}}));
    }
    const Version version = TRY(site.make(delta, "bench: the site", somebody));
    static_cast<void>(version);
    return {};
}

Result<Version> change_site(Register& site, size_t number)
{
    const Snapshot now = TRY(site.snapshot());
    const Object* host = now.configuration->find("host", "host-1");
    if (host == nullptr) return fail(ErrorKind::not_found, "the site to be measured has no host");
    Object changed = *host;
    changed.attributes["location"] = fmt::format("room {}", number);
    const Delta delta{{{now.configuration->share(host->id), std::make_shared<const Object>(changed)}}};
    return site.make(delta, fmt::format("bench: change {}", number), somebody);
}

Result<size_t> bytes_of_change(store::Store& store, Version version)
{
    const std::string key = framework::configuration::history_key(version);
    const std::optional<store::Entry> entry = TRY(store.get(key));
    if (!entry) return fail(ErrorKind::not_found, "the change to be measured is not there");
    return entry->value.size();
}

}  // namespace belay::bench
