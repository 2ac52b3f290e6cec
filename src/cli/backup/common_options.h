#pragma once
// What every command of `belay backup` takes: the repository, its password, and how to speak.

#include "cli/backup/options.h"
#include "cli/environment.h"

namespace belay::cli {

struct CommonOptions {
    std::string repo, repository_file;
    std::string password_file, password_command, key_hint;
    std::string cacert, tls_client_cert;
    bool insecure_tls = false;
    std::string limit_upload, limit_download;  ///< KiB/s
    std::string compression, pack_size;
    std::string retry_lock;
    bool no_lock = false, no_cache = false, cleanup_cache = false;
    std::string cache_dir;
    bool json = false, quiet = false, no_color = false, help = false;
    unsigned verbose = 0;

    void declare(OptionTable& options);
    /// What was not said is taken from the environment, by restic's names.
    void take_from_environment();
};

}  // namespace belay::cli
