# SPDX-License-Identifier: MIT
"""Tests on a board of a labgrid farm: reserves a place, waits for its turn, gives it back at the end."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from k210.errors import K210Error
from k210.target import PortTarget, Settings, Wanted, worker_number

__tracebackhide__ = True  # a failed test's report ends at the test's own line

WAIT = float(os.environ.get("K210_FARM_WAIT") or 600)
CLIENT_TIMEOUT = 30.0


def client(*arguments: str, timeout: float = CLIENT_TIMEOUT) -> str:
    """Runs labgrid-client; what it printed. LG_COORDINATOR says where the coordinator is."""
    command = Path(sys.executable).with_name("labgrid-client")
    try:
        result = subprocess.run(
            [str(command), *arguments], capture_output=True, text=True, timeout=timeout, check=False
        )
    except FileNotFoundError:
        raise K210Error("--k210 labgrid:... needs labgrid: pip install 'k210[farm]'") from None
    except subprocess.TimeoutExpired:
        raise K210Error(f"labgrid-client {' '.join(arguments)} took more than {timeout:.0f} s") from None
    if result.returncode:
        text = (result.stderr or result.stdout).strip().splitlines() or ["no message"]
        raise K210Error(f"labgrid-client {' '.join(arguments)}: {text[-1]}")
    return result.stdout


class Lease:
    """A place that is ours until release(): by its name, or the next free one with the tags (key=value,...)."""

    def __init__(self, wanted: str, wait: float = WAIT) -> None:
        filters = wanted.split(",") if "=" in wanted else [f"name={wanted}"]
        self.place = ""
        token = re.search(r"LG_TOKEN=(\S+)", client("reserve", "--shell", *filters))
        if not token:
            raise K210Error(f"the farm took no reservation for {wanted}")
        self._token = token[1]
        try:
            self._wait(wanted, wait)
            acquired = re.search(r"acquired place (\S+)", client("-p", f"+{self._token}", "acquire"))
            if not acquired:
                raise K210Error(f"the farm did not hand over a place for {wanted}")
            self.place = acquired[1]
        except BaseException:
            self.release()
            raise

    def _wait(self, wanted: str, wait: float) -> None:
        try:
            text = client("wait", self._token, timeout=wait)
        except K210Error as e:
            if "took more than" in str(e):
                raise K210Error(f"no free place for {wanted} within {wait:.0f} s (K210_FARM_WAIT)") from None
            raise
        state = re.findall(r"state: (\w+)", text)
        if not state or state[-1] != "allocated":
            raise K210Error(f"the farm has no place for {wanted}: the reservation is {state[-1] if state else 'gone'}")

    def release(self) -> None:
        """Gives the place back; whatever goes wrong with that, the coordinator ends a reservation by itself."""
        for arguments in (("-p", self.place, "release"), ("cancel-reservation", self._token)):
            if "" not in arguments:
                try:
                    client(*arguments)
                except K210Error as e:
                    print(f"k210: {e}", file=sys.stderr)


def strategy_for(place: str, board: str) -> Any:
    """The strategy of a place that is ours, with drivers for what it has."""
    from labgrid import Target
    from labgrid.resource.remote import RemotePlace

    from k210 import labgrid_drivers

    target = Target(place)
    remote = RemotePlace(target, name=place)
    target.await_resources([remote], timeout=CLIENT_TIMEOUT)
    labgrid_drivers.K210SerialDriver(target, name=None, board=board)
    _add_power(target)
    return labgrid_drivers.K210Strategy(target, name=None)


def _add_power(target: Any) -> None:
    """A driver for the power port of the place, if there is one."""
    from labgrid import driver, resource
    from labgrid.resource import remote

    known = (
        (resource.NetworkPowerPort, driver.NetworkPowerDriver),
        (remote.NetworkUSBPowerPort, driver.USBPowerDriver),
        (remote.NetworkSiSPMPowerPort, driver.SiSPMPowerDriver),
    )
    for kind, make in known:
        if any(isinstance(r, kind) for r in target.resources):
            make(target, name=None)
            return


class PlaceTarget(PortTarget):
    """A board of the farm. The place is taken when the first test needs it."""

    def __init__(self, settings: Settings, wanted: str) -> None:
        places = [wanted] if "=" in wanted else wanted.split(",")
        self._wanted = places[worker_number() % len(places)]
        self._lease: Lease | None = None
        super().__init__(settings, f"labgrid:{self._wanted}")

    def board(self, wanted: Wanted) -> Any:
        if self._lease is None:
            self._lease = Lease(self._wanted)
            strategy = strategy_for(self._lease.place, self.settings.board)
            self.where = f"labgrid:{self._lease.place}"
            self.port = strategy.prepare()
            self._power: Callable[[bool], None] | None = strategy.switch
        return super().board(wanted)

    def close(self) -> None:
        super().close()
        if self._lease:
            self._lease.release()
            self._lease = None
