#pragma once
// The command line's grammar: which lines there are, their abbreviations as IOS takes them (any beginning of
// a word that no other word shares at its place), and what is wrong with all others, at which place.

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace belay::lab::iosxe {

enum class Verb {
    show_version,
    show_version_running,
    show_install,
    show_issu_state,
    show_rollback_timer,
    show_redundancy,
    show_redundancy_states,
    show_boot,
    show_boot_system,
    show_switch,
    show_stackwise_virtual,
    show_stackwise_virtual_link,
    show_clock,
    show_module,
    dir,
    verify,
    remove_file,
    copy,
    install_add,
    install_one_step,
    install_activate,
    install_activate_plain,
    install_commit,
    install_abort,
    install_remove_inactive,
    install_timer_stop,
    clear_install_state,
    reload,
    switch_over,
    reload_peer,
    write_memory,
    terminal,
    enable,
    disable,
    configure,
    service_internal,
    boot_manual,
    other_configuration,
    run,
    end,
    exit,
};

/// Where a line is typed.
enum class Mode { user, privileged, configuring };

/// A line that was understood. `words` has its arguments by their names, and an empty text for each keyword
/// that may be left out and was not.
struct Typed {
    Verb verb = Verb::exit;
    std::map<std::string, std::string> words = {};
    std::string line = {};    ///< with every keyword in full
    std::string filter = {};  ///< "include", "exclude", "begin" or "count"; empty: none
    std::string pattern = {};
};

/// A line that was not.
struct Misunderstood {
    enum class Why { invalid, incomplete, ambiguous } why = Why::invalid;
    size_t at = 0;  ///< byte of the line, for the marker
};

/// What this line asks for. An empty line is none of both: do not ask. `internal`: whether `service internal`
/// is configured. Threads: any.
std::variant<Typed, Misunderstood> read_line(std::string_view line, Mode mode, bool internal);

}  // namespace belay::lab::iosxe
