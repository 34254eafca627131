# Adds Spark to .venv, for the tests that need it: `. requirements/spark.sh; install_spark`.
# Apart from the other sets: it is 430 MB, comes as source alone (jars and plain Python, so no
# compiler is needed), and only ./test all uses it.

install_spark() {
    wanted=$(sha256sum <requirements/spark.txt)
    [ "$(cat .venv/made-from-spark 2>/dev/null)" = "$wanted" ] && return
    echo "bucketline: adding Spark to .venv (once)" >&2
    if command -v uv >/dev/null 2>&1; then
        pip_install() { VIRTUAL_ENV=.venv uv pip install --quiet "$@"; }
    else
        pip_install() { .venv/bin/python -m pip install --quiet --disable-pip-version-check "$@"; }
    fi
    for set_file in spark-build spark; do
        pip_install --require-hashes --no-deps --no-build-isolation \
            --requirement "requirements/$set_file.txt" ||
            give_up "the packages of requirements/$set_file.txt cannot be installed"
    done
    echo "$wanted" >.venv/made-from-spark
}
