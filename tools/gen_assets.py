"""Writes the page's files as a C source: gen_assets.py ASSETS.c FILE...

Each file goes in as it is and, where that is smaller, packed by gzip; its name is that of the file. The
same files give the same source.
"""

import gzip
import hashlib
import pathlib
import sys

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
}


def rows(data: bytes) -> str:
    """As numbers: a string literal of this length is more than C promises to take."""
    return "\n".join("        " + " ".join(f"{byte}," for byte in data[i : i + 20]) for i in range(0, len(data), 20))


def bytes_of(name: str, data: bytes) -> str:
    return f"static const unsigned char {name}[] = {{\n{rows(data)}\n        0,\n}};\n"


def main() -> None:
    out = pathlib.Path(sys.argv[1])
    arrays, table = [], []
    for number, path in enumerate(sorted(map(pathlib.Path, sys.argv[2:]), key=lambda p: p.name)):
        if path.suffix not in TYPES:
            sys.exit(f"weir: {path}: the page holds {' '.join(TYPES)} files; say in tools/gen_assets.py what this is")
        plain = path.read_bytes()
        packed = gzip.compress(plain, 9, mtime=0)
        if len(packed) >= len(plain):
            packed = b""
        arrays += [bytes_of(f"plain_{number}", plain), bytes_of(f"gzip_{number}", packed)]
        etag = hashlib.sha256(plain).hexdigest()[:32]
        table.append(
            f'        {{ "{path.name}", "{TYPES[path.suffix]}", "{etag}",\n'
            f"          {{ (const char *)plain_{number}, {len(plain)} }}, "
            f"{{ (const char *)gzip_{number}, {len(packed)} }} }},"
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(
        '#include "watch/assets.h"\n\n'
        + "".join(arrays)
        + "\nconst struct asset assets[] = {\n"
        + "\n".join(table)
        + "\n};\nconst size_t n_assets = ARRAY_SIZE(assets);\n",
        encoding="ascii",
    )


if __name__ == "__main__":
    main()
