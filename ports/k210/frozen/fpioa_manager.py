# SPDX-License-Identifier: MIT

#
# MaixPy's pin manager: puts functions of the chip on pins and warns when one moves.
from board import board_info  # programs that import * expect it
from Maix import FPIOA


class fm:
    fpioa = FPIOA()
    board_info = board_info

    @staticmethod
    def str_function(function):
        if FPIOA.GPIOHS0 <= function <= FPIOA.GPIOHS31:
            return "fm.fpioa.GPIOHS%d" % (function - FPIOA.GPIOHS0)
        if FPIOA.GPIO0 <= function <= FPIOA.GPIO7:
            return "fm.fpioa.GPIO%d" % (function - FPIOA.GPIO0)
        return "unknown"

    @staticmethod
    def get_pin_by_function(function):
        return fm.fpioa.get_Pin_num(function)

    @staticmethod
    def register(pin=None, function=None, force=True):
        if pin is None or function is None:
            # As M5Stack's: scripts leave out the function where a class sets the pin up.
            print("Please enter Pin and function")
            return -1
        used = fm.fpioa.get_Pin_num(function)
        if used == pin:
            return
        if used is not None:
            message = "[Warning] function is used by %s(pin:%d)" % (
                fm.str_function(function),
                used,
            )
            if not force:
                raise Exception(message)
            print(message)
        fm.fpioa.set_function(pin, function)

    @staticmethod
    def unregister(pin, function=None):
        # Old programs pass the function, too.
        fm.fpioa.set_function(pin, FPIOA.RESV0)

    @staticmethod
    def get_gpio_used():
        functions = list(range(FPIOA.GPIOHS0, FPIOA.GPIOHS31 + 1)) + list(range(FPIOA.GPIO0, FPIOA.GPIO7 + 1))
        return [(fm.str_function(f), fm.fpioa.get_Pin_num(f)) for f in functions]

    @staticmethod
    def help():
        fm.fpioa.help()
