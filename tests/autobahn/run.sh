#!/usr/bin/env bash
# Runs the Autobahn WebSocket test suite against our codec.
#   run.sh server|client quick|all ECHO_PROGRAM [options for the suite]
# quick: the 247 cases about framing, UTF-8, fragments and closing (seconds); all: all 517, with large and compressed
# messages (half an hour). Ends with 77, which ctest shows as skipped, where the suite is not at hand; ANODE_SHARED says
# where to look for it (default: the folder `shared` beside the project).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
side=${1:?server or client}
mode=${2:?quick or all}
program=${3:?the echo program}
shift 3
suite=${ANODE_SHARED:-$here/../../../shared}/peers/autobahn/run

if [ ! -x "$suite" ]; then
    echo "SKIPPED: no Autobahn test suite at $suite (set ANODE_SHARED)"
    exit 77
fi
cases='*'
[ "$mode" = quick ] && cases='1.*,2.*,3.*,4.*,5.*,6.*,7.*,10.*'

if [ "$side" = client ]; then
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    exec "$suite" --strict --cases "$cases" --serve "$port" --command "$program {url}" "$@"
fi
exec {from_server}< <(exec "$program" 0)
server=$!
trap 'kill "$server" 2>/dev/null' EXIT
read -r -u "$from_server" port
"$suite" --strict --cases "$cases" "$@" "ws://127.0.0.1:$port"
