#!/bin/sh
# Installs bucketline from this folder alone, without a network: install FOLDER
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
python=${PYTHON:-python3}

give_up() {
    echo "bucketline: $*" >&2
    exit 2
}

[ $# -eq 1 ] || give_up "usage: $0 FOLDER (the program will be FOLDER/bin/bucketline)"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
    give_up "Python 3.11 or newer is missing: apt-get install python3"
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    give_up "Python's venv is missing: apt-get install python3-venv"

"$python" -m venv "$1"
pip_install() {
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-index \
        --find-links "$here/wheels" "$@"
}
venv=$1
pip_install --require-hashes --requirement "$here/runtime.txt"
pip_install --no-deps "$here"/wheels/bucketline-*.whl
"$venv/bin/bucketline" --version
