#!/usr/bin/env bash
# Creates the certificates with which silos, gateways and other clients of a cluster authenticate each other, and with which callers sign
# in over HTTPS: a private certificate authority, and certificates issued by it. Needs openssl. See usage below, or: ./deploy/certs.sh --help
set -euo pipefail
umask 077

usage() {
  cat <<'USAGE'
usage:
  certs.sh [--dir DIR] [--days N] ca [NAME]                     the authority: DIR/ca.pem and DIR/ca.key
  certs.sh [--dir DIR] [--days N] silo    NAME [HOST|IP ...]    a silo's:  DIR/NAME.pem and DIR/NAME.key
  certs.sh [--dir DIR] [--days N] gateway NAME [HOST|IP ...]    a gateway's
  certs.sh [--dir DIR] [--days N] client  NAME [HOST|IP ...]    another trusted client's
  certs.sh [--dir DIR] [--days N] server  NAME HOST|IP ...      Postgres's own, for sslmode=verify-full; no member of the cluster
  certs.sh [--dir DIR] [--days N] user    NAME URI|HOST ...     a caller's, to sign in over HTTPS; no member of the cluster

  --dir DIR    where the files are, and the authority's for the others (default: ./certs)
  --days N     how long it is valid, from now: 1825 for an authority, 90 for the rest by default

Keys are ECDSA P-256. What a certificate allows is its role: silo is a member of the cluster; gateway and client are
clients, each with full authority over every key; only a gateway has users sign in, and passes on what administrators ask
for. A gateway's certificate names okms:client beside okms:gateway, which older silos do not know. HOST and IP become
alternative names of the certificate; members do not check them. Members trust whatever the authority signed and nobody
checks revocation: keep ca.key off the machines that run the service, and let certificates be short-lived.

A user's certificate has no role: URI and HOST are what a principal names in its certificates. Give users an authority
of their own (another --dir): its ca.pem is the file of OKMS_CLIENT_CA_FILE.

An authority that exists is never overwritten. A certificate that exists is replaced by a new one with a new key, which
running members take up by themselves. Each member needs ca.pem (OKMS_TLS_CA), its NAME.pem (OKMS_TLS_CERT) and its
NAME.key (OKMS_TLS_KEY; mode 0600).
USAGE
}

fail() {
  echo "certs.sh: $*" >&2
  exit 1
}

misused() {
  echo "certs.sh: $*" >&2
  usage >&2
  exit 2
}

require_days() {
  [[ "$1" =~ ^[1-9][0-9]{0,4}$ ]] || misused "--days must be a whole number from 1 to 99999"
}

# Names become file names and parts of the subject.
require_name() {
  [[ "$1" =~ ^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$ ]] || misused "not a name of A-Z a-z 0-9 . _ -, at most 64 long: $1"
}

