# Makes .venv hold one locked set and this clone: `. requirements/install.sh; install_set demo`.
# Sourced by ./run and ./test. Says nothing when there is nothing to do.

export UV_PYTHON_DOWNLOADS=never
# Wheels bring their own libraries: no compiler is ever needed, and none is tried.
PIP_FLAGS="--require-hashes --only-binary=:all:"

give_up() {
    echo "bucketline: $*" >&2
    exit 2
}

check_system() {
    case "$(uname -s)" in
        Linux) ;;
        MINGW* | MSYS* | CYGWIN* | Windows*) give_up "Windows is not supported; use Linux" ;;
        *) give_up "$(uname -s) is not supported; use Linux on x86-64 or arm64" ;;
    esac
    case "$(uname -m)" in
        x86_64 | amd64 | aarch64 | arm64) ;;
        *) give_up "$(uname -m) is not supported; use Linux on x86-64 or arm64" ;;
    esac
}

find_python() {
    for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

# What .venv is made from: other versions, or a clone that moved, make it anew.
fingerprint() {
    { cat "requirements/$1.txt" pyproject.toml requirements/install.sh; pwd; } | sha256sum
}

is_made() {
    [ -x .venv/bin/python ] && [ "$(cat ".venv/made-from-$1" 2>/dev/null)" = "$(fingerprint "$1")" ]
}

with_uv() {
    command -v uv >/dev/null 2>&1 || return 1
    # shellcheck disable=SC2086
    uv venv --quiet --clear --python "$2" .venv &&
        VIRTUAL_ENV=.venv uv pip sync --quiet $PIP_FLAGS "requirements/$1.txt" &&
        VIRTUAL_ENV=.venv uv pip install --quiet --no-deps --no-build-isolation --editable .
}

with_pip() {
    # shellcheck disable=SC2086
    "$2" -m venv --clear .venv &&
        .venv/bin/python -m pip install --quiet --disable-pip-version-check $PIP_FLAGS \
            --requirement "requirements/$1.txt" &&
        .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
            --no-build-isolation --editable .
}

install_set() {
    # The dev set holds the demo set too: a clone that is being worked on has one .venv.
    if is_made "$1" || is_made dev; then
        return
    fi
    check_system
    python=$(find_python) || give_up "Python 3.11 or newer is missing: apt-get install python3"
    echo "bucketline: setting up .venv (once)" >&2
    if ! with_uv "$1" "$python"; then
        "$python" -c 'import ensurepip, venv' 2>/dev/null ||
            give_up "Python's venv is missing: apt-get install python3-venv"
        with_pip "$1" "$python" || give_up "the packages of requirements/$1.txt cannot be installed"
    fi
    fingerprint "$1" >".venv/made-from-$1"
}
