# bash completion for belay(1)
#
# Commands and options are listed here; what varies is asked of belay itself: procedures and their arguments,
# operations, disks. A test holds the lists against the program's own.

_belay_common="--help --json --socket --state-dir --site --proxy --no-color"
_belay_plan_options="--timer --gate --gate-grace --why"
_belay_hosts_options="--on --waves --wave-soak --failures"

_belay_commands="storage image backup catalog restore procedures plan add run runbook config status host device app messages solution alarms alarm account media login logout activate commit abort clear timer show history clean parse version"

declare -A _belay_options=(
    [belay]="--version"
    [storage show]="--from --summary"
    [storage health]="--from"
    [storage record]="--mask"
    [storage ports]=""
    [storage monitor]="--follow --test --limit"
    [storage esp-sync]="--dry-run"
    [image build]="--output --key --dry-run"
    [image key]=""
    [image sign]="--key"
    [image verify]="--keys --root"
    [image show]="--keys"
    [image list]="--root"
    [image expand]="--keys --root"
    [image remove]="--root"
    [image remove-inactive]="--dry-run"
    [image clear]="--dry-run"
    [procedures]=""
    [plan]="$_belay_plan_options $_belay_hosts_options --dry-run"
    [add]="$_belay_plan_options $_belay_hosts_options --no-wait"
    [run]="$_belay_plan_options --soak --yes --no-wait"
    [runbook lint]=""
    [runbook plan]="--set $_belay_plan_options $_belay_hosts_options --dry-run"
    [runbook add]="--set $_belay_plan_options $_belay_hosts_options --no-wait"
    [runbook run]="--set $_belay_plan_options --soak --yes --no-wait"
    [config get]=""
    [config edit]="$_belay_plan_options --no-wait"
    [config check]=""
    [config diff]="--mode"
    [config apply]="--mode $_belay_plan_options --no-wait"
    [config import]="$_belay_plan_options --no-wait"
    [config export]=""
    [config history]="--limit"
    [config revert]="$_belay_plan_options --no-wait"
    [status]="--follow"
    [host invite]="--name --role --valid --why"
    [host list]=""
    [host show]="--follow"
    [host maintenance]="--dry-run --for --why --no-wait"
    [host revoke]="--yes --why"
    [host rename]="--why"
    [host renew]="--why"
    [app list]="--follow"
    [app show]=""
    [app start]="--why --no-wait"
    [app stop]="--why --no-wait"
    [app restart]="--why --no-wait"
    [app suspend]="--why --no-wait"
    [app resume]="--why --no-wait"
    [app log]="--follow --lines"
    [app pairs]="--follow"
    [device]=""
    [app switch-over]="--dry-run"
    [messages]="--follow --language --level --app --host --id --interaction --since --until --grep --limit"
    [solution list]=""
    [solution show]="--follow"
    [solution plan]="--also-needed"
    [solution start]="--why --no-wait"
    [solution stop]="--also-needed --why --no-wait"
    [alarms]="--all --follow --conditions --limit"
    [alarm show]=""
    [alarm ack]="--note"
    [alarm mute]="--for --note"
    [alarm test]="--fire"
    [account add]="--role --why"
    [account list]=""
    [account password]="--why"
    [account role]="--why"
    [account disable]="--why"
    [account enable]="--why"
    [account remove]="--why"
    [media status]="--media-socket"
    [media add]="--space --access --generate --password-file --media-state"
    [media list]="--media-socket --media-state"
    [media password]="--generate --password-file --media-state"
    [media grant]="--media-state"
    [media revoke]="--media-state"
    [media disable]="--media-state"
    [media enable]="--media-state"
    [media remove]="--media-state"
    [media quota]="--media-state"
    [media import]="--access --media-state"
    [media export]="--media-state"
    [media certificate]="--media-state"
    [login]="--account --as"
    [logout]=""
    [activate]="--why --no-wait"
    [commit]="--why --no-wait"
    [abort]="--why --no-wait"
    [clear]="--why --no-wait"
    [timer]="--stop --restart --extend --why"
    [show]="--journal --follow --no-wait"
    [history]="--audit --limit"
    [clean]="--dry-run"
    [parse]=""
    [version]=""
)