# One subject alternative name in openssl's syntax.
alternative_name() {
  if [[ "$1" =~ ^[0-9]+(\.[0-9]+){3}$ || "$1" == *:* ]]; then
    [[ "$1" =~ ^[0-9A-Fa-f:.]+$ ]] || misused "not an IP address: $1"
    echo "IP:$1"
  else
    [[ "$1" =~ ^(\*\.)?[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$ ]] || misused "not a host name: $1"
    echo "DNS:$1"
  fi
}

# The same for a user, whom a URI or a DNS name stands for. A role of the cluster is no user's name.
user_name() {
  if [[ "$1" == *:* ]]; then
    [[ "$1" =~ ^[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~:/@%-]+$ && ! "${1,,}" =~ ^okms: ]] || misused "not a URI for a user: $1"
    echo "URI:$1"
  else
    [[ "$1" =~ ^(\*\.)?[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$ ]] || misused "not a host name in lower case: $1"
    echo "DNS:$1"
  fi
}

new_key() {
  quietly openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"
}

quietly() {
  "$@" 2>"$work/errors" || { cat "$work/errors" >&2; fail "openssl failed"; }
}

make_authority() {
  local name="${1:-OrleansKms cluster CA}"
  [[ "$name" =~ ^[A-Za-z0-9][A-Za-z0-9\ ._-]{0,63}$ ]] || misused "not a name for an authority: $name"
  [ ! -e "$dir/ca.pem" ] && [ ! -e "$dir/ca.key" ] || fail "$dir has an authority already; it is not overwritten"
  cat >"$work/config" <<CONFIG
[req]
distinguished_name = subject
prompt = no
x509_extensions = extensions
[subject]
O = OrleansKms
CN = $name
[extensions]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
CONFIG
  new_key "$work/ca.key"
  quietly openssl req -new -x509 -sha256 -config "$work/config" -key "$work/ca.key" -days "$days" -out "$work/ca.pem"
  # Linking fails if the file exists, so two concurrent runs create one authority.
  ln "$work/ca.key" "$dir/ca.key" || fail "$dir has an authority already; it is not overwritten"
  mv "$work/ca.pem" "$dir/ca.pem"
  chmod 644 "$dir/ca.pem"
  echo "made the authority $dir/ca.pem; keep $dir/ca.key where no member runs"
}

make_certificate() {
  local role="$1" usages="$2" name="$3" names named
  shift 3
  require_name "$name"
  [ "$name" != ca ] || misused "ca is the authority's name"
  [ -r "$dir/ca.pem" ] && [ -r "$dir/ca.key" ] || fail "$dir has no authority; make one first: certs.sh --dir $dir ca"
  names="${role:+URI:$role}"
  for host in "$@"; do
    if [ "$kind" = user ]; then named="$(user_name "$host")"; else named="$(alternative_name "$host")"; fi
    names="${names:+$names,}$named"
  done
  cat >"$work/config" <<CONFIG
[req]
distinguished_name = subject
prompt = no
[subject]
O = OrleansKms
CN = $name
[extensions]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = $usages
subjectAltName = $names
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
CONFIG
  new_key "$work/$name.key"
  quietly openssl req -new -sha256 -config "$work/config" -key "$work/$name.key" -out "$work/request"
  quietly openssl x509 -req -sha256 -in "$work/request" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" \
    -set_serial "0x$(openssl rand -hex 16)" -days "$days" -extfile "$work/config" -extensions extensions -out "$work/$name.pem"
  # Moved within the same file system, so that nobody ever reads half a file.
  mv -f "$work/$name.key" "$dir/$name.key"
  role="${role%%,*}"
  mv -f "$work/$name.pem" "$dir/$name.pem"
  chmod 644 "$dir/$name.pem"
  echo "made $dir/$name.pem, role ${role:-none}, valid until $(openssl x509 -noout -enddate -in "$dir/$name.pem" | cut -d= -f2)"
}

dir=./certs
days=""
arguments=()
while [ $# -gt 0 ]; do
  case "$1" in
    --help | -h) usage; exit 0 ;;
    --dir) [ $# -ge 2 ] && [ -n "$2" ] || misused "--dir needs a directory"; dir="$2"; shift 2 ;;
    --days) [ $# -ge 2 ] || misused "--days needs a number"; require_days "$2"; days="$2"; shift 2 ;;
    -*) misused "unknown option: $1" ;;
    *) arguments+=("$1"); shift ;;
  esac
done
[ ${#arguments[@]} -gt 0 ] || { usage >&2; exit 2; }
command -v openssl >/dev/null || fail "openssl is not installed"

kind="${arguments[0]}"
case "$kind" in
  ca) [ ${#arguments[@]} -le 2 ] || misused "an authority has one name" ;;
  silo | gateway | client) [ ${#arguments[@]} -ge 2 ] || misused "$kind needs a name" ;;
  server) [ ${#arguments[@]} -ge 3 ] || misused "$kind needs a name, and the hosts by which it is reached" ;;
  user) [ ${#arguments[@]} -ge 3 ] || misused "user needs a name, and the URIs and hosts that a principal names" ;;
  *) misused "unknown kind: $kind" ;;
esac

mkdir -p "$dir"
work="$(mktemp -d "$dir/.making.XXXXXX")"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
case "$kind" in
  ca) days="${days:-1825}"; make_authority "${arguments[@]:1}" ;;
  # Without a role: no member accepts it as a peer.
  server) days="${days:-90}"; make_certificate "" serverAuth "${arguments[@]:1}" ;;
  user) days="${days:-90}"; make_certificate "" clientAuth "${arguments[@]:1}" ;;
  silo) days="${days:-90}"; make_certificate okms:silo serverAuth,clientAuth "${arguments[@]:1}" ;;
  gateway) days="${days:-90}"; make_certificate okms:gateway,URI:okms:client clientAuth "${arguments[@]:1}" ;;
  *) days="${days:-90}"; make_certificate okms:client clientAuth "${arguments[@]:1}" ;;
esac
