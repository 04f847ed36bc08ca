"""What known functions of Python do to the world, as a table. Must not know how source is read.

Names are as they are imported: modules with their dots, methods of objects behind a dot (``.bind``), whatever the
object is.
"""

import re
from typing import NamedTuple


class Call(NamedTuple):
    """An effect of a function. `argument`: which one is its target, -1 for none; `like`: what the argument must match.

    `path`: the target is a file. `privilege`: with a mode of set-id bits it gives rights.
    """

    kind: str
    argument: int = -1
    path: bool = False
    recursive: bool = False
    place: str = ""
    like: re.Pattern[str] | None = None
    note: str = ""
    certain: bool = True


_DELETED = "Python code deletes it."
_GONE = "It is no longer where it was."
_WATCHED = "It records what a user types, copies or sees."
_COPIED = "A copy of accounts, keys or passwords is read where nobody expects it."
_FIRST = re.compile(r"^(-1|0|1)$")


def _file(kind: str, argument: int = 0, recursive: bool = False, note: str = "", certain: bool = True) -> Call:
    return Call(kind, argument, path=True, recursive=recursive, note=note, certain=certain)


_DELETE = _file("delete", note=_DELETED)
_DELETE_TREE = _file("delete", recursive=True, note=_DELETED)
_WRITE = _file("write")
_PERMISSION = _file("permission")
_COPY = (_file("read"), _file("collect", note=_COPIED), _file("write", 1))
_MOVE = (_file("delete", certain=False, note=_GONE), _file("write", 1))
_FETCH = (Call("fetch", 0),)
_SEND = (Call("send", 0),)
_SAVE = (Call("fetch", 0), _file("write", 1))
_WATCH = (Call("trace", note=_WATCHED),)
_PACK = (_file("collect", note=_COPIED),)
_SECRET = (Call("read", 0, place="secret", note="They are passwords."),)
_PROBE = (Call("probe", 0, note="Crafted packets look for machines, or keep them from working."),)
_TRACE = (Call("trace", note="Memory of other processes holds their secrets."),)
_KERNEL = (Call("kernel", note="Code in the kernel can do anything."),)
_MACHINE_CODE = (Call("interpret", note="It runs machine code that nobody can read."),)
_BECOMES_ROOT = (Call("escalate_privilege", 0, like=re.compile(r"^0$"), note="The code goes on as root."),)
_RUNS_WHEN_READ = re.compile(
    r"[\ue000-\ue002]|\bc?(?:posix|nt|os|subprocess|builtins|__builtin__|commands|pty|runpy)\s+\w"
)
"""What nobody knows, and pickled data that names functions that run commands."""
UNPICKLES = frozenset(
    {"pickle.loads", "pickle.load", "marshal.loads", "marshal.load", "dill.loads", "cloudpickle.loads", "dill.load"}
    | {"cloudpickle.load", "pickle.Unpickler", "_pickle.loads", "cPickle.loads", "cPickle.load"}
)
_OF_SYSTEM = re.compile(r"^\[|^(?:kworker|kthread|systemd|sshd|crond?|dbus|init|rsyslogd)")
CALLS: dict[str, tuple[Call, ...]] = {
    "shutil.rmtree": (_DELETE_TREE,),
    **dict.fromkeys(("os.remove", "os.unlink", "os.rmdir", "os.removedirs", "Path.unlink", "Path.rmdir"), (_DELETE,)),
    **dict.fromkeys(("shutil.copy", "shutil.copy2", "shutil.copyfile", "shutil.copytree"), _COPY),
    **dict.fromkeys(("shutil.move", "os.rename", "os.replace", "os.renames", "Path.rename", "Path.replace"), _MOVE),
    **dict.fromkeys(("os.truncate", "Path.write_text", "Path.write_bytes", "os.mknod", "os.mkfifo"), (_WRITE,)),
    **dict.fromkeys(("Path.mkdir", "Path.touch", "os.mkdir", "os.makedirs"), (_WRITE,)),
    **dict.fromkeys(("os.symlink", "os.link"), (_file("write", 1), _file("collect", note=_COPIED))),
    **dict.fromkeys(("Path.symlink_to", "Path.hardlink_to"), (_WRITE,)),
    **dict.fromkeys(("Path.read_text", "Path.read_bytes", "linecache.getlines", "fileinput.input"), (_file("read"),)),
    **dict.fromkeys(("os.chmod", "os.chown", "os.lchown", "Path.chmod", "shutil.chown", "os.setxattr"), (_PERMISSION,)),
    **dict.fromkeys(("os.kill", "os.killpg"), (Call("kill", 0, place="everything", like=_FIRST),)),
    **dict.fromkeys(
        ("os.setuid", "os.seteuid", "os.setreuid", "os.setresuid", "os.setgid"),
        _BECOMES_ROOT,
    ),
    **dict.fromkeys(("urllib.request.urlretrieve", "urllib.urlretrieve", "wget.download"), _SAVE),
    "pty.spawn": (
        Call("interpret", 0, like=re.compile(r"sh$"), note="It opens a shell that somebody else can type into."),
    ),
    "os.chroot": (Call("escalate_privilege", 0),),
    **dict.fromkeys(("urllib.request.urlopen", "requests.get", "httpx.get", "urllib.urlopen"), _FETCH),
    **dict.fromkeys(("urllib2.urlopen", "requests.head", "aiohttp.request", "socket.create_connection"), _FETCH),
    **dict.fromkeys(("telnetlib.Telnet", "paramiko.Transport", "ftplib.FTP", "imaplib.IMAP4"), _FETCH),
    **dict.fromkeys(("requests.post", "requests.put", "httpx.post", "httpx.put", "requests.patch"), _SEND),
    **dict.fromkeys(("smtplib.SMTP", "smtplib.SMTP_SSL", "telnetlib.Telnet", "smtplib.LMTP"), _SEND),
    **dict.fromkeys((".storbinary", ".storlines", ".upload_file", ".put_object"), _SEND),
    **dict.fromkeys(("requests.delete", "httpx.delete"), (Call("destroy", 0),)),
    **dict.fromkeys(
        ("pynput.keyboard.Listener", "pynput.mouse.Listener", "keyboard.on_press", "keyboard.hook"), _WATCH
    ),
    **dict.fromkeys(("keyboard.record", "PIL.ImageGrab.grab", "ImageGrab.grab", "pyautogui.screenshot"), _WATCH),
    **dict.fromkeys(("pyperclip.paste", "mss.mss", "cv2.VideoCapture", "sounddevice.rec", "pyaudio.PyAudio"), _WATCH),
    **dict.fromkeys(("pyscreenshot.grab", "pyautogui.typewrite", "pyautogui.write", "pyautogui.hotkey"), _WATCH),
    **dict.fromkeys(("keyring.get_password", "keyring.get_credential", "browser_cookie3.chrome"), _SECRET),
    **dict.fromkeys(("browser_cookie3.firefox", "browser_cookie3.load", "win32crypt.CryptUnprotectData"), _SECRET),
    "spwd.getspall": (Call("read", place="secret", note="They are passwords."),),
    "spwd.getspnam": (Call("read", 0, place="secret", note="They are passwords."),),
    **dict.fromkeys(
        ("winreg.SetValue", "winreg.SetValueEx", "winreg.CreateKey", "winreg.DeleteKey", "winreg.DeleteValue"),
        (Call("disguise", 1, note="The registry decides what runs and what is protected."),),
    ),
    **dict.fromkeys(
        UNPICKLES, (Call("interpret", 0, like=_RUNS_WHEN_READ, note="Reading such data runs what it says."),)
    ),
    **dict.fromkeys(
        ("yaml.unsafe_load", "jsonpickle.decode", "joblib.load", "torch.load", "numpy.load", "pandas.read_pickle"),
        (Call("interpret", 0, like=re.compile("\ue001"), note="Reading such data runs what it says."),),
    ),
    **dict.fromkeys(
        ("yaml.full_load", "yaml.load_all"),
        (Call("interpret", 0, like=re.compile("!!python/"), note="Such data runs what it says."),),
    ),
    "yaml.load": (Call("interpret", 0, like=re.compile("\ue001|!!python/"), note="Such data can run what it says."),),
    **dict.fromkeys((".mprotect", ".VirtualAlloc", ".VirtualProtect", ".VirtualAllocEx"), _MACHINE_CODE),
    **dict.fromkeys((".CreateRemoteThread", ".WriteProcessMemory", ".process_vm_writev"), _MACHINE_CODE),
    **dict.fromkeys((".ptrace", ".process_vm_readv", ".ReadProcessMemory", ".MiniDumpWriteDump"), _TRACE),
    **dict.fromkeys((".init_module", ".finit_module", ".delete_module", ".kexec_load"), _KERNEL),
    **dict.fromkeys((".setuid", ".setresuid", ".setreuid", ".seteuid", ".setgid"), _BECOMES_ROOT),
    **dict.fromkeys(
        (".StopUnit", ".MaskUnitFiles", ".DisableUnitFiles", ".KillUnit"),
        (Call("service", 0, note="It stops a service.", place="stop"),),
    ),
    **dict.fromkeys(
        ("setproctitle.setproctitle", "prctl.set_name", "procname.setprocname"),
        (Call("disguise", 0, like=_OF_SYSTEM, note="It is taken for a process of the system."),),
    ),
    **dict.fromkeys(("keyboard.on_release", "keyboard.hook_key", "keyboard.read_event", "keyboard.read_key"), _WATCH),
    **dict.fromkeys((".reboot", ".PowerOff", ".Reboot", ".Halt", ".Suspend", ".Hibernate"), (Call("power"),)),
    **dict.fromkeys(
        (".EnableUnitFiles", ".StartTransientUnit", ".LinkUnitFiles"), (Call("persist", 0, note="It runs later."),)
    ),
    **dict.fromkeys((".CreateUser", ".DeleteUser", ".SetPassword", ".SetAccountType"), (Call("account", 0),)),
    **dict.fromkeys((".clipboard_get", ".GetClipboardData", ".paste_text"), _WATCH),
    **dict.fromkeys((".get_secret", ".get_secrets"), (Call("read", place="secret", note="They are passwords."),)),
    **dict.fromkeys(("pyxhook.HookManager", "pyHook.HookManager", "evdev.InputDevice", "Xlib.display.Display"), _WATCH),
    **dict.fromkeys(
        ("speech_recognition.Microphone", "soundcard.default_microphone", "sounddevice.InputStream"), _WATCH
    ),
    **dict.fromkeys(("imageio.get_reader", "pygame.camera.Camera", "mss.mss.shot", "d3dshot.create"), _WATCH),
    **dict.fromkeys(("scapy.all.sniff", "scapy.all.AsyncSniffer", "pyshark.LiveCapture", "pcap.pcap"), _WATCH),
    **dict.fromkeys(("pcapy.open_live", "scapy.sendrecv.sniff", "socket.ioctl"), _WATCH),
    **dict.fromkeys(("scapy.all.sr", "scapy.all.sr1", "scapy.all.srp", "scapy.all.srp1", "scapy.all.arping"), _PROBE),
    **dict.fromkeys(("scapy.all.send", "scapy.all.sendp", "scapy.all.srloop", "scapy.all.srflood"), _PROBE),
    **dict.fromkeys(("nmap.PortScanner", "nmap3.Nmap", "masscan.PortScanner", "shodan.Shodan"), _PROBE),
    **dict.fromkeys(("crontab.CronTab.new", "persistence.add"), (Call("persist", note="It runs later."),)),
    ".expunge": (Call("destroy", note="Mail is deleted for good."),),
    "os.memfd_create": (Call("interpret", 0, note="It runs a program that no file holds."),),
    "os.utime": (_file("conceal", note="The time says when it was changed."),),
    "sqlite3.connect": (_file("read"),),
    **dict.fromkeys(
        ("fitz.open", "pandas.read_csv", "numpy.loadtxt", "configparser.ConfigParser.read"), (_file("read"),)
    ),
    "os.sendfile": _SEND,
    **dict.fromkeys((".extractall", "shutil.unpack_archive"), ()),
    "shutil.make_archive": (_file("collect", 2, note=_COPIED), _file("write")),
    **dict.fromkeys(
        (".drop_database", ".drop_collection", ".dropDatabase", ".flushall", ".flushdb", ".delete_many"),
        (Call("destroy", 0, note="It deletes what is in a database."),),
    ),
}
SHELL = frozenset(
    {"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput", "commands.getoutput"}
    | {"commands.getstatusoutput", "posix.system", "posix.popen", "nt.system", "popen2.popen2", "_posixsubprocess"}
    | {"pexpect.run", "pexpect.spawn", "pexpect.runu", "pexpect.popen_spawn.PopenSpawn", "delegator.run", "envoy.run"}
    | {"invoke.run", "fabric.api.local", "fabric.api.run", "fabric.api.sudo", "plumbum.local", "ctypes.CDLL.system"}
    | {"ctypes.cdll.LoadLibrary.system", "ctypes.PyDLL.system", "asyncio.subprocess.create_subprocess_shell"}
)
PROCESS = frozenset(
    {"subprocess.run", "subprocess.call", "subprocess.check_call", "subprocess.check_output", "subprocess.Popen"}
    | {"pty.spawn", "asyncio.create_subprocess_shell", "asyncio.create_subprocess_exec", "sh.Command"}
    | {"trio.run_process", "anyio.run_process", "psutil.Popen", "ptyprocess.PtyProcess.spawn", "pty.fork"}
    | {"distutils.spawn.spawn", "gevent.subprocess.Popen", "twisted.internet.utils.getProcessOutput"}
)
RUNNING = SHELL | PROCESS
INPUTS = frozenset({"communicate", "write", "writelines", "sendline", "send"})
"""Methods that give a process its input."""