_belay_kinds="mdstat mdadm-detail mdadm-examine sfdisk-dump lsblk-json smartctl-json lvm-json zpool-status hdparm-max hdparm-dco"
# A line each: most have blanks.
_belay_device_kinds="iosxe:clear install state
iosxe:copy
iosxe:dir
iosxe:install abort
iosxe:install activate
iosxe:install add
iosxe:install auto-abort-timer
iosxe:install commit
iosxe:install remove
iosxe:show boot
iosxe:show boot system
iosxe:show bootvar
iosxe:show install active
iosxe:show install committed
iosxe:show install inactive
iosxe:show install package
iosxe:show install rollback
iosxe:show install rollback id
iosxe:show install summary
iosxe:show install uncommitted
iosxe:show install version all
iosxe:show install version summary
iosxe:show issu rollback-timer
iosxe:show issu state detail
iosxe:show module
iosxe:show platform
iosxe:show redundancy
iosxe:show redundancy config-sync failures
iosxe:show redundancy states
iosxe:show redundancy switchover history
iosxe:show stackwise-virtual
iosxe:show stackwise-virtual dual-active-detection pagp
iosxe:show stackwise-virtual link
iosxe:show stackwise-virtual neighbors
iosxe:show switch
iosxe:show switch detail
iosxe:show switch stack-ports
iosxe:show switch stack-ports detail
iosxe:show switch stack-ports summary
iosxe:show switch stack-ring speed
iosxe:show version
iosxe:show version installed
iosxe:show version provisioned
iosxe:show version rp
iosxe:show version running
iosxe:verify"

_belay_types="host storage template application pair solution person group role alarm script relay snmp policy"

# Every text of a field in a line of JSON: a value of "name" or "id" without quotes in it.
_belay_texts() {
    grep -o "\"$1\":\"[^\"\\\\]*\"" | cut -d'"' -f4
}

_belay_ask() {
    timeout 2 belay "$@" --json 2>/dev/null
}

_belay_procedures() {
    # A procedure's name has a dot; the names of arguments have none.
    _belay_ask procedures | _belay_texts name | grep -F .
}

_belay_arguments() {
    # What Belay tells itself is nothing to type.
    _belay_ask procedures "$1" | sed 's/{[^{}]*"internal":true[^{}]*}//g' | _belay_texts name |
        grep -vF . | sed 's/^/--/'
}

_belay_operations() {
    # An operation's id is a number in quotes, with an S before it where it is the site's.
    _belay_ask show | _belay_texts id | grep -x 'S\?[0-9]\+' | sort -uV
}

_belay_names() {
    _belay_ask "$@" | _belay_texts name | sort -u
}

_belay_sites() {
    (cd "${XDG_CONFIG_HOME:-$HOME/.config}/belay/sites" 2>/dev/null && ls) | sed -n 's/\.json$//p'
}

# The variables of a runbook, as NAME=.
_belay_variables() {
    [[ -f $1 ]] && _belay_ask runbook lint "$1" | grep -o '"variables":.*' | _belay_texts name | sed 's/$/=/'
}

_belay_disks() {
    _belay_ask storage show | grep -o '"path":"/dev/[^"\\]*"' | cut -d'"' -f4 | sort -u
}

