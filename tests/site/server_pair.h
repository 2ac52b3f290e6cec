#pragma once
// Upgrades of a pair whose applications run from images on web1 and web2; alpha votes.

#include "subject.h"

namespace belay::faults {

/// Errors end the test.
std::unique_ptr<Subject> server_pair();

/// As it was when this was written; a record may become durable together with the one before.
std::map<Course, Journals> journals_of_server_pair();

}  // namespace belay::faults
