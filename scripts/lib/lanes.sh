# shellcheck shell=bash
# Sourced by scripts/check, after limited.sh: commands that run beside others. `end_lanes` belongs into a trap of EXIT.

lanes=()      # processes, empty where one has been looked at
lane_log=$log # of `lane`: the first part of the names of files, which the caller removes

# lane COMMAND ARGUMENT...: begins a command whose output waits in a file. It has a process group of its own: a job in
# the background would be deaf to Ctrl-C otherwise. It limits its time itself, and ends what it runs where it is told to.
lane() {
    set -m
    "$@" >"$lane_log.${#lanes[@]}" 2>&1 </dev/null &
    lanes+=("$!")
    set +m
}

# look_at_lanes [all]: shows what those have said that have ended, each whole, or waits for all of them. Fails where one
# has failed.
look_at_lanes() {
    local i status=0
    for i in "${!lanes[@]}"; do
        if [ -n "${lanes[i]}" ] && { [ "${1:-}" = all ] || ! kill -0 "${lanes[i]}" 2>/dev/null; }; then
            ended "${lanes[i]}" || status=$?
            kill -KILL -- "-${lanes[i]}" 2>/dev/null || true
            lanes[i]=
            cat "$lane_log.$i"
            [ "$status" -eq 0 ] || return "$status"
        fi
    done
}

# end_lanes: ends those that still run.
end_lanes() {
    local pid
    for pid in ${lanes[@]+"${lanes[@]}"}; do
        [ -z "$pid" ] || kill -TERM "$pid" 2>/dev/null || true
    done
    for pid in ${lanes[@]+"${lanes[@]}"}; do
        if [ -n "$pid" ]; then
            ended "$pid" || true
            kill -KILL -- "-$pid" 2>/dev/null || true
        fi
    done
    lanes=()
}
