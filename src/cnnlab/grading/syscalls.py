"""A filter (seccomp) of what a room may ask of the kernel: all but what no answer needs and an attack begins with.

It narrows the way out through a hole in the kernel, and it closes what the watch cannot see: memory that no process has
mapped (`memfd_create`, shared mappings without a file, System V segments), and the keys of the session that grades.
"""

import ctypes
import errno
import platform
import struct

# fmt: off
REFUSED = {  # name: numbers on x86_64 and on aarch64
    # Other processes, and the kernel itself.
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "pidfd_getfd": (438, 438),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "kcmp": (312, 272),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "init_module": (175, 105), "finit_module": (313, 273),
    "delete_module": (176, 106), "reboot": (169, 142), "syslog": (103, 116), "acct": (163, 89), "swapon": (167, 224),
    "swapoff": (168, 225), "quotactl": (179, 60), "personality": (135, 92), "settimeofday": (164, 170),
    "clock_settime": (227, 112), "adjtimex": (159, 171), "clock_adjtime": (305, 266),
    # The keys of whoever grades, which a process inherits.
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    # Another view of files and namespaces.
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "unshare": (272, 97),
    "setns": (308, 268), "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430),
    "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442),
    "open_by_handle_at": (304, 265), "fanotify_init": (300, 262),
    # Work that the kernel does for a process, out of sight of its limits.
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "io_setup": (206, 0),
    # Memory that no process owns.
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "shmget": (29, 194), "msgget": (68, 186),
    "semget": (64, 190), "vmsplice": (278, 75), "splice": (275, 76), "tee": (276, 77),
}
# fmt: on
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
PARTLY = {"clone": (56, 220), "clone3": (435, 435), "socket": (41, 198), "setsockopt": (54, 208)}
MMAP = (9, 222)
NEW_NAMESPACES, X32 = 0x7E020000, 0x40000000
SHARED_ANONYMOUS, HUGE, SEND_BUFFER = 0x21, 0x40000, 7
SET_SECCOMP, FILTER = 22, 2
LOAD, AND, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x54, 0x15, 0x35, 0x45, 0x06  # the instructions of classic BPF
NUMBER, ARCHITECTURE, ALLOW = 0, 4, 0x7FFF0000


def is_available() -> bool:
    """Whether this processor's numbers are known here, and the kernel takes filters."""
    ctypes.CDLL(None, use_errno=True).prctl(SET_SECCOMP, FILTER, None, 0, 0)
    return platform.machine() in ARCHITECTURES and ctypes.get_errno() == errno.EFAULT  # it went as far as to read


def refuse() -> None:
    """For this process and all that it starts, for good: what is refused ends in EPERM. Needs no_new_privs."""
    code = program(platform.machine())
    filled = ctypes.create_string_buffer(code)
    head = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(filled))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(SET_SECCOMP, FILTER, head, 0, 0):
        raise OSError(ctypes.get_errno(), "the filter of system calls was not taken")


def program(machine: str) -> bytes:
    """The filter, as instructions of eight bytes: operation, steps to skip if it holds, if not, and a number."""
    place = list(ARCHITECTURES).index(machine)
    no, missing = (RETURN, 0, 0, 0x50000 | errno.EPERM), (RETURN, 0, 0, 0x50000 | errno.ENOSYS)
    yes = (RETURN, 0, 0, ALLOW)
    clone, clone3, sockets, options = (numbers[place] for numbers in PARTLY.values())
    lines = [(LOAD, 0, 0, ARCHITECTURE), (EQUAL, 1, 0, ARCHITECTURES[machine]), no]  # no other processor's numbers
    lines += [(LOAD, 0, 0, NUMBER), (AT_LEAST, 0, 1, X32), no]
    for numbers in REFUSED.values():
        lines += [(EQUAL, 0, 1, numbers[place]), no]
    lines += [(EQUAL, 0, 1, clone3), missing]  # its flags cannot be read here; libraries then take clone
    lines += [(EQUAL, 0, 4, clone), (LOAD, 0, 0, _argument(0)), (ANY_BIT, 0, 1, NEW_NAMESPACES), no, yes]
    lines += [(EQUAL, 0, 4, sockets), (LOAD, 0, 0, _argument(0)), (EQUAL, 1, 0, 1), no, yes]  # AF_UNIX alone
    lines += [(EQUAL, 0, 4, options), (LOAD, 0, 0, _argument(2)), (EQUAL, 0, 1, SEND_BUFFER), no, yes]
    lines += [
        (EQUAL, 0, 6, MMAP[place]),
        (LOAD, 0, 0, _argument(3)),
        (ANY_BIT, 3, 0, HUGE),
        (AND, 0, 0, SHARED_ANONYMOUS),
    ]
    lines += [(EQUAL, 1, 0, SHARED_ANONYMOUS), yes, no]
    return b"".join(struct.pack("HBBI", *line) for line in [*lines, yes])


def _argument(number: int) -> int:
    """Where the lower half of an argument stands."""
    return 16 + 8 * number
