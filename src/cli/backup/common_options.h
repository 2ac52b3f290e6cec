#pragma once
// What every command of `belay backup` takes: the repository, its password, and how to speak.

#include "cli/backup/options.h"
#include "cli/environment.h"

#include <chrono>
#include <optional>

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
    std::string catalog;  ///< its folder; of commands that use it
    /// How long a server that does not answer is asked again; where a command has something better to do
    /// than usual.
    std::optional<std::chrono::milliseconds> patience_with_server = {};
    bool json = false, quiet = false, no_color = false, help = false;
    unsigned verbose = 0;

    void declare(OptionTable& options);
    /// What was not said is taken from the environment, by restic's names.
    void take_from_environment();
};

}  // namespace belay::cli