# What belay backup has; its options are restic's.
_belay_backup_common="--cacert --cache-dir --cleanup-cache --compression --help --insecure-tls --json --key-hint --limit-download --limit-upload --no-cache --no-color --no-lock --pack-size --password-command --password-file --quiet --repo --repository-file --retry-lock --tls-client-cert --verbose"
_belay_backup_commands="init run snapshots ls find diff dump restore check forget prune key copy rewrite tag unlock repair stats mount save-device restore-device identity fingerprint"
declare -A _belay_backup_options=(
    [init]="--repository-version --copy-chunker-params --from-repo --from-repository-file --from-password-file --from-password-command --from-key-hint"
    [run]="--files-from --files-from-verbatim --files-from-raw --exclude --iexclude --exclude-file --iexclude-file --exclude-if-present --exclude-caches --exclude-larger-than --dry-run --one-file-system --force --parent --host --tag --time --identity --ignore-inode --ignore-ctime --with-atime --no-scan --skip-if-unchanged --read-concurrency --stdin --stdin-filename"
    [snapshots]="--host --tag --path --compact --last --latest --group-by"
    [ls]="--host --tag --path --long --recursive"
    [find]="--host --tag --path --snapshot --oldest --newest --ignore-case --long --blob --tree --pack --show-pack-id"
    [diff]="--metadata"
    [dump]="--host --tag --path --archive --target"
    [restore]="--host --tag --path --target --include --iinclude --include-file --exclude --iexclude --exclude-file --sparse --verify --dry-run"
    [check]="--read-data --read-data-subset --with-cache"
    [forget]="--keep-last --keep-hourly --keep-daily --keep-weekly --keep-monthly --keep-yearly --keep-within --keep-within-hourly --keep-within-daily --keep-within-weekly --keep-within-monthly --keep-within-yearly --keep-tag --host --tag --path --compact --group-by --dry-run --prune --unsafe-allow-remove-all --max-unused --max-repack-size --repack-cacheable-only --repack-small --repack-uncompressed --patience"
    [prune]="--max-unused --max-repack-size --repack-cacheable-only --repack-small --repack-uncompressed --patience --dry-run"
    [key]="--new-password-file --new-password-command --host --user"
    [copy]="--from-repo --from-repository-file --from-password-file --from-password-command --from-key-hint --host --tag --path"
    [rewrite]="--host --tag --path --exclude --iexclude --exclude-file --iexclude-file --forget --dry-run"
    [tag]="--host --tag --path --set --add --remove"
    [unlock]="--remove-all"
    [repair]="--host --tag --path --read-all-packs --forget --dry-run"
    [stats]="--host --tag --path --mode"
    [mount]="--host --tag --path --allow-other --no-default-permissions --owner-root"
    [save-device]="--snapshot --snapshot-size --keep-base --drop-base --all-blocks --allow-in-use --clean --dry-run --host --tag --time --identity --name"
    [restore-device]="--host --tag --path --target --file --target-is-zero --compare --verify --allow-in-use --overwrite --yes"
    [identity]="--identity"
)

_belay_backup() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} i command=""
    for ((i = 2; i < COMP_CWORD; i++)); do
        [[ " $_belay_backup_commands " == *" ${COMP_WORDS[i]} "* ]] && command=${COMP_WORDS[i]} && break
    done
    case $before in
        --compression) COMPREPLY=($(compgen -W "auto max off" -- "$word")) && return ;;
        --mode) COMPREPLY=($(compgen -W "restore-size files-by-contents blobs-per-file raw-data" -- "$word")) && return ;;
        -r | --repo | --from-repo | --cache-dir) COMPREPLY=($(compgen -d -- "$word")) && return ;;
        --identity) COMPREPLY=($(compgen -W none -- "$word") $(compgen -f -- "$word")) && return ;;
        -*file | --files-from* | --cacert | --tls-client-cert | -t | --target) COMPREPLY=($(compgen -f -- "$word")) && return ;;
    esac
    if [[ $word == -* ]]; then
        COMPREPLY=($(compgen -W "$_belay_backup_common ${command:+${_belay_backup_options[$command]}}" -- "$word"))
    elif [[ -z $command ]]; then
        COMPREPLY=($(compgen -W "$_belay_backup_commands" -- "$word"))
    else
        case $command in
            run | mount | save-device | fingerprint) COMPREPLY=($(compgen -f -- "$word")) ;;
            identity) COMPREPLY=($(compgen -W "create show" -- "$word")) ;;
            key) COMPREPLY=($(compgen -W "list add passwd remove" -- "$word")) ;;
            repair) COMPREPLY=($(compgen -W "index packs snapshots" -- "$word")) ;;
            ls | diff | dump | restore | restore-device | forget | tag | rewrite | copy | stats | snapshots)
                COMPREPLY=($(compgen -W "latest" -- "$word")) ;;
        esac
    fi
    return 0
}

