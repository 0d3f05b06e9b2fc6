# shellcheck shell=bash
# Sourced by scripts/check, after limited.sh: commands that run beside others. `end_lanes` belongs into a trap of EXIT.

lanes=()      # leaders of groups, empty where one has been looked at
lane_log=$log # of `lane`: the first part of the names of files, which the caller removes

# lane COMMAND ARGUMENT...: begins a command whose output waits in a file. It has a process group of its own: a job in
# the background would be deaf to Ctrl-C otherwise. It limits its time itself, and ends what it runs where it is told to.
lane() {
    set -m
    lead "$lane_log.${#lanes[@]}" "$@" </dev/null &
    lanes+=("$!")
    set +m
}

# lead FILE COMMAND ARGUMENT...: runs a command, says how it ended in a file, and stays while the script lives: thousands
# of processes later the system gives the number of an ended one to another, which would then be taken for the group.
lead() {
    local status=0
    trap : INT TERM HUP # they are for the command
    "${@:2}" >"$1" 2>&1 || status=$?
    printf '%d\n' "$status" >"$1.ending"
    mv "$1.ending" "$1.ended"
    while kill -0 "$$" 2>/dev/null; do sleep 5; done
}

# has_ended NUMBER: whether the command of a lane has ended.
has_ended() {
    [ -e "$lane_log.$1.ended" ] || ! kill -0 "${lanes[$1]}" 2>/dev/null
}

# close_lane NUMBER [LATEST]: waits for the command of a lane, to a value of SECONDS if one is given, and ends its group;
# returns the command's status, 137 where it had to be killed.
close_lane() {
    local status=137
    until has_ended "$1" || { [ $# -gt 1 ] && [ "$SECONDS" -ge "$2" ]; }; do
        sleep 0.5
    done
    if [ -e "$lane_log.$1.ended" ]; then
        status=$(<"$lane_log.$1.ended")
    fi
    kill -KILL -- "-${lanes[$1]}" 2>/dev/null || true
    wait "${lanes[$1]}" 2>/dev/null || true
    lanes[$1]=
    return "$status"
}

# look_at_lanes [all]: shows what those have said that have ended, each whole, or waits for all of them. Fails where one
# has failed.
look_at_lanes() {
    local i status=0
    for i in "${!lanes[@]}"; do
        if [ -n "${lanes[i]}" ] && { [ "${1:-}" = all ] || has_ended "$i"; }; then
            close_lane "$i" || status=$?
            cat "$lane_log.$i"
            [ "$status" -eq 0 ] || return "$status"
        fi
    done
}

# end_lanes: ends those that still run; kills what has not ended `grace` and 10 seconds later.
end_lanes() {
    local i latest=$((SECONDS + grace + 10))
    trap '' INT TERM HUP
    for i in "${!lanes[@]}"; do
        [ -z "${lanes[i]}" ] || kill -TERM -- "-${lanes[i]}" 2>/dev/null || true
    done
    for i in "${!lanes[@]}"; do
        [ -z "${lanes[i]}" ] || close_lane "$i" "$latest" || true
    done
    lanes=()
}
