// What starts a host: /etc/fstab, efibootmgr's list, the digests of an EFI system partition, debconf's file.
// The first byte chooses; what was read must be read the same again, and an edit must keep the lines that it
// is not about.

#include "base/invariant.h"
#include "storage/efi_entries.h"
#include "storage/esp_tree.h"
#include "storage/fstab.h"
#include "storage/grub_devices.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

using namespace belay;
using namespace belay::storage;

namespace {

void read_fstab(std::string_view text)
{
    const std::vector<fstab::Line> before = fstab::parse(text);
    const std::vector<fstab::Edit> edits = {
        {fstab::Edit::Kind::append, "/boot/efi2", "PARTUUID=x /boot/efi2 vfat nofail 0 2"}};
    const Result<std::string> after = fstab::edited(text, edits);
    if (!after) return;
    const Result<std::string> again = fstab::edited(*after, edits);
    INVARIANT(again && *again == *after);
    const size_t had = fstab::parse(*after).size();
    INVARIANT(had == before.size() || had == before.size() + 1);
}

void read_digests(std::string_view text)
{
    const Result<esp::Tree> tree = esp::tree_in(text, "/e");
    if (tree) INVARIANT(esp::differences(esp::wanted_copy(*tree), {}).size() >= tree->size());
}

}  // namespace

// libFuzzer gives the name. NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0] % 4) {
        case 0:
            read_fstab(text);
            break;
        case 1:
            static_cast<void>(efi::parse_entries(text).has_value());
            break;
        case 3:
            static_cast<void>(grub_devices::parse(text).has_value());
            break;
        default:
            read_digests(text);
    }
    return 0;
}
