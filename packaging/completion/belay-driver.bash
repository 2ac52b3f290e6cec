# bash completion for belay-driver(8)
#
# A test holds the lists against the program's own.

_belay_driver_verbs="look stand-by restart take-over renew drain undrain commands"

declare -A _belay_driver_options=(
    [postgresql]="--cluster --data --bin --port --socket-dir --unit --log --starts-at-boot --peer --max-lag --rewind"
    [keepalived]="--address --track-file --state-file --peer --step --unit --pid-file --starts-at-boot"
    [haproxy]="--socket --server --unit --pid-file --starts-at-boot"
    [nginx]="--pid-file --unit"
    [check]=""
    [run]="--image --library"
)

_belay_driver() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} kind=${COMP_WORDS[1]:-}
    COMPREPLY=()
    case $before in
        --data | --bin | --socket-dir | --library) COMPREPLY=($(compgen -d -- "$word")) && return ;;
        --*-file | --socket | --log | --) COMPREPLY=($(compgen -f -- "$word")) && return ;;
        --cluster) COMPREPLY=($(compgen -W "$(pg_lsclusters --no-header 2>/dev/null | awk '{ print $1 "/" $2 }')" -- "$word")) && return ;;
        --port | --unit | --peer | --max-lag | --address | --step | --server | --image) return ;;
    esac
    if [[ $COMP_CWORD -eq 1 ]]; then
        COMPREPLY=($(compgen -W "${!_belay_driver_options[*]} --help --version" -- "$word"))
    elif [[ $kind == check ]]; then
        COMPREPLY=($(compgen -f -- "$word"))
    elif [[ $word == -* ]]; then
        COMPREPLY=($(compgen -W "${_belay_driver_options[$kind]:-} --help" -- "$word"))
    elif [[ $kind != run ]]; then
        COMPREPLY=($(compgen -W "$_belay_driver_verbs" -- "$word"))
    fi
    return 0
}

complete -F _belay_driver belay-driver
