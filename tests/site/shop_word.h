#pragma once
// A runbook that lets the hosts say another word.

#include "subject.h"

namespace belay::faults {

std::unique_ptr<Subject> shop_word(bool works_on_controller);

/// As it was when this was written; a record may become durable together with the one before.
std::map<Course, Journals> journals_of_shop_word();

}  // namespace belay::faults
