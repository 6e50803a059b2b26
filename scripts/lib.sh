# Helpers of the scripts in this folder; to be read by a POSIX shell with ".".

# Says what is being done.
say() {
    printf '== %s\n' "$*"
}

# Ends the script with a reason.
die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# Checks that Rust and a linker are there; installs the linker, which a bare machine may lack.
need_compiler() {
    PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
    command -v cargo >/dev/null || die "cargo is not installed: see https://rustup.rs"
    need_packages gcc:cc libc6-dev:/usr/include/stdio.h
}

# Installs Debian packages whose program is missing. Arguments: PACKAGE:PROGRAM, the program by
# name, path or pattern of paths. Daemons that come with a package are not started.
need_packages() {
    missing=
    for pair in "$@"; do
        program=${pair#*:}
        case $program in
        # Unquoted: the first path that the pattern stands for.
        /*) is_there $program || missing="$missing ${pair%%:*}" ;;
        *) command -v "$program" >/dev/null || missing="$missing ${pair%%:*}" ;;
        esac
    done
    [ -n "$missing" ] || return 0
    [ "$(id -u)" = 0 ] || die "not installed, and only root can install:$missing"
    command -v apt-get >/dev/null || die "not installed, and there is no apt-get:$missing"
    say "installing$missing"
    policy=/usr/sbin/policy-rc.d
    ours=
    if [ ! -e $policy ]; then
        ours=yes
        printf '#!/bin/sh\nexit 101\n' >$policy
        chmod 755 $policy
    fi
    status=0
    install_packages $missing || { apt-get -q update && install_packages $missing; } || status=$?
    [ -z "$ours" ] || rm -f $policy
    [ $status = 0 ] || die "cannot install:$missing"
}

is_there() {
    [ -e "$1" ]
}

install_packages() {
    DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends "$@"
}
