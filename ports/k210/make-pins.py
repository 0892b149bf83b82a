#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the pin tables of a board from its pins.csv, with MicroPython's tools/boardgen.py."""

import os
import sys

sys.path.insert(0, os.path.join(os.environ["MICROPY_DIR"], "tools"))
import boardgen

PADS = 48


class K210Pin(boardgen.Pin):
    def index(self) -> int:
        return int(self.name()[2:])

    def definition(self) -> str:
        return f"{{ {{ &machine_pin_type }}, {self.index()}, MP_QSTR_{self.name()} }}"

    @staticmethod
    def validate_cpu_pin_name(cpu_pin_name: str) -> None:
        boardgen.Pin.validate_cpu_pin_name(cpu_pin_name)
        digits = cpu_pin_name[2:]
        if not cpu_pin_name.startswith("IO") or not digits.isdigit() or int(digits) >= PADS:
            raise boardgen.PinGeneratorError(f"Invalid cpu pin name '{cpu_pin_name}', must be IO0 to IO{PADS - 1}")


class K210PinGenerator(boardgen.NumericPinGenerator):
    def __init__(self) -> None:
        super().__init__(pin_type=K210Pin)

    def cpu_table_size(self) -> str:
        return str(PADS)

    def find_pin_by_cpu_pin_name(self, cpu_pin_name, create=True):
        return super().find_pin_by_cpu_pin_name(cpu_pin_name, create=False)

    def load_inputs(self, out_source) -> None:
        for pad in range(PADS):
            self.add_cpu_pin(f"IO{pad}")
        super().load_inputs(out_source)

    def print_source(self, out_source) -> None:
        super().print_source(out_source)
        self.print_cpu_locals_dict(out_source)


if __name__ == "__main__":
    K210PinGenerator().main()
