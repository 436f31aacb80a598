"""The package under test is the source beside this folder; the library is $WEIR_LIBRARY."""
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python"))
sys.path.insert(0, str(ROOT / "tests" / "integration"))
os.environ.setdefault("WEIR_LIBRARY", str(ROOT / "build" / "libweir.so.0.1"))