_belay_catalog_common="--catalog --help --json --limit-download --limit-upload --no-color --no-lock --quiet --retry-lock --verbose"
declare -A _belay_catalog_options=(
    [add]="--password-file --password-command --key-hint --cacert --tls-client-cert --insecure-tls --keep-password --one-client --no-refresh"
    [remove]="--keep-key"
    [list]=""
    [refresh]=""
    [clients]="--site"
    [snapshots]="--client --site"
    [search]="--client --in --oldest --newest --ignore-case --all --limit --site"
    [follow]="--every"
    [rebuild]="--skip-missing"
    [export]=""
    [import]=""
    [check]=""
    [restore]="--client --at --target --or-older --dry-run"
)

# The first word is "catalog", or "restore", which has no commands.
_belay_catalog() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=""
    [[ ${COMP_WORDS[1]} == restore ]] && command=restore
    [[ ${COMP_WORDS[1]} == catalog && $COMP_CWORD -gt 2 ]] && command=${COMP_WORDS[2]}
    case $before in
        --catalog) COMPREPLY=($(compgen -d -- "$word")) && return ;;
        --client) COMPREPLY=($(compgen -W "$(belay catalog clients --json 2>/dev/null | _belay_texts name)" -- "$word")) && return ;;
        -*file | --cacert | --tls-client-cert | -t | --target) COMPREPLY=($(compgen -f -- "$word")) && return ;;
    esac
    if [[ $word == -* ]]; then
        COMPREPLY=($(compgen -W "$_belay_catalog_common ${command:+${_belay_catalog_options[$command]:-}}" -- "$word"))
    elif [[ -z $command ]]; then
        COMPREPLY=($(compgen -W "add remove list refresh follow clients snapshots search rebuild export import check" -- "$word"))
    else
        case $command in
            add | export | import) COMPREPLY=($(compgen -f -- "$word")) ;;
            remove | refresh) COMPREPLY=($(compgen -W "$(belay catalog list --json 2>/dev/null | _belay_texts location)" -- "$word")) ;;
        esac
    fi
    return 0
}

