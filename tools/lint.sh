#!/bin/bash
# tools/lint.sh BUILD [FILE...]: clang-tidy and cppcheck over the sources that BUILD compiles, or
# over the named ones.
set -euo pipefail

cd "$(dirname "$0")/.."
build=$1
shift

database=$build/compile_commands.json
[ -f "$database" ] || {
        echo "weir: $database is not there; configure first: cmake --preset release" >&2
        exit 1
}

# Our own sources only: what the build generates is data.
files=("$@")
[ ${#files[@]} -gt 0 ] || mapfile -t files < <(find src tests bench python -name '*.c' 2>/dev/null |
        while IFS= read -r file; do grep -qF "\"$PWD/$file\"" "$database" && echo "$file"; done | sort)

# Warnings are the compilers' business, in the builds. One file per process: several confuse the
# analyzer's idea of va_list.
if ! printf '%s\n' "${files[@]}" |
        xargs -P "$(nproc)" -n 1 clang-tidy --quiet -p "$build" --extra-arg=-Wno-everything 2>/dev/null; then
        echo "weir: clang-tidy found the above" >&2
        exit 1
fi

cppcheck --quiet --std=c11 --language=c --enable=warning,performance,portability --inline-suppr \
        --error-exitcode=1 --suppressions-list=tools/cppcheck.txt --library=posix -j "$(nproc)" \
        -D_GNU_SOURCE '-DWEIR_VERSION="0"' -I src "${files[@]}"
