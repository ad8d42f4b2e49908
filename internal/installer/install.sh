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
case "$os-$arch" in
{{range .Agents}}{{if ne .OS "windows"}}{{.OS}}-{{.Arch}}) want={{.Hash}} ;;
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

if [ -x "$program" ] && [ "$(sum "$program")" = "$want" ]; then
	echo "fettle: the agent is up to date"
else
	[ -n "$token" ] || fail "give the enrolment token on standard input"
	fetch "$server/v1/agents/$os/$arch" "$dir/fettle-agent" || fail "cannot fetch the agent from $server: is the token still good?"
	[ "$(sum "$dir/fettle-agent")" = "$want" ] || fail "the agent that came is not the one that the appliance has: nothing was installed"
	mkdir -p "${program%/*}"
	cp "$dir/fettle-agent" "$program.new"
	chmod 755 "$program.new"
	mv -f "$program.new" "$program"
	echo "fettle: the agent is installed as $program"
fi

if "$program" status >/dev/null 2>&1; then
	echo "fettle: this machine is enrolled already"
else
	[ -n "$token" ] || fail "give the enrolment token on standard input"
	printf '%s\n' "$token" | "$program" enrol --server "$server" --token -
fi
"$program" service install
