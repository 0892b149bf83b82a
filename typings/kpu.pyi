# SPDX-License-Identifier: MIT
"""The KPU module under the name that most scripts give it."""

from KPU import *  # noqa: F403
