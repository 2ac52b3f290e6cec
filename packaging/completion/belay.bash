# bash completion for belay(1)
#
# Commands and options are listed here; what varies is asked of belay itself: procedures and their arguments,
# operations, disks. A test holds the lists against the program's own.

_belay_common="--help --json --socket --state-dir --no-color"
_belay_plan_options="--timer --gate --gate-grace --why"

_belay_commands="storage procedures plan add run runbook activate commit abort clear timer show history clean parse version"

declare -A _belay_options=(
    [belay]="--version"
    [storage show]="--from --summary"
    [storage health]="--from"
    [storage record]="--mask"
    [storage ports]=""
    [storage monitor]="--follow --test --limit"
    [storage esp-sync]="--dry-run"
    [procedures]=""
    [plan]="$_belay_plan_options --dry-run"
    [add]="$_belay_plan_options --no-wait"
    [run]="$_belay_plan_options --soak --yes --no-wait"
    [runbook lint]=""
    [runbook plan]="--set $_belay_plan_options --dry-run"
    [runbook add]="--set $_belay_plan_options --no-wait"
    [runbook run]="--set $_belay_plan_options --soak --yes --no-wait"
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
    _belay_ask procedures "$1" | _belay_texts name | grep -vF . | sed 's/^/--/'
}

_belay_operations() {
    # An operation's id is a number in quotes.
    _belay_ask show | _belay_texts id | grep -x '[0-9]*' | sort -un
}

# The variables of a runbook, as NAME=.
_belay_variables() {
    [[ -f $1 ]] && _belay_ask runbook lint "$1" | grep -o '"variables":.*' | _belay_texts name | sed 's/$/=/'
}

_belay_disks() {
    _belay_ask storage show | grep -o '"path":"/dev/[^"\\]*"' | cut -d'"' -f4 | sort -u
}

_belay() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} i command="" target=""
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            --socket | --state-dir | --timer | --gate | --gate-grace | --why | --soak | --extend | --limit | --from | --set) i=$((i + 1)) ;;
            -*) ;;
            *)
                if [[ -z $command ]]; then
                    command=${COMP_WORDS[i]}
                elif [[ $command == storage ]]; then
                    command="storage ${COMP_WORDS[i]}"
                elif [[ $command == runbook && ${COMP_WORDS[i]} == @(lint|plan|add|run) ]]; then
                    command="runbook ${COMP_WORDS[i]}"
                elif [[ -z $target ]]; then
                    target=${COMP_WORDS[i]}
                fi
                ;;
        esac
    done

    case $before in
        --socket | --from) COMPREPLY=($(compgen -f -- "$word")) && return ;;
        --state-dir) COMPREPLY=($(compgen -d -- "$word")) && return ;;
        --timer | --gate-grace | --soak | --extend) COMPREPLY=($(compgen -W "30s 10m 30m 2h 1d" -- "$word")) && return ;;
        --gate) COMPREPLY=($(compgen -W "array: command: tcp: http://" -- "$word")) && return ;;
        --set) compopt -o nospace 2>/dev/null; COMPREPLY=($(compgen -W "$(_belay_variables "$target")" -- "$word")) && return ;;
        --why | --limit) return ;;
    esac

    if [[ -z $command ]]; then
        COMPREPLY=($(compgen -W "$_belay_commands $_belay_common ${_belay_options[belay]}" -- "$word"))
    elif [[ $command == storage ]]; then
        COMPREPLY=($(compgen -W "show health record ports monitor $_belay_common" -- "$word"))
    elif [[ $command == runbook ]]; then
        COMPREPLY=($(compgen -W "lint plan add run $_belay_common" -- "$word"))
    elif [[ $word == -* ]]; then
        local options="$_belay_common ${_belay_options[$command]}"
        case $command in
            plan | add | run) [[ -n $target && $target != *[!a-z.-]* ]] && options+=" $(_belay_arguments "$target")" ;;
        esac
        COMPREPLY=($(compgen -W "$options" -- "$word"))
    else
        case $command in
            "storage record") COMPREPLY=($(compgen -f -- "$word")) ;;
            "runbook "*) [[ -z $target ]] && COMPREPLY=($(compgen -f -X '!*.toml' -- "$word") $(compgen -d -S / -- "$word")) ;;
            procedures) COMPREPLY=($(compgen -W "$(_belay_procedures)" -- "$word")) ;;
            parse) [[ -z $target ]] && COMPREPLY=($(compgen -W "$_belay_kinds" -- "$word")) ;;
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
