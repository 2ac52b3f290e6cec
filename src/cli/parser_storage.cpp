// The commands about the storage of a host.

#include "cli/parser.h"

namespace belay::cli {

void Parser::storage_commands()
{
    group(storage_, "storage", "the disks of this host and what is on them", "belay storage show");
    CLI::App* storage_show =
        command(*storage_, Command::storage_show, "show", "show disks, partitions, arrays and filesystems",
                "belay storage show\n  belay storage show md0\n  belay storage show --summary\n"
                "  belay storage show --from host.recording");
    storage_show
        ->add_option("device", invocation_.target,
                     "what stands under it and on it alone: a device, serial number, volume group, pool or "
                     "mount point")
        ->type_name("");
    storage_show->add_flag("--summary", invocation_.summary, "how many there are of each kind");
    CLI::App* health = command(*storage_, Command::storage_health, "health",
                               "what is not as it should be, and what mends it", "belay storage health");
    for (CLI::App* app : {storage_show, health})
        app->add_option("--from", invocation_.from, "look at a recording instead of at this machine")
            ->type_name("FILE");
    CLI::App* record =
        command(*storage_, Command::storage_record, "record",
                "keep all answers of this machine in a file, to be looked at elsewhere",
                "belay storage record host.recording --mask\n  belay storage show --from host.recording");
    record->add_option("file", invocation_.file, "a new file, or - for standard output")->type_name("");
    record->add_flag("--mask", invocation_.mask, "replace serial numbers by pseudonyms");

    command(*storage_, Command::storage_ports, "ports", "which disk is at which port of which controller",
            "belay storage ports");
    CLI::App* monitor = command(*storage_, Command::storage_monitor, "monitor",
                                "what happened to the arrays while belayd watched them",
                                "belay storage monitor --follow\n  belay storage monitor --test");
    monitor->add_flag("--follow", invocation_.follow, "show each alarm as it comes, until Ctrl-C");
    monitor->add_flag("--test", invocation_.test, "raise an alarm of nothing, to see who hears it");
    monitor->add_option("--limit", typed_.limit, "the newest so many")->type_name("NUMBER");
    CLI::App* esp_sync = command(*storage_, Command::storage_esp_sync, "esp-sync",
                                 "bring the copies of the EFI system partition up to date",
                                 "belay storage esp-sync --dry-run");
    esp_sync->add_flag("--dry-run", invocation_.dry_run, "say what differs, and write nothing");
}

}  // namespace belay::cli
