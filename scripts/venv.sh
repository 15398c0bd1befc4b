#!/bin/sh
# Makes .venv ready: the first suitable Python, a lock with its hashes checked, this project itself (editable).
# Takes milliseconds when that was done before. The Makefile calls it before everything else. With `run` the lock is
# requirements-run.lock, without what only tests need; otherwise requirements.lock, which holds all of that too.
set -eu
cd "$(dirname "$0")/.."
venv=.venv
lock=requirements.lock
[ "${1:-}" != run ] || lock=requirements-run.lock
stamp=$venv/installed   # written last, so an interrupted installation is never taken for a finished one

# Two lines: which environment this is (its scripts hold its path, so a moved one is another one), and what is to be in it.
fingerprint() {   # $1: the lock
    "$venv/bin/python" -I -c '
import hashlib, pathlib, sys
print(*sys.version_info[:3], sys.prefix)
print(hashlib.sha256(b"".join(pathlib.Path(name).read_bytes() for name in sys.argv[1:])).hexdigest())
' "$1" pyproject.toml 2>/dev/null
}

# Prints the first of the candidates that can make the environment; tells what is missing when none can.
find_python() {
    seen=
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.14}; do
        # 3.14 is the newest that was tested
        "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null || continue
        "$candidate" -c 'import ensurepip, venv' 2>/dev/null && echo "$candidate" && return
        seen=$candidate
    done
    if [ -n "$seen" ]; then
        echo "$("$seen" --version) ($seen) has no venv module. Debian and Ubuntu: apt install python3-venv" >&2
    else
        echo "Python 3.11, 3.12, 3.13 or 3.14 is needed, and none was found. Install one, or name it:" \
             "make PYTHON=/path/to/python3" >&2
    fi
    return 1
}

# Installs what the lock names, then this project; on its last line says so, since a pipe hides how its first part ended.
# uv is the quicker one, but it may not know of a registry that pip is configured for. Bytecode comes with the first import.
install() {
    if command -v uv >/dev/null 2>&1; then
        uv="uv pip install --quiet --python $venv/bin/python --no-deps"
        $uv --require-hashes -r "$lock" >/dev/null 2>&1 && $uv --no-build-isolation -e . >/dev/null 2>&1 &&
            echo "all installed" && return
    fi
    pip="$venv/bin/python -I -u -m pip install --no-input --no-deps --no-compile"
    $pip --require-hashes -r "$lock" 2>&1 && $pip --quiet --no-build-isolation -e . 2>&1 && echo "all installed"
}

# Reads what install prints: counts the packages on a terminal, and shows the end of it when it failed.
progress() {
    [ -t 1 ] && live=1 || live=0
    awk -v total="$(grep -c '^[a-z0-9]' "$lock")" -v live=$live '
        { last[NR % 15] = $0 }
        live && /^(Collecting|Processing|Ignoring) / { printf "\r  %d of %d packages", ++count, total; fflush() }
        live && /^Installing collected / { printf "\r  %d packages fetched, unpacking them", count; fflush() }
        /^all installed$/ { done = 1 }
        END {
            if (live) printf "\r%60s\r", ""
            if (!done) for (i = NR + 1; i <= NR + 15; i++) if (last[i % 15] != "") print last[i % 15]
            exit !done
        }'
}

wanted=$(fingerprint "$lock") || wanted=none
found=$(cat "$stamp" 2>/dev/null) || found=
[ "$wanted" != "$found" ] || exit 0
[ "$(fingerprint requirements.lock || echo none)" != "$found" ] || exit 0   # all of it is there already

started=$(date +%s)
rm -f "$stamp"
if [ -n "$found" ] && [ "${wanted%%
*}" = "${found%%
*}" ]; then
    echo "Updating $venv to $lock ..."
else
    python=$(find_python)
    echo "Setting up $venv with $("$python" --version), once; this takes half a minute or more ..."
    rm -rf "$venv"
    "$python" -m venv "$venv"
fi
if install | progress; then
    fingerprint "$lock" > "$stamp.new" && mv "$stamp.new" "$stamp"
    echo "Ready after $(($(date +%s) - started)) s."
else
    echo "The installation did not finish; pip's last lines above say why (\"from versions: none\" means that the package" \
         "registry was not reached). The same command tries it again." >&2
    exit 1
fi
