# SPDX-License-Identifier: MIT
"""Every name of MaixPy v1's interface, by the expression that has it as attribute.

From MaixPy's documentation and sources; docs/maixpy-compatibility.md says of each how it is here.
"""

_SENSOR = """
reset binocular_reset deinit sleep shutdown flush snapshot skip_frames width height get_fb get_id set_pixformat
set_framesize set_framerate set_windowing set_gainceiling set_contrast set_brightness set_saturation set_colorbar
set_auto_gain get_gain_db set_auto_exposure get_exposure_us set_auto_whitebal get_rgb_gain_db set_hmirror set_vflip
set_special_effect set_lens_correction run __write_reg __read_reg set_jb_quality
BAYER RGB565 YUV422 GRAYSCALE JPEG OV9650 OV2640 OV7725 MT9V034 LEPTON NORMAL NEGATIVE
QQCIF QCIF CIF QQSIF QSIF SIF QQQQVGA QQQVGA QQVGA QVGA VGA HQQQVGA HQQVGA HQVGA B64X32 B64X64 B128X64 B128X128
B240X240 LCD QQVGA2 WVGA WVGA2 SVGA SXGA UXGA
"""

_LCD = """
init deinit width height type freq set_backlight get_backlight display clear direction rotation mirror bgr_to_rgb
draw_string fill_rectangle register
XY_RLUD YX_RLUD XY_LRUD YX_LRUD XY_RLDU YX_RLDU XY_LRDU YX_LRDU
BLACK NAVY DARKGREEN DARKCYAN MAROON PURPLE OLIVE LIGHTGREY DARKGREY BLUE GREEN CYAN RED MAGENTA YELLOW WHITE ORANGE
GREENYELLOW PINK
"""

_IMAGE = """
Image font_load font_free rgb_to_lab lab_to_rgb rgb_to_grayscale grayscale_to_rgb get_affine_transform warp_affine_ai
HaarCascade load_descriptor save_descriptor match_descriptor ImageWriter ImageReader
ASCII UTF8 SEARCH_EX SEARCH_DS EDGE_CANNY EDGE_SIMPLE CORNER_FAST CORNER_AGAST
TAG16H5 TAG25H7 TAG25H9 TAG36H10 TAG36H11 ARTOOLKIT
EAN2 EAN5 EAN8 UPCE ISBN10 UPCA EAN13 ISBN13 I25 DATABAR DATABAR_EXP CODABAR CODE39 PDF417 CODE93 CODE128
"""

_IMAGE_OBJECT = """
width height format size get_pixel set_pixel mean_pool midpoint_pool mean_pooled midpoint_pooled
to_bitmap to_grayscale to_rgb565 to_rainbow compress compressed compress_for_ide compressed_for_ide copy crop save
to_bytes clear resize cut pix_to_ai ai_to_pix stretch strech_char conv3 dump_roi
draw_line draw_rectangle draw_circle draw_ellipse draw_string draw_font draw_cross draw_arrow draw_image
draw_keypoints flood_fill
binary invert b_and b_nand b_or b_nor b_xor b_xnor and nand or nor xor xnor erode dilate open close top_hat black_hat
gamma_corr negate replace assign set add sub mul div min max difference blend histeq mean median mode midpoint morph
gaussian blur gaussian_blur laplacian bilateral cartoon remove_shadows chrominvar illuminvar linpolar logpolar
lens_corr rotation_corr
find_blobs get_regression find_lines find_line_segments find_circles find_rects find_qrcodes find_apriltags
find_datamatrices find_barcodes find_displacement find_template find_features find_eye find_lbp find_keypoints
find_edges find_hog selective_search get_histogram get_hist histogram get_statistics get_stats statistics
get_similarity find_domain
"""

_I2S_CONSTANTS = """
DEVICE_0 DEVICE_1 DEVICE_2 CHANNEL_0 CHANNEL_1 CHANNEL_2 CHANNEL_3 TRANSMITTER RECEIVER IGNORE_WORD_LENGTH
RESOLUTION_12_BIT RESOLUTION_16_BIT RESOLUTION_20_BIT RESOLUTION_24_BIT RESOLUTION_32_BIT SCLK_CYCLES_16
SCLK_CYCLES_24 SCLK_CYCLES_32 STANDARD_MODE RIGHT_JUSTIFYING_MODE LEFT_JUSTIFYING_MODE
"""


