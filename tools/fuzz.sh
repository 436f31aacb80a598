#!/bin/bash
# tools/fuzz.sh DIRECTORY SECONDS: runs each fuzz target found in DIRECTORY. What it learns stays in
# DIRECTORY/corpus; what makes it fail is written to DIRECTORY and belongs into tests/fuzz/corpus.
#
# tools/fuzz.sh DIRECTORY keep: adds to tests/fuzz/corpus, which make test replays, the fewest of the
# learned inputs that reach all that the learned ones reach together.
set -euo pipefail

cd "$(dirname "$0")/.."
targets=$1 seconds=$2

fuzz() {
        echo "weir: fuzzing $name for $seconds s"
        "$target" -max_total_time="$seconds" -timeout=10 -print_final_stats=1 -verbosity=0 \
                -artifact_prefix="$targets/$name-" "$targets/corpus/$name" "tests/fuzz/corpus/$name"
}

keep() {
        local merged here input hash n=0
        merged=$(mktemp -d)
        "$target" -set_cover_merge=1 -verbosity=0 "$merged" "tests/fuzz/corpus/$name" "$targets/corpus/$name" \
                2>"$targets/$name-merge.log"
        here=$(sha1sum "tests/fuzz/corpus/$name"/* 2>/dev/null || true)
        for input in "$merged"/*; do
                hash=$(basename "$input") # its SHA-1, by libFuzzer
                [[ $here != *"$hash "* ]] || continue
                cp "$input" "tests/fuzz/corpus/$name/${hash:0:12}"
                n=$((n + 1))
        done
        rm -rf "$merged"
        echo "weir: $n inputs of $name are new in tests/fuzz/corpus/$name"
}

found=no
while IFS= read -r target; do
        found=yes
        name=$(basename "$target")
        name=${name#fuzz_}
        mkdir -p "$targets/corpus/$name" "tests/fuzz/corpus/$name"
        case $seconds in
        keep) keep ;;
        *) fuzz ;;
        esac
done < <(find "$targets" -maxdepth 3 -type f -executable -name 'fuzz_*' | sort)
[ $found = yes ] || {
        echo "weir: there is no fuzz target in $targets" >&2
        exit 1
}
