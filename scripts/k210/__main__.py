# SPDX-License-Identifier: MIT
"""python -m k210"""

import sys

from k210.cli import main

sys.exit(main())
