#!/bin/bash
# tools/fuzz.sh DIRECTORY SECONDS: runs each fuzz target found in DIRECTORY. What it learns stays in
# DIRECTORY/corpus; what makes it fail is written to DIRECTORY and belongs into tests/fuzz/corpus.
set -euo pipefail

cd "$(dirname "$0")/.."
targets=$1 seconds=$2

found=no
while IFS= read -r target; do
        found=yes
        name=$(basename "$target")
        name=${name#fuzz_}
        mkdir -p "$targets/corpus/$name" "tests/fuzz/corpus/$name"
        echo "weir: fuzzing $name for $seconds s"
        "$target" -max_total_time="$seconds" -timeout=10 -print_final_stats=1 -verbosity=0 \
                -artifact_prefix="$targets/$name-" "$targets/corpus/$name" "tests/fuzz/corpus/$name"
done < <(find "$targets" -maxdepth 3 -type f -executable -name 'fuzz_*' | sort)
[ $found = yes ] || {
        echo "weir: there is no fuzz target in $targets" >&2
        exit 1
}
