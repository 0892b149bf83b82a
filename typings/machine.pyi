# SPDX-License-Identifier: MIT
"""The chip, with MicroPython's and MaixPy's arguments."""

from collections.abc import Callable, Sequence
from typing import Any

_Data = bytes | bytearray | memoryview

HARD_RESET: int
PWRON_RESET: int
SOFT_RESET: int
WDT1_RESET: int
WDT_RESET: int
mem8: Any
mem16: Any
mem32: Any

def reset() -> None: ...
def soft_reset() -> None: ...
def reset_cause() -> int: ...
def unique_id() -> bytes: ...
def freq(hz: int = ...) -> int | None: ...
def idle() -> None: ...
def lightsleep(ms: int = ...) -> None: ...
def deepsleep(ms: int = ...) -> None:
    """Sleeps, then resets."""

def disable_irq() -> int: ...
def enable_irq(state: int) -> None: ...
def time_pulse_us(pin: Pin, level: int, timeout_us: int = 1000000) -> int: ...
def bitstream(pin: Pin, encoding: int, timing: tuple[int, int, int, int], data: _Data) -> None: ...

class PinBase: ...

class Pin(PinBase):
    IN: int
    IRQ_FALLING: int
    IRQ_RISING: int
    OPEN_DRAIN: int
    OUT: int
    PULL_DOWN: int
    PULL_UP: int
    board: Any
    cpu: Any
    def __init__(
        self,
        id: int | str,
        mode: int | None = None,
        pull: int | None = -1,
        *,
        value: int | None = None,
        drive: int = -1,
    ) -> None: ...
    def __call__(self, value: int = ...) -> int | None: ...
    def init(
        self, mode: int | None = None, pull: int | None = -1, *, value: int | None = None, drive: int = -1
    ) -> None: ...
    def id(self) -> int: ...
    def value(self, value: int = ...) -> int | None: ...
    def on(self) -> None: ...
    def off(self) -> None: ...
    def high(self) -> None: ...
    def low(self) -> None: ...
    def toggle(self) -> None: ...
    def irq(
        self,
        handler: Callable[[Pin], object] | None = None,
        trigger: int = ...,
        *,
        priority: int = 1,
        wake: int | None = None,
        hard: bool = False,
    ) -> Any: ...

class Signal:
    def __init__(self, pin: Pin, *, invert: bool = False) -> None: ...
    def __call__(self, value: int = ...) -> int | None: ...
    def value(self, value: int = ...) -> int | None: ...
    def on(self) -> None: ...
    def off(self) -> None: ...

class UART:
    """MicroPython's and MaixPy's arguments. Without tx and rx the pins are those of fm.register()."""

    IRQ_BREAK: int
    IRQ_RX: int
    IRQ_RXIDLE: int
    IRQ_TXIDLE: int
    PARITY_EVEN: int
    PARITY_ODD: int
    UART1: int
    UART2: int
    UART3: int
    UARTHS: int
    def __init__(
        self,
        id: int,
        baudrate: int = 115200,
        bits: int = 8,
        parity: int | None = None,
        stop: float | None = None,
        *,
        tx: Any = None,
        rx: Any = None,
        timeout: int = 0,
        timeout_char: int = ...,
        read_buf_len: int = ...,
        rxbuf: int = ...,
        txbuf: int = ...,
        invert: int = 0,
        flow: int = 0,
        ide: bool = False,
        from_ide: bool = True,
    ) -> None: ...
    def init(
        self, baudrate: int = 115200, bits: int = 8, parity: int | None = None, stop: float | None = None, **more: Any
    ) -> None: ...
    def deinit(self) -> None: ...
    def any(self) -> int: ...
    def read(self, n: int = ...) -> bytes | None: ...
    def readline(self) -> bytes | None: ...
    def readinto(self, buf: bytearray | memoryview, n: int = ...) -> int | None: ...
    def readchar(self) -> int: ...
    def write(self, buf: _Data) -> int | None: ...
    def writechar(self, char: int) -> None: ...
    def flush(self) -> None: ...
    def txdone(self) -> bool: ...
    def sendbreak(self) -> None: ...
    def errors(self) -> Any:
        """Counts of what was lost or damaged."""
    def irq(self, handler: Callable[[UART], object] | None = None, trigger: int = 0, hard: bool = False) -> Any: ...
    @staticmethod
    def repl_uart() -> UART: ...
    @staticmethod
    def set_repl_uart(uart: UART) -> None: ...

