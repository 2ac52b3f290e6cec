#include "daemon/network/site_store.h"

#include "store/etcd/address.h"

namespace belay::daemon {

Result<std::unique_ptr<store::Store>> open_site_store(const SiteStoreAddress& address)
{
    store::EtcdOptions options = TRY(store::parse_etcd_address(address.address));
    options.ca_file = address.ca;
    options.certificate_file = address.certificate;
    options.key_file = address.key;
    return store::open_etcd(options);
}

}  // namespace belay::daemon
