#pragma once
// Images and upgrades on this host, put together: who runs the members of pairs, what brings images here, and
// the images that this machine has for others.
//
//   STATE/shelf/          images as files, for the hosts of the site
//   STATE-images/         the installed versions, each as a folder, and packages.conf (docs/images.md);
//   beside
//                         the state, since programs of any account are started from there

#include "daemon/member_runner.h"
#include "daemon/place.h"
#include "framework/supervision/described.h"
#include "procedures/upgrade.h"
#include "site/method.h"
#include "upgrade/carrier.h"
#include "upgrade/shelf.h"

namespace belay::daemon {

/// The folder of the installed images, by that of the state.
std::string images_folder(const std::string& state_folder);

/// What of each image is to run on this host. Errors: those of packages.conf. Threads: any.
Result<framework::supervision::Images> running_images(host::Host& host, const std::string& images);

/// Threads: any. It outlives what it gives.
class Upgrades {
  public:
    /// All of it outlives this. `keys`: the folder of the public keys whose images are taken; `place`: null
    /// where this machine is no part of a site.
    Upgrades(Applications& applications, Driven& driven, host::Host& host, const std::string& state_folder,
             std::string keys, std::function<Place*()> place);

    /// `started_by`: who has started this daemon.
    void fill(operation::Catalogue& catalogue, upgrade::StartedBy started_by);
    /// A controller has a pair.upgrade of its own, over all hosts.
    std::vector<procedures::Procedure> procedures(bool is_controller);
    /// As PlaceGround has them.
    Result<std::map<std::string, std::string>> image_arguments(const std::string& image,
                                                               const std::string& version) const;
    Result<std::string> file(const std::string& sha256) const { return shelf_.path_of(sha256); }
    /// ImageUpload, ImageWithdraw, MemberLook, MemberTakeOver (docs/protocol.md).
    std::vector<site::Method> methods();

    /// What there is: {host, images, versions, published, applications}.
    Result<Json> summary() const;
    /// Removes versions that neither run nor are what an abort leads back to; of all images where `image` is
    /// empty. {removed: [...]}.
    Result<Json> remove_inactive(const std::string& image, bool dry_run);
    /// What runs counts as committed, where no operation is left that would say so. {cleared: [...]}.
    Result<Json> clear(const std::string& image, bool dry_run);

  private:
    Result<Json> upload(const site::Call& call);
    Result<Json> withdraw(const site::Call& call);

    Applications& applications_;
    host::Host& host_;
    const std::string images_, keys_;
    const std::function<Place*()> place_;
    MemberRunner runner_;
    upgrade::Shelf shelf_;
    upgrade::Carrier carrier_;
};

}  // namespace belay::daemon
