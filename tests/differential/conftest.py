# SPDX-License-Identifier: GPL-3.0-or-later
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integration/parts")]