class I2C:
    """Master or slave (mode=I2C.MODE_SLAVE with addr and the three callbacks)."""

    I2C0: int
    I2C1: int
    I2C2: int
    I2C3: int
    I2C4: int
    I2C5: int
    I2C_EV_RESTART: int
    I2C_EV_START: int
    I2C_EV_STOP: int
    I2C_SOFT: int
    MODE_MASTER: int
    MODE_MASTER_SOFT: int
    MODE_SLAVE: int
    def __init__(
        self,
        id: int,
        mode: int = 0,
        *,
        scl: Any = None,
        sda: Any = None,
        freq: int = 400000,
        timeout: int = 50000,
        gscl: int = 0,
        gsda: int = 0,
        addr: int = 0,
        addr_size: int = 7,
        on_receive: Callable[[int], object] | None = None,
        on_transmit: Callable[[], int] | None = None,
        on_event: Callable[[int], object] | None = None,
    ) -> None: ...
    def init(self, mode: int = 0, **more: Any) -> None: ...
    def deinit(self) -> None: ...
    def scan(self) -> list[int]: ...
    def readfrom(self, addr: int, n: int, stop: bool = True, /) -> bytes: ...
    def readfrom_into(self, addr: int, buf: bytearray | memoryview, stop: bool = True, /) -> None: ...
    def writeto(self, addr: int, buf: bytes | bytearray | memoryview, stop: bool = True, /) -> int: ...
    def writevto(self, addr: int, vector: Sequence[bytes], stop: bool = True, /) -> int: ...
    def readfrom_mem(self, addr: int, memaddr: int, n: int, *, addrsize: int = 8, mem_size: int = 8) -> bytes: ...
    def readfrom_mem_into(
        self, addr: int, memaddr: int, buf: bytearray | memoryview, *, addrsize: int = 8, mem_size: int = 8
    ) -> None: ...
    def writeto_mem(
        self,
        addr: int,
        memaddr: int,
        buf: bytes | bytearray | memoryview | int,
        *,
        addrsize: int = 8,
        mem_size: int = 8,
    ) -> None: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def readinto(self, buf: bytearray | memoryview, nack: bool = True, /) -> None: ...
    def write(self, buf: _Data, /) -> int: ...

class SoftI2C:
    def __init__(self, scl: Pin, sda: Pin, *, freq: int = 400000, timeout: int = 50000) -> None: ...
    def init(self, scl: Pin, sda: Pin, *, freq: int = 400000, timeout: int = 50000) -> None: ...
    def scan(self) -> list[int]: ...
    def readfrom(self, addr: int, n: int, stop: bool = True, /) -> bytes: ...
    def readfrom_into(self, addr: int, buf: bytearray | memoryview, stop: bool = True, /) -> None: ...
    def writeto(self, addr: int, buf: bytes | bytearray | memoryview, stop: bool = True, /) -> int: ...
    def writevto(self, addr: int, vector: Sequence[bytes], stop: bool = True, /) -> int: ...
    def readfrom_mem(self, addr: int, memaddr: int, n: int, *, addrsize: int = 8) -> bytes: ...
    def readfrom_mem_into(self, addr: int, memaddr: int, buf: bytearray | memoryview, *, addrsize: int = 8) -> None: ...
    def writeto_mem(
        self, addr: int, memaddr: int, buf: bytes | bytearray | memoryview, *, addrsize: int = 8
    ) -> None: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def readinto(self, buf: bytearray | memoryview, nack: bool = True, /) -> None: ...
    def write(self, buf: _Data, /) -> int: ...

class SPI:
    CS0: int
    CS1: int
    CS2: int
    CS3: int
    LSB: int
    MODE_MASTER: int
    MODE_MASTER_2: int
    MODE_MASTER_4: int
    MODE_MASTER_8: int
    MODE_SLAVE: int
    MSB: int
    SPI0: int
    SPI1: int
    SPI2: int
    SPI_SOFT: int
    def __init__(
        self,
        id: int,
        mode: int = 0,
        baudrate: int = 500000,
        *,
        polarity: int = 0,
        phase: int = 0,
        bits: int = 8,
        firstbit: int = ...,
        sck: Any = None,
        mosi: Any = None,
        miso: Any = None,
        cs0: Any = None,
        cs1: Any = None,
        cs2: Any = None,
        cs3: Any = None,
        d0: Any = None,
        d1: Any = None,
    ) -> None: ...
    def init(self, mode: int = 0, baudrate: int = 500000, **more: Any) -> None: ...
    def deinit(self) -> None: ...
    def read(self, n: int, write: int = 0, cs: int = 0) -> bytes: ...
    def readinto(self, buf: bytearray | memoryview, write: int = 0, cs: int = 0) -> None: ...
    def write(self, buf: _Data | int, cs: int = 0) -> None: ...
    def write_readinto(self, write_buf: _Data, read_buf: bytearray | memoryview, cs: int = 0) -> None: ...

class SoftSPI:
    LSB: int
    MSB: int
    def __init__(
        self,
        baudrate: int = 500000,
        *,
        polarity: int = 0,
        phase: int = 0,
        bits: int = 8,
        firstbit: int = ...,
        sck: Pin,
        mosi: Pin,
        miso: Pin,
    ) -> None: ...
    def init(self, baudrate: int = 500000, **more: Any) -> None: ...
    def deinit(self) -> None: ...
    def read(self, n: int, write: int = 0) -> bytes: ...
    def readinto(self, buf: bytearray | memoryview, write: int = 0) -> None: ...
    def write(self, buf: _Data) -> None: ...
    def write_readinto(self, write_buf: _Data, read_buf: bytearray | memoryview) -> None: ...

