#pragma once
// What the catalog answers, as JSON between a daemon and the one who asks: times in seconds since 1970, ids
// in hexadecimal digits. from_json throws what from_json_value() catches.

#include "backup/catalog/search.h"
#include "base/json.h"

namespace belay::backup::catalog {

void to_json(Json& json, const RepositoryEntry& repository);
void from_json(const Json& json, RepositoryEntry& repository);

void to_json(Json& json, const SnapshotEntry& snapshot);
void from_json(const Json& json, SnapshotEntry& snapshot);

void to_json(Json& json, const ClientName& name);
void from_json(const Json& json, ClientName& name);

void to_json(Json& json, const Client& client);
void from_json(const Json& json, Client& client);

void to_json(Json& json, const Version& version);
void from_json(const Json& json, Version& version);

void to_json(Json& json, const FoundFile& file);
void from_json(const Json& json, FoundFile& file);

void to_json(Json& json, const Found& found);
void from_json(const Json& json, Found& found);

}  // namespace belay::backup::catalog
