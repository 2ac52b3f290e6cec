#pragma once
// /etc/fstab: read with care, edited line by line so that every other byte stays, put back byte for byte.
// Source: fstab(5).

#include "operation/act.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace belay::storage::fstab {

inline constexpr const char* path = "/etc/fstab";

/// Marks a line whose filesystem is a copy of the EFI system partition that serves, to be kept in step with
/// it. Options that begin with "x-" mean nothing to mount(8) and the kernel: fstab(5).
inline constexpr std::string_view copy_mark = "x-belay.esp-copy";

/// A line that mounts something; texts are decoded ("\040" is a space).
struct Line {
    std::string spec;  ///< "PARTUUID=...", "/dev/md0"
    std::string target;
    std::string type;
    std::vector<std::string> options;

    bool has(std::string_view option) const;
};

/// The options of a field; a comma within quotes belongs to its option.
std::vector<std::string> options_in(std::string_view field);

/// The lines that mount something, in their order. Comments, empty lines and lines of fewer than three fields
/// are none.
std::vector<Line> parse(std::string_view text);

/// One change of a line; the others keep every byte.
struct Edit {
    enum class Kind {
        append,      ///< a whole new line: `value`
        add_option,  ///< `value` to the options of the line of `target`
        set_spec,    ///< the line of `target` mounts `value`
        drop,        ///< the line of `target` goes
    } kind;
    std::string target;  ///< of the line; of append, that which it mounts
    std::string value = {};

    auto operator<=>(const Edit&) const = default;
};

/// The text with the edits made; one that is made already changes nothing. Errors: not_found (there is no
/// line of that target), refused (append, where another line mounts on that target).
Result<std::string> edited(std::string_view text, const std::vector<Edit>& edits);

/// Makes the edits in /etc/fstab. Back: the file as it was, byte for byte; refused where somebody else has
/// changed it meanwhile.
operation::Act edit(const std::vector<Edit>& edits);

/// libmount, which everybody else reads the file with, finds that `target` is mounted from `spec`, and that
/// it may be missing (nofail).
operation::Question mounts(const std::string& spec, const std::string& target);

/// Its text as a whole.
operation::Question fingerprint();

void fill(operation::Catalogue& catalogue);

}  // namespace belay::storage::fstab
