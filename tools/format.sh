#!/bin/bash
# Formats the C sources, or with --check fails when one is not as .clang-format says.
set -euo pipefail

cd "$(dirname "$0")/.."
mapfile -t files < <(find src tests bench include examples python -name '*.[ch]' -not -path '*/node_modules/*' 2>/dev/null | sort)
if [ "${1-}" = --check ]; then
        clang-format --dry-run --Werror "${files[@]}" || {
                echo "weir: the files above are not formatted; run make format" >&2
                exit 1
        }
else
        clang-format -i "${files[@]}"
fi
