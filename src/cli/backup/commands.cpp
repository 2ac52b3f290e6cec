#include "cli/backup/command.h"

namespace belay::cli {

std::span<const BackupCommandKind> backup_commands()
{
    static constexpr BackupCommandKind all[] = {
        {"init", "make a new repository", "belay backup init --repo /srv/backup", make_init_command},
        {"run", "save files and folders of this machine",
         "belay backup run /home /etc --exclude '*.tmp'\n  belay backup run / --one-file-system --tag "
         "nightly\n"
         "  pg_dump shop | belay backup run --stdin --stdin-filename shop.sql",
         make_run_command},
        {"snapshots", "list what was saved, and when", "belay backup snapshots --host web1",
         make_snapshots_command},
        {"ls", "list the files of a snapshot", "belay backup ls latest /home --long", make_ls_command},
        {"find", "look for files in all snapshots", "belay backup find '*.conf' --newest 2026-11-01",
         make_find_command},
        {"diff", "say what differs between two snapshots", "belay backup diff 1f2e3d4c latest",
         make_diff_command},
        {"dump", "write a file, or a folder as an archive, to standard output",
         "belay backup dump latest /etc/fstab\n  belay backup dump latest /etc --archive tar > etc.tar",
         make_dump_command},
        {"restore", "bring a snapshot back into files",
         "belay backup restore latest --target /tmp/back\n"
         "  belay backup restore latest --target / --include /home/ann --dry-run",
         make_restore_command},
        {"check", "say whether everything is there and sound", "belay backup check --read-data-subset 10%",
         make_check_command},
        {"forget", "let snapshots go, by a policy or by their ids",
         "belay backup forget --keep-daily 7 --keep-weekly 5 --keep-monthly 12 --prune --dry-run",
         make_forget_command},
        {"prune", "remove what no snapshot needs any more", "belay backup prune --dry-run",
         make_prune_command},
        {"key", "list, add and remove passwords, or change one",
         "belay backup key list\n  belay backup key add --new-password-file FILE\n  belay backup key remove "
         "1f2e3d4c",
         make_key_command},
        {"copy", "copy snapshots from another repository",
         "belay backup copy --from-repo /srv/backup --repo rest:https://host/copy/ latest",
         make_copy_command},
        {"rewrite", "make snapshots anew, without what should not be in them",
         "belay backup rewrite --exclude /home/ann/.ssh --forget", make_rewrite_command},
        {"tag", "change the tags of snapshots", "belay backup tag --add keep latest", make_tag_command},
        {"unlock", "remove locks that were left behind", "belay backup unlock", make_unlock_command},
        {"repair", "have back of a damaged repository what can be had",
         "belay backup repair index\n  belay backup repair packs 1f2e3d4c\n  belay backup repair snapshots "
         "--dry-run",
         make_repair_command},
        {"stats", "count files, blobs and bytes", "belay backup stats --mode raw-data", make_stats_command},
        {"mount", "show all snapshots as folders and files", "belay backup mount /mnt", make_mount_command},
        {"save-device", "save a device or volume as an image: what is in use of it",
         "belay backup save-device /dev/vg/data\n  belay backup save-device --clean",
         make_save_device_command},
        {"restore-device", "write an image to a device or into a file",
         "belay backup restore-device latest --target /dev/vg/new --verify", make_restore_device_command},
        {"identity", "make a key by which this machine is known whatever it is called, or show it",
         "belay backup identity create\n  belay backup identity show", make_identity_command},
        {"fingerprint", "a line that is the same for equal trees of files, or for equal contents of devices",
         "belay backup fingerprint /srv/data\n  belay backup fingerprint /dev/vg/data",
         make_fingerprint_command},
    };
    return all;
}

}  // namespace belay::cli
