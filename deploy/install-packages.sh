#!/bin/sh
# Installs the Debian packages that Telltale's demo and tests run against, and
# only those that are missing. Runs as root or through sudo; does nothing when
# everything is there. On another system it says what to install.
#
# usage: install-packages.sh PACKAGE...   (postgresql mosquitto mosquitto-clients chromium)
set -eu

# present PACKAGE: whether the program that the package is wanted for is here.
present() {
	case "$1" in
	postgresql) command -v pg_ctl >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 ;;
	mosquitto) command -v mosquitto >/dev/null 2>&1 || [ -x /usr/sbin/mosquitto ] ;;
	build-essential) command -v gcc >/dev/null 2>&1 && [ -e /usr/include/stdio.h ] ;;
	mosquitto-clients) command -v mosquitto_pub >/dev/null 2>&1 ;;
	*) command -v "$1" >/dev/null 2>&1 ;;
	esac
}

missing=""
for package in "$@"; do
	present "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
	echo "Telltale needs these programs, and this system has no apt-get to install them:$missing" >&2
	echo "Install them with your own package manager (PostgreSQL 15 or newer, Mosquitto 2) and run this again." >&2
	exit 1
fi
as_root=""
if [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo >/dev/null 2>&1; then
		echo "Telltale needs these Debian packages:$missing" >&2
		echo "Install them as root: apt-get install$missing" >&2
		exit 1
	fi
	as_root="sudo"
fi

# The packages would start a database and a broker of their own. Telltale runs
# its own, private ones, so their services stay off during the installation.
policy=/usr/sbin/policy-rc.d
made_policy=""
if [ ! -e "$policy" ]; then
	printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
	$as_root chmod 755 "$policy"
	made_policy=yes
fi
cleanup() { [ -z "$made_policy" ] || $as_root rm -f "$policy"; }
trap cleanup EXIT INT TERM

echo "Installing$missing ..."
$as_root apt-get update -qq
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
