#pragma once
// What an upgrade does to the images of a host.

#include "operation/act.h"
#include "upgrade/carrier.h"
#include "upgrade/image/manifest.h"

namespace belay::upgrade {

/// image.add {image, version, file, files, bytes, images}: the version is in the library of this host, whole
/// and as it was signed. Undone: it is not, unless it was there before.
operation::Act add_image(const std::string& images, const Delivery& delivery);

/// Those that are asked about an image that is to run.
/// The signature: in base64.
operation::Question is_trusted(const std::string& keys, const std::string& manifest,
                               const std::string& signature);
operation::Question may_follow(const std::string& images, const image::Manifest& next);
operation::Question is_same_build(const std::string& images, const std::string& keys,
                                  const image::Manifest& next);
/// `user`: the account that the member runs as; empty: that of belayd.
operation::Question accepts_configuration(const std::string& images, const image::Manifest& next,
                                          const std::string& user);
operation::Question is_well(const std::string& images, const image::Manifest& next, const std::string& user);

/// The action and the conditions image.trusted, image.may-follow, image.same-build, image.hook. The carrier
/// outlives the catalogue.
void fill(operation::Catalogue& catalogue, Carrier& carrier);

}  // namespace belay::upgrade
