#pragma once
// The parts of read_survey(), a tool each. Each adds what it finds, or a reason why it found nothing.

#include "storage/survey.h"

#include <functional>

namespace belay::storage {

/// Asks a tool that only reads. Nothing where it does not answer: then `what` was not looked at, and
/// `package` is named where the tool is missing. Exit codes are left to the caller.
std::optional<host::Outcome> ask_tool(host::Host& host, Survey& survey, const std::string& what,
                                      const host::Command& command, std::string_view package);
/// Notes an error of a tool that was asked; where the tool is missing, with the package that has it.
void note_missing(Survey& survey, std::string what, const Error& error, std::string_view package);
void note_not_looked(Survey& survey, std::string what, std::string why, std::string next = {});
/// The last line of what a tool complained: the sentence after its warnings.
std::string last_line(std::string_view text);

/// Calls for everything that may hold something: disks, partitions, arrays, others.
void for_each_content(const Inventory& inventory,
                      const std::function<void(const std::string& device, const Content& content)>& call);

void look_at_waiting_arrays(host::Host& host, Survey& survey);
void look_at_lvm(host::Host& host, Survey& survey);
void look_at_zfs(host::Host& host, Survey& survey);
void look_at_smart(host::Host& host, Survey& survey);
/// After SMART, which says who is an ATA disk and awake.
void look_at_ata_capacities(host::Host& host, Survey& survey);
void look_at_boot_code(host::Host& host, Survey& survey);
void look_at_esps(host::Host& host, Survey& survey);

}  // namespace belay::storage
