#pragma once

namespace belay::lab {

/// As a host goes down in order: every process is asked to end, then made to; filesystems are written and
/// unmounted. What cannot be unmounted is left as it is. The caller switches off.
void leave_orderly();

}  // namespace belay::lab
