"""Writes the store's function as a C source: gen_function.py FUNCTION.lua FUNCTION.c"""

import hashlib
import pathlib
import sys


def rows(data: bytes) -> str:
    """As numbers: a string literal of this length is more than C promises to take."""
    return "\n".join("        " + " ".join(f"{byte}," for byte in data[i : i + 20]) for i in range(0, len(data), 20))


def main() -> None:
    source = pathlib.Path(sys.argv[1]).read_bytes()
    source.decode("ascii")
    out = pathlib.Path(sys.argv[2])
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(
        '#include "lease/function.h"\n\n'
        f"const char function_text[] = {{\n{rows(source)}\n        0,\n}};\n"
        f'const char function_sha[] = "{hashlib.sha1(source).hexdigest()}";\n',
        encoding="ascii",
    )


if __name__ == "__main__":
    main()
