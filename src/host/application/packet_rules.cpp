#include "host/application/packet_rules.h"

#include <dlfcn.h>
#include <memory>
#include <nftables/libnftables.h>

namespace belay::host {
namespace {

/// With what it loads besides it takes three megabytes, half of them shared with whoever has it as well.
class Nftables {
  public:
    Nftables()
    {
        void* const library = dlopen("libnftables.so.1", RTLD_NOW | RTLD_LOCAL);
        if (library == nullptr) return;
        is_there = take(library, "nft_ctx_new", make) && take(library, "nft_ctx_free", free) &&
                   take(library, "nft_ctx_buffer_error", buffer_error) &&
                   take(library, "nft_ctx_get_error_buffer", error_of) &&
                   take(library, "nft_run_cmd_from_buffer", run);
    }

    bool is_there = false;
    decltype(&::nft_ctx_new) make = nullptr;
    decltype(&::nft_ctx_free) free = nullptr;
    decltype(&::nft_ctx_buffer_error) buffer_error = nullptr;
    decltype(&::nft_ctx_get_error_buffer) error_of = nullptr;
    decltype(&::nft_run_cmd_from_buffer) run = nullptr;

  private:
    template <typename Function>
    static bool take(void* library, const char* name, Function& function)
    {
        function = reinterpret_cast<Function>(dlsym(library, name));
        return function != nullptr;
    }
};

}  // namespace

Result<void> set_packet_rules(const std::string& commands)
{
    static const Nftables library;
    if (!library.is_there)
        return fail(ErrorKind::not_found, "this host has no libnftables.so.1",
                    "apt-get install libnftables1");
    const std::unique_ptr<nft_ctx, void (*)(nft_ctx*)> context(library.make(NFT_CTX_DEFAULT), library.free);
    if (!context || library.buffer_error(context.get()) != 0)
        return fail(ErrorKind::io, "cannot begin with packet rules");
    if (library.run(context.get(), commands.c_str()) == 0) return {};
    const std::string said = library.error_of(context.get());
    return fail(ErrorKind::refused,
                fmt::format("nft does not take rules: {}", said.substr(0, said.find('\n'))));
}

}  // namespace belay::host
