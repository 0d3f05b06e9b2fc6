# shellcheck shell=bash
# Sourced by scripts/check: no command that it runs lasts for ever, and none leaves anything running.

job=
before=  # the last job in the background before that
grace=30 # seconds that a command has to end when it was told to

# limited MINUTES COMMAND ARGUMENT...: runs a command in a process group of its own; ends the whole group after so many
# minutes, and whatever is left of it when the command has ended. Without coreutils' `timeout` there is no limit.
limited() {
    local minutes=$1 status=0
    shift
    if command -v timeout >/dev/null; then
        set -- timeout --verbose --kill-after="$grace" "${minutes}m" "$@"
    fi
    set -m # a group for the job
    before=${!:-}
    job=starting
    "$@" </dev/null &
    job=$!
    set +m
    while kill -0 "$job" 2>/dev/null; do # `wait` can miss a signal that comes just as it begins
        sleep 0.5
    done
    wait "$job" || status=$?
    kill -KILL -- "-$job" 2>/dev/null || true
    job=
    return "$status"
}

# stop SIGNAL STATUS: passes a signal on to what runs, and ends with it. `timeout` hands it to the group.
stop() {
    trap '' INT TERM HUP # a second signal would leave the job behind, which has `grace` seconds
    if [ "$job" = starting ]; then
        job=${!:-}
        [ "$job" != "$before" ] || job= # it has not begun
    fi
    if [ -n "$job" ]; then
        kill "-$1" "$job" 2>/dev/null || true
        wait "$job" || true
        kill -KILL -- "-$job" 2>/dev/null || true
    fi
    exit "$2"
}

trap 'stop INT 130' INT
trap 'stop TERM 143' TERM
trap 'stop TERM 129' HUP
