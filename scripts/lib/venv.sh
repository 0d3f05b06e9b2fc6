# shellcheck shell=bash
# Sourced by scripts/run and scripts/check, which set `root` first: finds a Python, keeps virtual environments current.

fail() {
    printf '%s: %s\n' "$(basename "$0")" "$1" >&2
    exit 1
}

# Prints the name of a Python that can make a virtual environment for this project.
find_python() {
    local candidate incomplete=""
    for candidate in python3.14 python3.13 python3.12 python3.11 python3; do
        # Running it is the test: a pyenv shim is found even where no version stands behind it.
        "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
        if "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
            printf '%s\n' "$candidate"
            return
        fi
        incomplete=${incomplete:-$candidate}
    done
    if [ -n "$incomplete" ]; then
        local version
        version=$("$incomplete" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        fail "$incomplete cannot make virtual environments; install its venv module (Debian, Ubuntu: apt install python$version-venv)"
    fi
    fail "needs Python 3.11 or newer and found none; install one (Debian, Ubuntu: apt install python3 python3-venv)"
}

# Prints a digest of all that decides what an install into $1 yields; fails where $1 cannot be used as it stands:
# no Python behind it, one too old, no pip, or made for another path, which its scripts still name.
venv_digest() {
    [ -x "$1/bin/python" ] || return 1
    "$1/bin/python" -I - "$1" "$root" 2>/dev/null <<'PY'
import hashlib
import importlib.util
import pathlib
import sys

venv, root = map(pathlib.Path, sys.argv[1:])
if sys.version_info < (3, 11) or not importlib.util.find_spec("pip"):
    sys.exit(1)
if str(venv) not in (venv / "bin/activate").read_text():
    sys.exit(1)
package = (root / "parlay_marl/__init__.py").read_text().splitlines()
parts = [
    (root / "pyproject.toml").read_text(),
    (root / "constraints.txt").read_text(),
    *(line for line in package if line.startswith("__version__")),
    sys.version,
]
print(hashlib.sha256("\0".join(parts).encode()).hexdigest())
PY
}

uv_version=0.13.9

# Makes .venv-uv, the environment of uv, unless it is there.
ensure_uv() {
    local folder=$root/.venv-uv
    if [[ "$("$folder/bin/python" -m uv --version 2>/dev/null)" != "uv $uv_version"* ]]; then
        rm -rf "$folder"
        "$(find_python)" -m venv "$folder" &&
            "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-input "uv==$uv_version"
    fi
}

# pip_install PYTHON ARGUMENT...: what `PYTHON -m pip install ARGUMENT...` does, by uv, which needs a tenth of the time.
# Where uv fails, pip has its turn: it may know a way to an index that uv does not.
pip_install() {
    if ensure_uv && ${within:-} "$root/.venv-uv/bin/python" "$root/scripts/lib/uv_install.py" "$@"; then
        return
    fi
    printf 'uv could not install %s; now pip tries.\n' "${*:2}" >&2
    ${within:-} "$1" -m pip install --disable-pip-version-check --no-input "${@:2}"
}

# ensure_venv FOLDER PROJECT [REQUIREMENT...]: $root/FOLDER has PROJECT ("." or ".[extra]") in editable form and the rest.
# The stamp is written last, so that an interrupted install is done again. A caller may have set `within`: the words of a
# command that limits how long another runs.
ensure_venv() {
    local folder=$1 project=$2 venv=$root/$1 digest found python stamp wanted
    shift
    stamp=$venv/.parlay-stamp
    if ! digest=$(venv_digest "$venv"); then
        python=$(find_python)
        if [ -e "$venv" ] || [ -L "$venv" ]; then
            printf '%s cannot be used as it is; making it again.\n' "$folder" >&2
        fi
        rm -rf "$venv"
        ${within:-} "$python" -m venv "$venv" >&2 || fail "'$python -m venv $venv' failed, see above"
        digest=$(venv_digest "$venv") || fail "the new $venv cannot be used"
    fi
    wanted="$digest $*"
    found=$(cat "$stamp" 2>/dev/null || true)
    # What [dev] installed serves for the project alone, so that run and check can take turns.
    if [ "$found" = "$wanted" ] || [ "$found" = "${wanted% .} .[dev]" ]; then
        return
    fi
    rm -f "$stamp"
    printf 'Installing %s into %s; this takes a minute the first time.\n' "$*" "$folder" >&2
    shift
    if ! pip_install "$venv/bin/python" -c "$root/constraints.txt" -e "$root${project#.}" "$@" \
        >"$venv/install.log" 2>&1 </dev/null; then
        tail -n 40 "$venv/install.log" >&2
        fail "could not install parlay_marl; the whole log is $venv/install.log"
    fi
    printf '%s\n' "$wanted" >"$stamp.new"
    mv "$stamp.new" "$stamp"
}
