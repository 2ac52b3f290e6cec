#pragma once
// A catalog as one file that jq and zstd read: JSON lines, compressed by zstd. The first line says what it
// is, the last one how many there are and their digest, the SHA-256 of all bytes before it:
//
//     {"catalog":"belay","version":1}
//     {"repository":ID,"location":TEXT,"one_client":BOOL}
//     {"tree":ID,"entries":[{"name":NAME,"type":"file","size":N,"mtime":N,"content":"16 digits"},
//                           {"name":NAME,"type":"dir","mtime":N,"subtree":ID}]}
//     {"snapshot":ID,"repository":ID,"tree":ID,"time":[SECONDS,NANOSECONDS,ZONE],"host":TEXT,"user":TEXT,
//      "paths":[..],"tags":[..]}
//     {"lines":N,"sha256":"64 digits"}
//
// NAME and TEXT are strings, or {"base64":TEXT} of what is not UTF-8. Everything is in the order of the ids,
// and holds nothing of the catalog's own numbers: catalogs that know the same give the same lines.

#include "backup/catalog/catalog.h"

namespace belay::backup::catalog {

/// Is called now and then with what is done, of so much.
using PortableProgress = std::function<void(uint64_t done, uint64_t total)>;

/// Writes it into an open file. Errors: those of the system and of the catalog.
Result<void> export_catalog(Catalog& catalog, int file, const PortableProgress& progress);
/// The digest of all lines: equal catalogs have the same.
Result<std::string> digest_of(Catalog& catalog);

/// Reads it into an empty catalog that was opened to be made; it is to be thrown away after an error.
/// Errors: corrupt, where a byte is another or what it says does not fit together; version; those of the
/// system.
Result<void> import_catalog(Catalog& catalog, int file, const PortableProgress& progress);

}  // namespace belay::backup::catalog