def _numbered(prefix: str, first: int, last: int) -> str:
    return " ".join(f"{prefix}{n}" for n in range(first, last + 1))


def _i2s(n: int) -> str:
    lines = ["MCLK", "SCLK", "WS", *(f"IN_D{k}" for k in range(4)), *(f"OUT_D{k}" for k in range(4))]
    return " ".join(f"I2S{n}_{line}" for line in lines)


def _modem(n: int) -> str:
    lines = "CTS DSR DCD RI SIR_IN DTR RTS OUT2 OUT1 SIR_OUT BAUD RE DE RS485_EN"
    return " ".join(f"UART{n}_{line}" for line in lines.split())


_FPIOA = " ".join(
    [
        "set_function get_Pin_num help JTAG_TCLK JTAG_TDI JTAG_TMS JTAG_TDO",
        _numbered("SPI0_D", 0, 7),
        _numbered("SPI0_SS", 0, 3),
        "SPI0_ARB SPI0_SCLK UARTHS_RX UARTHS_TX RESV6 RESV7 CLK_SPI1 CLK_I2C1",
        _numbered("GPIOHS", 0, 31),
        _numbered("GPIO", 0, 7),
        "UART1_RX UART1_TX UART2_RX UART2_TX UART3_RX UART3_TX",
        _numbered("SPI1_D", 0, 7),
        _numbered("SPI1_SS", 0, 3),
        "SPI1_ARB SPI1_SCLK SPI_SLAVE_D0 SPI_SLAVE_SS SPI_SLAVE_SCLK",
        *map(_i2s, range(3)),
        _numbered("RESV", 0, 5),
        *(f"I2C{n}_SCLK I2C{n}_SDA" for n in range(3)),
        "CMOS_XCLK CMOS_RST CMOS_PWDN CMOS_VSYNC CMOS_HREF CMOS_PCLK",
        _numbered("CMOS_D", 0, 7),
        "SCCB_SCLK SCCB_SDA",
        *map(_modem, (1, 2, 3)),
        *(_numbered(f"TIMER{n}_TOGGLE", 1, 4) for n in range(3)),
        "CLK_SPI2 CLK_I2C2",
    ]
)

