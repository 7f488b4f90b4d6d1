#!/bin/sh
# Runs a host until it is powered off: `boot.sh ROOT NAME CGROUP NETWORK`. A reboot ends its first process by SIGHUP
# (reboot(2), in a PID namespace).
mkdir -p "$3" && echo $$ >"$3/cgroup.procs" || exit
while :; do
    nsenter --net="$4" unshare --mount --pid --fork --uts --ipc --cgroup sh "$(dirname "$0")/init.sh" "$1" "$2"
    [ $? = 129 ] || break
done
