#!/usr/bin/env bash
# Runs a Mosquitto tuned for throughput.
#
# usage: mosquitto.sh PORT FOLDER
set -euo pipefail
cat >"$2/mosquitto.conf" <<-CONF
	listener $1 127.0.0.1
	allow_anonymous true
	persistence false
	max_inflight_messages 0
	max_queued_messages 0
	set_tcp_nodelay true
	log_type error
CONF
[[ $EUID == 0 ]] && chmod 755 "$2" && echo "user root" >>"$2/mosquitto.conf"
exec "$(command -v mosquitto || echo /usr/sbin/mosquitto)" -c "$2/mosquitto.conf" >"$2/mosquitto.log" 2>&1
