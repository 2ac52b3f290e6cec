#include "cli/backup/common_options.h"

namespace belay::cli {

void CommonOptions::declare(OptionTable& options)
{
    options.flag("-h,--help", help, "show this help");
    options.value("-r,--repo", repo, "PLACE", "the repository: a folder, or rest:https://host/name/");
    options.value("--repository-file", repository_file, "FILE", "a file that holds the repository's place");
    options.value("-p,--password-file", password_file, "FILE", "a file that holds the password");
    options.value("--password-command", password_command, "COMMAND", "a program that prints the password");
    options.value("--key-hint", key_hint, "ID", "the beginning of the id of the key to try first");
    options.value("--cacert", cacert, "FILE", "certificates that a server's may be signed by");
    options.value("--tls-client-cert", tls_client_cert, "FILE", "our own certificate with its key");
    options.flag("--insecure-tls", insecure_tls, "do not look at a server's certificate");
    options.value("--limit-upload", limit_upload, "KIB", "send no more than so many KiB a second");
    options.value("--limit-download", limit_download, "KIB", "read no more than so many KiB a second");
    options.value("--compression", compression, "LEVEL", "auto, max or off");
    options.value("--pack-size", pack_size, "MIB", "aim at packs of so many MiB: 4 to 128");
    options.value("--retry-lock", retry_lock, "TIME", "wait so long for those who hold a lock");
    options.flag("--no-lock", no_lock, "take no lock: to read where nothing may be written");
    options.flag("--no-cache", no_cache, "has no effect: there is no cache");
    options.flag("--cleanup-cache", cleanup_cache, "has no effect: there is no cache");
    options.value("--cache-dir", cache_dir, "FOLDER", "has no effect: there is no cache");
    options.flag("--json", json, "write JSON");
    options.flag("-q,--quiet", quiet, "say nothing but what went wrong");
    options.count("-v,--verbose", verbose, "say more; -vv: every file");
    options.flag("--no-color", no_color, "no colours");
}

void CommonOptions::take_from_environment()
{
    const auto from = [](std::string& value, const char* name) {
        if (value.empty()) value = environment(name);
    };
    if (repo.empty() && repository_file.empty()) {
        from(repo, "RESTIC_REPOSITORY");
        if (repo.empty()) from(repository_file, "RESTIC_REPOSITORY_FILE");
    }
    if (password_file.empty() && password_command.empty()) {
        from(password_file, "RESTIC_PASSWORD_FILE");
        from(password_command, "RESTIC_PASSWORD_COMMAND");
    }
    from(key_hint, "RESTIC_KEY_HINT");
    from(cacert, "RESTIC_CACERT");
    from(tls_client_cert, "RESTIC_TLS_CLIENT_CERT");
    from(compression, "RESTIC_COMPRESSION");
    from(pack_size, "RESTIC_PACK_SIZE");
}

}  // namespace belay::cli