class Timer:
    """Timer(-1, ...) as in MicroPython, Timer(Timer.TIMER0, Timer.CHANNEL0, ...) as in MaixPy."""

    CHANNEL0: int
    CHANNEL1: int
    CHANNEL2: int
    CHANNEL3: int
    MODE_ONE_SHOT: int
    MODE_PERIODIC: int
    MODE_PWM: int
    ONE_SHOT: int
    PERIODIC: int
    TIMER0: int
    TIMER1: int
    TIMER2: int
    UNIT_MS: int
    UNIT_NS: int
    UNIT_S: int
    UNIT_US: int
    def __init__(
        self,
        id: int = -1,
        channel: int = ...,
        *,
        mode: int = ...,
        period: int = 1000,
        unit: int = ...,
        callback: Callable[[Timer], object] | None = None,
        arg: Any = None,
        start: bool = True,
        priority: int = 1,
        div: int = 0,
        freq: float | None = None,
        tick_hz: int = 1000,
        hard: bool = False,
    ) -> None: ...
    def init(
        self,
        *,
        mode: int = ...,
        period: int = 1000,
        freq: float | None = None,
        callback: Callable[[Timer], object] | None = None,
        **more: Any,
    ) -> None: ...
    def deinit(self) -> None: ...
    def callback(self, function: Callable[[Timer], object] | None) -> None: ...
    def callback_arg(self) -> Any: ...
    def period(self, period: int = ..., unit: int = ...) -> int: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def restart(self) -> None: ...

class PWM:
    """PWM(pin, freq=, duty_u16=) as in MicroPython, PWM(timer, freq=, duty=percent, pin=) as in MaixPy."""

    def __init__(
        self,
        timer: Timer | Pin | int,
        freq: float | None = None,
        duty: float | None = None,
        pin: Any = -1,
        enable: bool | None = None,
        *,
        duty_u16: int | None = None,
        duty_ns: int | None = None,
        invert: bool = False,
    ) -> None: ...
    def init(
        self,
        freq: float | None = None,
        duty: float | None = None,
        pin: Any = -1,
        enable: bool | None = None,
        *,
        duty_u16: int | None = None,
        duty_ns: int | None = None,
        invert: bool = False,
    ) -> None: ...
    def deinit(self) -> None: ...
    def freq(self, hz: float = ...) -> float: ...
    def duty(self, percent: float = ...) -> float: ...
    def duty_u16(self, value: int = ...) -> int | None: ...
    def duty_ns(self, value: int = ...) -> int | None: ...
    def enable(self, on: bool = ...) -> Any: ...
    def disable(self) -> None: ...

class WDT:
    WDT_DEVICE_0: int
    WDT_DEVICE_1: int
    def __init__(
        self, id: int = 0, timeout: int = 5000, callback: Callable[[WDT], object] | None = None, context: Any = None
    ) -> None: ...
    def feed(self) -> None: ...
    def stop(self) -> None: ...
    def context(self) -> Any: ...

class RTC:
    def __init__(self) -> None: ...
    def datetime(self, value: tuple[int, int, int, int, int, int, int, int] = ...) -> tuple[int, ...] | None: ...

class I2S:
    """MicroPython's I2S. Maix.I2S is MaixPy's."""

    MONO: int
    RX: int
    STEREO: int
    TX: int
    def __init__(
        self,
        id: int,
        *,
        sck: Any,
        ws: Any,
        sd: Any,
        mck: Any = None,
        mode: int,
        bits: int,
        format: int,
        rate: int,
        ibuf: int,
    ) -> None: ...
    def init(self, **more: Any) -> None: ...
    def deinit(self) -> None: ...
    def readinto(self, buf: bytearray | memoryview) -> int: ...
    def write(self, buf: _Data) -> int: ...
    def irq(self, handler: Callable[[I2S], object] | None) -> None: ...
    @staticmethod
    def shift(*, buf: bytearray | memoryview, bits: int, shift: int) -> None: ...

class SDCard:
    """A block device; the board's slot, or other pins."""

    def __init__(
        self,
        slot: int = 1,
        *,
        sck: Any = None,
        mosi: Any = None,
        miso: Any = None,
        cs: Any = None,
        freq: int = 25000000,
    ) -> None: ...
    def info(self) -> tuple[int, int]: ...
    def readblocks(self, block: int, buf: bytearray | memoryview) -> int | None: ...
    def writeblocks(self, block: int, buf: _Data) -> int | None: ...
    def ioctl(self, op: int, arg: int) -> int | None: ...
    def deinit(self) -> None: ...
    @staticmethod
    def remount() -> None:
        """The card that is in the slot now, at /sd."""
