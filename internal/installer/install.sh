#!/bin/sh
# Installs the Fettle agent, or brings it up to date, and enrols this machine with the token that comes on standard input.
# It trusts the appliance's own certificate authority, below, and programs of the hashes below, and nothing else.
set -eu
server='{{.Server}}'
program=/usr/local/bin/fettle-agent

fail() { echo "fettle: $1" >&2; exit 1; }

[ "$(id -u)" = 0 ] || fail "run this as root"
token=
[ -t 0 ] || read -r token || :

case "$(uname -s)" in
Linux) os=linux ;;
Darwin) os=darwin ;;
*) fail "there is no agent for $(uname -s)" ;;
esac
case "$(uname -m)" in
x86_64 | amd64) arch=amd64 ;;
aarch64 | arm64) arch=arm64 ;;
*) fail "there is no agent for $(uname -m)" ;;
esac

# Where the appliance offers a package, and its manager keeps this machine's programs, the package is installed. What was installed as a
# program alone stays one.
manager=
if [ "$os" = linux ] && [ ! -e "$program" ]; then
	if dpkg-query -W dpkg >/dev/null 2>&1; then manager=deb; elif rpm -q rpm >/dev/null 2>&1; then manager=rpm; fi
fi
case "$os-$arch-$manager" in
{{range .Agents}}{{if and (eq .OS "linux") (ne .Format "program")}}{{.OS}}-{{.Arch}}-{{.Format}}) want={{.Hash}} version='{{.Version}}' program=/usr/bin/fettle-agent ;;
{{end}}{{end}}*) manager= ;;
esac
if [ -z "$manager" ] && [ "$os" = linux ] && [ -e /usr/bin/fettle-agent ] && [ ! -e "$program" ]; then
	fail "the agent is here as a package, and the appliance offers none: an administrator adds it there with fettle agents add"
fi
[ -n "$manager" ] || case "$os-$arch" in
{{range .Agents}}{{if and (ne .OS "windows") (eq .Format "program")}}{{.OS}}-{{.Arch}}) want={{.Hash}} ;;
{{end}}{{end}}*) fail "the appliance has no agent for $os/$arch: an administrator adds it there with fettle agents add" ;;
esac

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
umask 077
cat >"$dir/ca.pem" <<'END'
{{.CA}}
END

sum() {
	if command -v sha256sum >/dev/null 2>&1; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d' ' -f1
}

# The token's secret goes into a file that only root can read, not onto a command line.
secret=$(printf '%s' "$token" | cut -d. -f2)
fetch() {
	if command -v curl >/dev/null 2>&1; then
		printf 'header = "Authorization: Bearer %s"\n' "$secret" >"$dir/curlrc"
		curl -fsS --cacert "$dir/ca.pem" --config "$dir/curlrc" -o "$2" "$1"
	elif command -v wget >/dev/null 2>&1; then
		printf 'header = Authorization: Bearer %s\n' "$secret" >"$dir/wgetrc"
		WGETRC="$dir/wgetrc" wget -q --ca-certificate="$dir/ca.pem" -O "$2" "$1"
	else
		fail "neither curl nor wget is installed"
	fi
}

# Somebody else may be installing something: that ends.
install_package() {
	tries=60
	until (
		umask 022
		case "$manager" in
		deb) DEBIAN_FRONTEND=noninteractive dpkg --force-confold -i "$1" ;;
		rpm) rpm -U --oldpackage "$1" ;;
		esac
	) >"$dir/log" 2>&1 </dev/null; do
		tries=$((tries - 1))
		if [ "$tries" = 0 ] || ! grep -qi 'lock' "$dir/log"; then
			cat "$dir/log" >&2
			fail "the package cannot be installed"
		fi
		sleep 5
	done
}

current() {
	case "$manager" in
	deb) [ "$(dpkg-query -W -f '${Status} ${Version}' fettle-agent 2>/dev/null)" = "install ok installed $version" ] ;;
	rpm) [ "$(rpm -q --qf '%{VERSION}-%{RELEASE}' fettle-agent 2>/dev/null)" = "$version" ] ;;
	*) [ -x "$program" ] && [ "$(sum "$program")" = "$want" ] ;;
	esac
}

if current; then
	echo "fettle: the agent is up to date"
else
	[ -n "$token" ] || fail "give the enrolment token on standard input"
	file=$dir/fettle-agent${manager:+.$manager}
	fetch "$server/v1/agents/$os/$arch${manager:+/$manager}" "$file" || fail "cannot fetch the agent from $server: is the token still good?"
	[ "$(sum "$file")" = "$want" ] || fail "the agent that came is not the one that the appliance has: nothing was installed"
	if [ -n "$manager" ]; then
		install_package "$file"
		echo "fettle: the agent is installed as the package fettle-agent $version"
	else
		mkdir -p "${program%/*}"
		cp "$file" "$program.new"
		chmod 755 "$program.new"
		mv -f "$program.new" "$program"
		echo "fettle: the agent is installed as $program"
	fi
fi

if "$program" status >/dev/null 2>&1; then
	echo "fettle: this machine is enrolled already"
else
	[ -n "$token" ] || fail "give the enrolment token on standard input"
	printf '%s\n' "$token" | "$program" enrol --server "$server" --token -
fi
if [ -z "$manager" ]; then
	"$program" service install
elif [ -d /run/systemd/system ]; then
	systemctl start fettle-agent.service
else
	echo "fettle: no service manager runs here: $program run"
fi
