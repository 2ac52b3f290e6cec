#pragma once
// What an upgrade does to one member of a pair.

#include "operation/act.h"
#include "upgrade/runner.h"
#include "upgrade/starts_with_host.h"

#include <functional>
#include <string>
#include <vector>

namespace belay::upgrade {

/// What the members of this host run from, and who runs them.
struct Ground {
    Runner& runner;
    std::string images;  ///< the folder of the installed images
};

/// `driver` here and below: as in its Standing, for the commands that a person is shown.
/// member.stand-by {member}: it does not serve; the other one does. Nothing is undone of it: member.run sees
/// to it that whoever is changed does not serve.
operation::Act stand_by(const std::string& member, const std::vector<std::string>& driver);

/// member.run {member, image, from, version, images, others}: it runs that version, and is ready to serve, or
/// has been ready to be started in its turn where it is cold. Undone: it runs what it did before, or `from`
/// where the step of another member on this host had named the version already; and so do the `others`, which
/// have their turn later. The other of its pair serves meanwhile.
operation::Act run_version(const Ground& ground, const std::string& member, const std::string& image,
                           const std::string& from, const std::string& version,
                           const std::vector<std::string>& others, const std::vector<std::string>& driver);

/// image.name {image, version, images}: that version is what is started from the next start on.
operation::Act name_version(const Ground& ground, const std::string& image, const std::string& version);

/// image.keep {image, version, images}: what runs is what a power cut and the next upgrade begin from.
operation::Act keep_version(const Ground& ground, const std::string& image, const std::string& version);

/// Those actions; the conditions member.ready {member}, member.runs {member, version},
/// member.from-image {member, image, images}, member.starts-by-itself {member}, image.committed {image,
/// images}; the fingerprint member.version {member, image, images}. The runner outlives the catalogue.
/// `started_by`: who has started the daemon that starts them.
void fill(operation::Catalogue& catalogue, Runner& runner, StartedBy started_by);

}  // namespace belay::upgrade
