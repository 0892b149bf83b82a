# SPDX-License-Identifier: MIT
"""What a board has: from its board.json, and from what its firmware finds when it is asked."""

from k210 import paths
from k210.errors import K210Error
from k210.firmware import Prompt

__tracebackhide__ = True  # a failed test's report ends at the test's own line

# Names for pytest.mark.needs, and how MicroPython's board.json names them.
IN_BOARD_JSON = {
    "camera": "Camera",
    "lcd": "Display",
    "sd": "microSD",
    "kpu": "Neural network accelerator",
    "wifi": "WiFi",
    "microphone": "Microphone",
    "speaker": "Speaker",
    "battery": "Battery Charging",
    "touch": "Touch",
    "imu": "IMU",
}
# A sentence for what does not work, nothing for what does.
PROBES = {
    "camera": """
import sensor
try:
    sensor.reset()
except Exception as e:
    print('its camera does not answer:', e)
""",
    "lcd": "import lcd",
    "kpu": "import KPU",
    "sd": """
import os
if 'sd' not in os.listdir('/'):
    print('there is no card in its slot that the firmware could mount')
""",
    "wifi": "import network",
}


def missing(board: Prompt, name: str, feature: str) -> str:
    """Why the board (of the kind `name`) has not got the feature; empty when it has."""
    if feature not in IN_BOARD_JSON:
        raise K210Error(f"needs({feature!r}): there are {', '.join(sorted(IN_BOARD_JSON))}")
    listed = paths.board_data(name).get("features")
    if listed is not None and IN_BOARD_JSON[feature] not in listed:
        return f"{name} has no {feature}"
    if feature not in PROBES:
        return "" if listed is not None else f"nothing is known of {name}'s parts"
    code = "try:\n" + "".join(f"    {line}\n" for line in PROBES[feature].strip().splitlines())
    code += "except ImportError as e:\n    print('its firmware has no driver:', e)\n"
    answer = board.exec(code, timeout=30).strip()
    return f"{name}: {answer.splitlines()[-1]}" if answer else ""
