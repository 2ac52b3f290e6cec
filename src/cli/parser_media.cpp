// The commands about a media server and those who may come to it.

#include "cli/parser.h"

namespace belay::cli {

void Parser::media_commands()
{
    group(media_, "media", "a server of backup repositories, and the accounts of its clients",
          "belay media add web1 --generate");
    const auto state = [&](CLI::App* app) {
        app->add_option("--media-state", invocation_.media_state,
                        "the state folder of the media server; /var/lib/belay/media unless told")
            ->type_name("FOLDER")
            ->envname("BELAY_MEDIA_STATE_DIR");
        return app;
    };
    const auto account = [&](CLI::App* app) {
        app->add_option("account", invocation_.target, "its name")->type_name("");
        return state(app);
    };
    const auto password = [&](CLI::App* app) {
        app->add_flag("--generate", invocation_.generate, "make a password, and say it once");
        app->add_option("--password-file", invocation_.password_file,
                        "its first line is the password; asked for unless told")
            ->type_name("FILE")
            ->excludes("--generate");
    };
    const auto space = [&](CLI::App* app) {
        app->add_option("space", invocation_.name, "a folder of repositories on the server")->type_name("");
    };

    const auto socket = [&](CLI::App* app) {
        app->add_option("--media-socket", invocation_.media_socket,
                        "where it answers; /run/belay/media.sock unless told")
            ->type_name("PATH")
            ->envname("BELAY_MEDIA_SOCKET");
    };

    socket(command(*media_, Command::media_status, "status",
                   "what the media server of this machine does, and how full it is", "belay media status"));
    CLI::App* add = account(command(*media_, Command::media_add, "add",
                                    "let a client come: by its name and a password, to a space of its own",
                                    "belay media add web1 --generate\n"
                                    "  belay media add anna --space team --access full"));
    add->add_option("--space", invocation_.name, "in place of one that is called like the account")
        ->type_name("NAME");
    add->add_option("--access", invocation_.access,
                    "read; append, which removes nothing but its own locks, unless told; full")
        ->type_name("ACCESS");
    password(add);
    socket(
        state(command(*media_, Command::media_list, "list",
                      "the accounts, what they may do, and how full their spaces are", "belay media list")));
    password(account(command(*media_, Command::media_password, "password", "give an account another password",
                             "belay media password web1 --generate")));
    CLI::App* grant = account(command(*media_, Command::media_grant, "grant",
                                      "let an account into a space, or let it do more or less there",
                                      "belay media grant anna team full"));
    space(grant);
    grant->add_option("access", invocation_.access, "read, append or full")->type_name("");
    space(account(command(*media_, Command::media_revoke, "revoke",
                          "let an account into a space no more; what lies there stays",
                          "belay media revoke anna team")));
    account(command(*media_, Command::media_disable, "disable", "shut an account out, and keep it",
                    "belay media disable web1"));
    account(command(*media_, Command::media_enable, "enable", "let it in again", "belay media enable web1"));
    account(command(*media_, Command::media_remove, "remove",
                    "remove an account; what it has stored stays in its space", "belay media remove web1"));
    CLI::App* quota = state(command(*media_, Command::media_quota, "quota", "how much may lie in a space",
                                    "belay media quota team 500G\n  belay media quota team none"));
    space(quota);
    quota->add_option("size", invocation_.quota, "as 500G, or none")->type_name("");
    CLI::App* import =
        state(command(*media_, Command::media_import, "import",
                      "take in the accounts of restic's rest-server, from its .htpasswd (bcrypt)",
                      "belay media import /srv/rest/.htpasswd --access full"));
    import->add_option("file", invocation_.file, "the .htpasswd")->type_name("");
    import
        ->add_option("--access", invocation_.access, "to a space called like the account; append unless told")
        ->type_name("ACCESS");
    state(command(*media_, Command::media_export, "export", "write the accounts as rest-server has them",
                  "belay media export > .htpasswd"));
    state(command(
        *media_, Command::media_certificate, "certificate",
        "the certificate (PEM) by which clients know this server: --cacert of restic and belay backup",
        "belay media certificate > media.pem"));
}

}  // namespace belay::cli
