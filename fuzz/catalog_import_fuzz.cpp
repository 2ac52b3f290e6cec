// Whatever the lines of an exported catalog may be: they are refused with a sentence, or the catalog that
// they make is sound, is searched, and gives an export that is read again. Digest and compression are made
// right first, for no input would come past them; what is left is a whole file as well.

#include "backup/catalog/line_file.h"
#include "backup/catalog/portable.h"
#include "backup/catalog/search.h"
#include "base/invariant.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace {

using namespace belay;
using namespace belay::backup::catalog;

/// A folder for the databases, in memory where there is one.
std::string fuzz_folder()
{
    std::string pattern = "/dev/shm/belay-catalog-fuzz-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) {
        pattern = "/tmp/belay-catalog-fuzz-XXXXXX";
        INVARIANT(::mkdtemp(pattern.data()) != nullptr);
    }
    return pattern;
}

Result<std::string> import_from(int file, const std::string& path)
{
    ::unlink(path.c_str());
    INVARIANT(::lseek(file, 0, SEEK_SET) == 0);
    const auto catalog = TRY(Catalog::open(path, Use::make));
    TRY(import_catalog(*catalog, file, [](uint64_t, uint64_t) {}));
    for (const char* what : {"*", "/a", "/**/a"}) INVARIANT(search(*catalog, {.what = what}).has_value());
    INVARIANT(catalog->clients().has_value());
    return digest_of(*catalog);
}

void clear(int file)
{
    INVARIANT(::ftruncate(file, 0) == 0 && ::lseek(file, 0, SEEK_SET) == 0);
}

}  // namespace

// libFuzzer gives the name. NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    static const int file = ::memfd_create("catalog", 0);
    static const std::string path = fuzz_folder() + "/catalog";
    std::string_view input(reinterpret_cast<const char*>(data), size);
    clear(file);
    INVARIANT(::write(file, input.data(), input.size()) == static_cast<ssize_t>(input.size()));
    static_cast<void>(import_from(file, path));

    clear(file);
    LineWriter writer(file);
    while (!input.empty()) {
        const size_t end = std::min(input.find('\n'), input.size());
        INVARIANT(writer.write(input.substr(0, end)).has_value());
        input.remove_prefix(std::min(end + 1, input.size()));
    }
    INVARIANT(writer.finish().has_value());
    const Result<std::string> first = import_from(file, path);
    if (!first) INVARIANT(!first.error().what.empty());
    return 0;
}