# Names with blanks: as they are within quotes, with backslashes without. Where readline splits words at the
# colon, what stands before it is there already.
_belay_parse() {
    local IFS=$'\n' typed=${1#[\"\']} there=""
    [[ ${COMP_WORDS[COMP_CWORD]} == : || ${COMP_WORDS[COMP_CWORD - 1]} == : ]] && there=iosxe: typed=iosxe:${1#:}
    COMPREPLY=($(compgen -W "${_belay_kinds// /$IFS}$IFS$_belay_device_kinds" -- "${typed//\\/}"))
    [[ $1 == [\"\']* ]] || COMPREPLY=("${COMPREPLY[@]// /\\ }")
    COMPREPLY=("${COMPREPLY[@]#"$there"}")
}

_belay() {
    [[ ${COMP_WORDS[1]:-} == @(catalog|restore) && $COMP_CWORD -gt 1 ]] && { COMPREPLY=(); _belay_catalog; return; }
    [[ ${COMP_WORDS[1]:-} == backup && $COMP_CWORD -gt 1 ]] && { COMPREPLY=(); _belay_backup; return; }
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} i command="" target=""
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            --socket | --state-dir | --timer | --gate | --gate-grace | --why | --soak | --extend | --limit | --from | --set | --mode | --site | --proxy | --name | --role | --valid | --account | --as | --on | --waves | --wave-soak | --failures | --lines | --for | -o | --output | --key | --keys | --root | --space | --access | --password-file | --media-state | --media-socket | --language | --level | --app | --host | --id | --interaction | --since | --until | --grep) i=$((i + 1)) ;;
            -*) ;;
            *)
                if [[ -z $command ]]; then
                    command=${COMP_WORDS[i]}
                elif [[ $command == storage ]]; then
                    command="storage ${COMP_WORDS[i]}"
                elif [[ $command == runbook && ${COMP_WORDS[i]} == @(lint|plan|add|run) ]]; then
                    command="runbook ${COMP_WORDS[i]}"
                elif [[ $command == @(image|config|host|app|solution|alarm|account|media) ]]; then
                    command="$command ${COMP_WORDS[i]}"
                elif [[ -z $target ]]; then
                    target=${COMP_WORDS[i]}
                fi
                ;;
        esac
    done

    case $before in
        --socket | --from | -o | --output | --key) COMPREPLY=($(compgen -f -- "$word")) && return ;;
        --state-dir | --keys | --root) COMPREPLY=($(compgen -d -- "$word")) && return ;;
        --timer | --gate-grace | --soak | --extend | --valid | --wave-soak | --for) COMPREPLY=($(compgen -W "30s 10m 30m 2h 1d" -- "$word")) && return ;;
        --gate) COMPREPLY=($(compgen -W "array: command: tcp: http://" -- "$word")) && return ;;
        --set) compopt -o nospace 2>/dev/null; COMPREPLY=($(compgen -W "$(_belay_variables "$target")" -- "$word")) && return ;;
        --mode) COMPREPLY=($(compgen -W "merge objects whole" -- "$word")) && return ;;
        --level) COMPREPLY=($(compgen -W "alarm standard interaction trace debug" -- "$word")) && return ;;
        --site) COMPREPLY=($(compgen -W "$(_belay_sites)" -- "$word")) && return ;;
        --role) COMPREPLY=($(compgen -W "$([[ $command == host* ]] && echo agent proxy || echo view operate administer)" -- "$word")) && return ;;
        --on) COMPREPLY=($(compgen -W "$(_belay_names host list)" -- "$word")) && return ;;
        --why | --note | --limit | --waves | --failures | --name | --account | --as | --lines) return ;;
    esac

    if [[ -z $command ]]; then
        COMPREPLY=($(compgen -W "$_belay_commands $_belay_common ${_belay_options[belay]}" -- "$word"))
    elif [[ $command == storage ]]; then
        COMPREPLY=($(compgen -W "show health record ports monitor $_belay_common" -- "$word"))
    elif [[ $command == image ]]; then
        COMPREPLY=($(compgen -W "build key sign verify show list expand remove publish withdraw summary remove-inactive clear $_belay_common" -- "$word"))
    elif [[ $command == runbook ]]; then
        COMPREPLY=($(compgen -W "lint plan add run $_belay_common" -- "$word"))
    elif [[ $command == config ]]; then
        COMPREPLY=($(compgen -W "get edit check diff apply import export history revert $_belay_common" -- "$word"))
    elif [[ $command == host ]]; then
        COMPREPLY=($(compgen -W "invite list show maintenance revoke rename renew $_belay_common" -- "$word"))
    elif [[ $command == app ]]; then
        COMPREPLY=($(compgen -W "list show start stop restart suspend resume log pairs switch-over $_belay_common" -- "$word"))
    elif [[ $command == solution ]]; then
        COMPREPLY=($(compgen -W "list show plan start stop $_belay_common" -- "$word"))
    elif [[ $command == alarm ]]; then
        COMPREPLY=($(compgen -W "show ack mute test $_belay_common" -- "$word"))
    elif [[ $command == account ]]; then
        COMPREPLY=($(compgen -W "add list password role disable enable remove $_belay_common" -- "$word"))
    elif [[ $word == -* ]]; then
        local options="$_belay_common ${_belay_options[$command]}"
        case $command in
            plan | add | run) [[ -n $target && $target != *[!a-z.-]* ]] && options+=" $(_belay_arguments "$target")" ;;
        esac
        COMPREPLY=($(compgen -W "$options" -- "$word"))
    else
        case $command in
            device) [[ -z $target ]] && COMPREPLY=($(compgen -W "$(_belay_names device)" -- "$word")) ;;
            messages) [[ -z $target ]] && COMPREPLY=($(compgen -W explain -- "$word")) ;;
            "storage show") [[ -z $target ]] && COMPREPLY=($(compgen -W "$(_belay_disks)" -- "$word")) ;;
            "image build") [[ -z $target ]] && COMPREPLY=($(compgen -f -X '!*.toml' -- "$word") $(compgen -d -S / -- "$word")) ;;
            "image key") [[ -z $target ]] && COMPREPLY=($(compgen -f -X '!*.pem' -- "$word") $(compgen -d -S / -- "$word")) ;;
            "image sign" | "image verify" | "image show" | "image expand" | "image publish")
                [[ -z $target ]] && COMPREPLY=($(compgen -f -X '!*.image' -- "$word") $(compgen -d -S / -- "$word")) ;;
            "image remove") if [[ -z $target ]]; then
                    COMPREPLY=($(compgen -W "$(_belay_names image list)" -- "$word"))
                else
                    COMPREPLY=($(compgen -W "$(_belay_ask image list | _belay_texts version)" -- "$word"))
                fi ;;
            "storage record") COMPREPLY=($(compgen -f -- "$word")) ;;
            "runbook "*) [[ -z $target ]] && COMPREPLY=($(compgen -f -X '!*.toml' -- "$word") $(compgen -d -S / -- "$word")) ;;
            "config get" | "config edit") [[ -z $target ]] && COMPREPLY=($(compgen -W "$_belay_types" -- "$word")) ;;
            "config check" | "config diff" | "config apply" | "config import")
                [[ -z $target ]] && COMPREPLY=($(compgen -f -X '!*.toml' -- "$word") $(compgen -d -S / -- "$word")) ;;
            "host maintenance") if [[ -z $target ]]; then
                    COMPREPLY=($(compgen -W "$(_belay_names host list)" -- "$word"))
                else
                    COMPREPLY=($(compgen -W "on off" -- "$word"))
                fi ;;
            "host list" | "host show" | "host revoke" | "host rename" | "host renew")
                [[ -z $target ]] && COMPREPLY=($(compgen -W "$(_belay_names host list)" -- "$word")) ;;
            "app show" | "app start" | "app stop" | "app restart" | "app suspend" | "app resume" | "app log")
                [[ -z $target ]] && COMPREPLY=($(compgen -W "$(_belay_names app list)" -- "$word")) ;;
            "app switch-over")
                [[ -z $target ]] && COMPREPLY=($(compgen -W "$(_belay_names app pairs)" -- "$word")) ;;
            "solution plan") if [[ -z $target ]]; then
                    COMPREPLY=($(compgen -W "start stop move" -- "$word"))
                else
                    COMPREPLY=($(compgen -W "$(_belay_names solution list)" -- "$word"))
                fi ;;
            "solution show" | "solution start" | "solution stop")
                [[ -z $target ]] && COMPREPLY=($(compgen -W "$(_belay_names solution list)" -- "$word")) ;;
            "alarm show" | "alarm ack")
                [[ -z $target ]] && COMPREPLY=($(compgen -W "$(_belay_ask alarms | grep -o '"number":[0-9]*' | cut -d: -f2)" -- "$word")) ;;
            "alarm mute" | "alarm test")
                [[ -z $target ]] && COMPREPLY=($(compgen -W "$(_belay_names alarms --conditions)" -- "$word")) ;;
            "account role") if [[ -z $target ]]; then
                    COMPREPLY=($(compgen -W "$(_belay_names account list)" -- "$word"))
                else
                    COMPREPLY=($(compgen -W "view operate administer" -- "$word"))
                fi ;;
            "account password" | "account disable" | "account enable" | "account remove")
                [[ -z $target ]] && COMPREPLY=($(compgen -W "$(_belay_names account list)" -- "$word")) ;;
            login | logout) COMPREPLY=($(compgen -W "$(_belay_sites)" -- "$word")) ;;
            procedures) COMPREPLY=($(compgen -W "$(_belay_procedures)" -- "$word")) ;;
            parse) [[ -z $target || $target == iosxe ]] && _belay_parse "$word" ;;
            plan | run | add)
                if [[ -z $target && $command == add ]]; then
                    COMPREPLY=($(compgen -W "$(_belay_procedures) $(_belay_operations)" -- "$word"))
                elif [[ -z $target ]]; then
                    COMPREPLY=($(compgen -W "$(_belay_procedures)" -- "$word"))
                else
                    COMPREPLY=($(compgen -W "$(_belay_disks)" -- "$word"))
                fi
                ;;
            activate | commit | abort | clear | timer | show)
                [[ -z $target ]] && COMPREPLY=($(compgen -W "$(_belay_operations)" -- "$word"))
                ;;
        esac
    fi
    return 0
}

complete -F _belay belay