def starred(module: str) -> list[str]:
    """The functions here that ``from MODULE import *`` gives names to."""
    return [name.rpartition(".")[2] for name in (*RUNNING, *CALLS) if name.rpartition(".")[0] == module]


SOCKETS = frozenset({"socket.socket", "socket.create_connection", "asyncio.open_connection", "telnetlib.Telnet"})
OPENERS = frozenset(
    {"open", "io.open", "codecs.open", "os.open", "gzip.open", "bz2.open", "lzma.open", "gzip.GzipFile", "bz2.BZ2File"}
    | {"lzma.LZMAFile", "zipfile.ZipFile", "tarfile.open", "shelve.open", "tarfile.TarFile"}
)
CHANGES_MODE = frozenset({"os.chmod", "Path.chmod"})
PATH_METHODS = frozenset(
    {"unlink", "rmdir", "write_text", "write_bytes", "chmod", "rename"}
    | {"read_text", "read_bytes", "touch", "symlink_to", "hardlink_to", "mkdir"}
)
SAVES = frozenset({"urllib.request.urlretrieve", "urllib.urlretrieve", "wget.download"})
SCRIPTS = {
    "runpy.run_path": 0,
    "execfile": 0,
    "importlib.util.spec_from_file_location": 1,
    "importlib.machinery.SourceFileLoader": 1,
    "imp.load_source": 1,
    "zipimport.zipimporter": 0,
}
"""Functions that run a file of Python: which argument it is."""
RAW = frozenset({"socket.SOCK_RAW", "socket.AF_PACKET", "socket.PF_PACKET"})
PATCHED = re.compile(
    r"^(?:builtins\.(?:open|input|exec|eval|compile|__import__)|logging\.\w*(?:Logger|Handler|Formatter)\.\w+"
    r"|os\.(?:system|popen|remove|unlink|open|listdir|kill|getuid|geteuid)|subprocess\.(?:Popen|run|call|check_output)"
    r"|getpass\.getpass|shutil\.rmtree|socket\.(?:socket|getaddrinfo|create_connection)|logging\.(?:info|error|warning|log))$"
)
"""What other code relies on, and does not look for anew."""
SET_ID = re.compile(r"^(0o?[1-7]?[2467][0-7]{3}|[2467][0-7]{3}|S_IS[UG]ID)$")
