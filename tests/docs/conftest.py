"""The generators of the documentation lie beside it, and are no package of reelsense."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "docs"))