# What has the names -> names. Module names are those of import statements; dotted ones are attributes of a module.
NAMES: dict[str, list[str]] = {
    key: text.split()
    for key, text in {
        "KPU": """
            load load_flash set_outputs init_yolo2 run_yolo2 deinit set_layers forward get_output fmap fmap_free
            netinfo memtest face_encode face_compare classifier
        """,
        "sensor": _SENSOR,
        "lcd": _LCD,
        "image": _IMAGE,
        "image.Image": _IMAGE_OBJECT,
        "machine": """
            UART Timer PWM I2C SPI WDT SDCard reset reset_cause unique_id PWRON_RESET HARD_RESET SOFT_RESET WDT_RESET
            WDT1_RESET
        """,
        "machine.UART": """
            init deinit any read readline readinto readchar write repl_uart set_repl_uart
            UART1 UART2 UART3 UARTHS PARITY_ODD PARITY_EVEN
        """,
        "machine.Timer": """
            init start stop restart deinit period callback callback_arg
            TIMER0 TIMER1 TIMER2 CHANNEL0 CHANNEL1 CHANNEL2 CHANNEL3 MODE_ONE_SHOT MODE_PERIODIC MODE_PWM
            UNIT_S UNIT_MS UNIT_US UNIT_NS
        """,
        "machine.PWM": "init deinit enable disable freq duty",
        "machine.I2C": """
            init deinit scan readfrom readfrom_into writeto readfrom_mem readfrom_mem_into writeto_mem
            I2C0 I2C1 I2C2 I2C3 I2C4 I2C5 I2C_SOFT MODE_MASTER MODE_SLAVE MODE_MASTER_SOFT
            I2C_EV_START I2C_EV_RESTART I2C_EV_STOP
        """,
        "machine.SPI": """
            init deinit read readinto write write_readinto
            SPI0 SPI1 SPI2 SPI_SOFT MODE_MASTER MODE_MASTER_2 MODE_MASTER_4 MODE_MASTER_8 MODE_SLAVE MSB LSB
            CS0 CS1 CS2 CS3
        """,
        "machine.WDT": "feed stop context WDT_DEVICE_0 WDT_DEVICE_1",
        "machine.SDCard": "remount ioctl",
        "Maix": "FPIOA GPIO I2S Audio FFT MIC_ARRAY freq utils config",
        "Maix.GPIO": " ".join(
            [
                "init value mode irq disirq IN OUT PULL_NONE PULL_DOWN PULL_UP",
                "IRQ_NONE IRQ_FALLING IRQ_RISING IRQ_BOTH WAKEUP_NOT_SUPPORT",
                _numbered("GPIOHS", 0, 31),
                _numbered("GPIO", 0, 7),
            ]
        ),
        "Maix.FPIOA": _FPIOA,
        "Maix.I2S": f"init channel_config set_sample_rate record wait_record play __deinit__ {_I2S_CONSTANTS}",
        "Maix.Audio": "init __deinit__ to_bytes volume play_process play record_process record finish",
        "Maix.FFT": "run freq amplitude",
        "Maix.MIC_ARRAY": "init deinit get_map get_dir set_led",
        "Maix.freq": "set get get_cpu get_kpu",
        "Maix.utils": "gc_heap_size heap_free flash_read",
        "Maix.config": "get_value __init__",
        "fpioa_manager": "fm",
        "fpioa_manager.fm": "fpioa register unregister get_pin_by_function str_function get_gpio_used help",
        "board": "board_info",
        "board.board_info": "set all load get BOOT_KEY",
        "network": "ESP8285 ESP32_SPI WIZNET5K route",
        "network.ESP8285": "connect disconnect isconnected ifconfig scan enable_ap disable_ap "
        "OPEN WPA_PSK WPA2_PSK WPA_WPA2_PSK",
        "network.ESP32_SPI": "version adc scan connect disconnect isconnected ifconfig ping "
        "OPEN WPA_PSK WPA2_PSK WPA_WPA2_PSK",
        "socket.socket": "settimeout setblocking connect send recv sendto recvfrom read readinto readline write close",
        "socket": "socket getaddrinfo AF_INET AF_INET6 SOCK_STREAM SOCK_DGRAM SOCK_RAW",
        "audio": "Audio",
        "video": "open",
        "touchscreen": """
            init read calibrate __del__ NS2009 FT62XX STATUS_IDLE STATUS_RELEASE STATUS_PRESS STATUS_MOVE
        """,
        "modules": "ultrasonic onewire ws2812 htpa amg88xx",
        "modules.ultrasonic": "measure UNIT_CM UNIT_INCH",
        "modules.onewire": """
            reset readbit readbyte readbuffer writebit writebyte writebuffer select search skip depower crc8
        """,
        "modules.ws2812": "set_led display",
        "speech_recognizer": "isolated_word asr",
        "nes": "init load loop free input INPUT KEYBOARD JOYSTICK",
        "lvgl": "init",
        "ulab": "array",
        "pye_mp": "pye",
        "time": """
            time localtime mktime set_time sleep sleep_ms sleep_us ticks_ms ticks_us ticks_cpu ticks_add ticks_diff
            ticks clock
        """,
        "os": """
            uname urandom listdir ilistdir mkdir rmdir chdir getcwd remove rename stat statvfs mount umount sync dupterm
            set_REPLio flash_format VfsSpiffs VfsFat
        """,
        "hashlib": "sha256",
        "ucryptolib": "aes",
        "ubinascii": "hexlify unhexlify a2b_base64 b2a_base64 crc32",
        "gc": "collect mem_free mem_alloc enable disable isenabled threshold",
        "micropython": "const mem_info alloc_emergency_exception_buf schedule",
        "sys": "print_exception stdin stdout stderr implementation platform version path modules exit argv",
        "builtins": "execfile input compile",
        "_thread": "start_new_thread allocate_lock get_ident stack_size exit",
    }.items()
}

# Modules of the core library that MaixPy has; scripts import some with a u before the name.
MODULES = [
    *("array", "binascii", "cmath", "collections", "errno", "gc", "hashlib", "heapq", "io", "json", "math"),
    *("micropython", "os", "random", "re", "struct", "sys", "time", "uctypes", "_thread", "zlib"),
]
WITHOUT_U = {"cmath", "gc", "math", "micropython", "uctypes", "_thread"}
