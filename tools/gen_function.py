"""Writes the store's function as a C source: gen_function.py FOLDER FUNCTION.c

FOLDER has the parts of it, which are joined as they are: each uses what the ones before it define.
"""

import hashlib
import pathlib
import sys


PARTS = ("function_books.lua", "function_host.lua", "function_answer.lua")


def source(folder: pathlib.Path) -> bytes:
    return b"".join((folder / part).read_bytes() for part in PARTS)


def rows(data: bytes) -> str:
    """As numbers: a string literal of this length is more than C promises to take."""
    return "\n".join("        " + " ".join(f"{byte}," for byte in data[i : i + 20]) for i in range(0, len(data), 20))


def main() -> None:
    text = source(pathlib.Path(sys.argv[1]))
    text.decode("ascii")
    out = pathlib.Path(sys.argv[2])
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(
        '#include "lease/function.h"\n\n'
        f"const char function_text[] = {{\n{rows(text)}\n        0,\n}};\n"
        f'const char function_sha[] = "{hashlib.sha1(text).hexdigest()}";\n',
        encoding="ascii",
    )


if __name__ == "__main__":
    main()
