# venv NAME: a virtual environment .tidegate/NAME with exactly what tests/requirements-NAME.txt pins. Sourced, not run.
venv() {
    local name=$1 folder=.tidegate/$1 pins=tests/requirements-$1.txt
    # Written last, so that an installation that broke off is made again.
    if ! cmp -s "$pins" "$folder/installed.txt"; then
        echo "installing $name's Python tools into $folder" >&2
        rm -rf "$folder"
        mkdir -p .tidegate
        python3 -m venv "$folder"
        "$folder/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$pins" >&2
        "$folder/bin/pip" check >&2
        cp "$pins" "$folder/installed.txt"
    fi
}
