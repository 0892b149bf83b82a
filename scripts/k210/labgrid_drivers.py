# SPDX-License-Identifier: MIT
"""labgrid drivers and a strategy for K210 boards, for our pytest plugin and for labgrid's own environments:

targets:
  main:
    resources:
      RemotePlace: {name: bit-1}
    drivers:
      K210SerialDriver: {board: maix_bit}
      K210FlashDriver: {}
      NetworkPowerDriver: {}
      K210Strategy: {}
imports: [k210.labgrid_drivers]
"""

import enum
import time
from collections.abc import Callable
from typing import Any

import attr
import serial
from labgrid.driver import Driver
from labgrid.factory import target_factory
from labgrid.protocol import BootstrapProtocol, PowerProtocol, ResetProtocol
from labgrid.resource import SerialPort
from labgrid.step import step
from labgrid.strategy import Strategy, StrategyError
from labgrid.util.proxy import proxymanager

from k210 import flash, paths
from k210.board import Board
from k210.controls import RISE_TIME, LineControls, has_lines

ISP_BAUD = 115200


@target_factory.reg_driver
@attr.s(eq=False)
class K210SerialDriver(Driver, ResetProtocol):
    """A board's serial port: its address for our tools, and the lines that reset it or call its boot ROM.

    board: the folder under boards/, which decides how the lines are wired.
    """

    bindings = {"port": {"SerialPort", "NetworkSerialPort"}}  # noqa: RUF012
    board = attr.ib(default=paths.DEFAULT_BOARD, validator=attr.validators.instance_of(str))

    @property
    def url(self) -> str:
        """A device, rfc2217:// or socket://, as pyserial takes it."""
        if isinstance(self.port, SerialPort):
            return str(self.port.port)
        host, port = proxymanager.get_host_and_port(self.port)
        scheme = "rfc2217" if self.port.protocol == "rfc2217" else "socket"
        return f"{scheme}://{host}:{port}"

    def _lines(self, action: Callable[[LineControls], None]) -> None:
        if not has_lines(self.url):
            raise StrategyError(f"{self.url} carries no lines to reset a board by")
        port: Any = serial.serial_for_url(self.url, baudrate=ISP_BAUD, timeout=1)
        try:
            action(LineControls(port, self.board))
        finally:
            port.close()

    @Driver.check_active
    @step()
    def reset(self) -> None:
        """The reset key."""
        self._lines(LineControls.reset)

    @Driver.check_active
    @step()
    def isp(self) -> None:
        """Into the boot ROM's serial download mode."""
        self._lines(LineControls.isp)
        time.sleep(RISE_TIME)


@target_factory.reg_driver
@attr.s(eq=False)
class K210FlashDriver(Driver, BootstrapProtocol):
    """Programs the flash over the boot ROM's serial protocol. The board needs no working firmware for it."""

    bindings = {"serial": K210SerialDriver}  # noqa: RUF012

    @Driver.check_active
    @step(args=["filename"])
    def load(self, filename: str) -> None:
        """A FILE[@ADDR], as `k210 flash` takes it."""
        board = self.serial.board
        flash.flash(self.serial.url, [filename], board, paths.flash_size(board))


class Status(enum.Enum):
    """Where a strategy can bring a board."""

    unknown = 0
    off = 1
    isp = 2
    repl = 3


@target_factory.reg_driver
@attr.s(eq=False)
class K210Strategy(Strategy):
    """Brings a board to off, isp (its boot ROM waits for a program) or repl (a fresh prompt: .board)."""

    bindings = {"serial": K210SerialDriver, "power": {PowerProtocol, None}}  # noqa: RUF012
    status = attr.ib(default=Status.unknown)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self.board: Board | None = None

    @property
    def switch(self) -> Callable[[bool], None] | None:
        """Switches the supply, if the place has a power port."""
        return self._switch if self.power else None

    def _switch(self, on: bool) -> None:
        self.target.activate(self.power)
        if on:
            self.power.on()
        else:
            self.power.off()

    def close(self) -> None:
        if self.board:
            self.board.close()
        self.board = None

    def prepare(self) -> str:
        """Switches the board on, and gives the address of its serial port."""
        self.target.activate(self.serial)
        if self.power:
            self._switch(True)
        return str(self.serial.url)

    @step(args=["status"])
    def transition(self, status: Status | str, *, step: Any = None) -> None:
        """From any state, as nobody knows what the last user has left."""
        status = Status[status] if isinstance(status, str) else status
        if status == self.status and status != Status.repl:
            return
        self.close()
        self.target.activate(self.serial)
        if status == Status.off:
            if not self.power:
                raise StrategyError("the place has no power port to switch the board off by")
            self._switch(False)
        elif status == Status.isp:
            if self.power:
                self._switch(True)
            self.serial.isp()
        elif status == Status.repl:
            if self.power and self.status in (Status.unknown, Status.off):
                self._switch(True)
            if self.status == Status.isp:
                self.serial.reset()
            self.board = Board(port=self.serial.url, name=self.serial.board, power=self.switch)
        else:
            raise StrategyError(f"there is no way to {status}")
        self.status = status
