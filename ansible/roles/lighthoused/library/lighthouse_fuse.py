#!/usr/bin/python
"""Ansible module: whether FUSE 3 works on a machine, found out by a real mount, and what is missing if not.

Owns the protocol with fusermount3 (libfuse's mount_util: the descriptor of /dev/fuse comes back over a socket named by
_FUSE_COMMFD). Standard library only, as modules run with the machine's own Python, back to 3.8.
"""

import array
import os
import shutil
import socket
import stat
import subprocess
import tempfile

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: lighthouse_fuse
short_description: Check that FUSE 3 works
description:
  - Makes a FUSE mount in a temporary directory by C(fusermount3), and takes it down again.
  - Fails where that does not work, and says what is missing. It changes nothing, so check mode does the same.
options: {}
author: [The Lighthouse Founders]
"""
EXAMPLES = r"""
- name: Check that FUSE 3 works
  lighthouse_fuse:
"""
RETURN = r"""
missing:
  description: A sentence for each thing that is missing.
  returned: always
  type: list
  elements: str
"""

DEVICE = "/dev/fuse"
SET_UID_ROOT = "The mount of a user without root needs it owned by root and set-uid: apt-get install --reinstall fuse3."
TIMEOUT_S = 20


def missing():
    """What is not there, looked at one by one: the module, its device, the program."""
    return [problem for problem in (kernel(), device(), program()) if problem]


def kernel():
    with open("/proc/filesystems") as known:
        if any(line.split()[-1] == "fuse" for line in known):
            return ""
    return (
        "The kernel has no FUSE: the module fuse is not loaded. modprobe fuse says why "
        "(in a container: on the host; some cloud kernels need linux-modules-extra)."
    )


def device():
    try:
        found = os.stat(DEVICE)
        if not stat.S_ISCHR(found.st_mode):
            return DEVICE + " is no device. Remove it, then: mknod -m 0666 /dev/fuse c 10 229."
        os.close(os.open(DEVICE, os.O_RDWR))
    except FileNotFoundError:
        return "There is no /dev/fuse. mknod -m 0666 /dev/fuse c 10 229; in a container give it the device."
    except OSError as error:
        return (
            f"/dev/fuse cannot be opened: {error.strerror}. In a container allow the device 10:229 "
            "(DeviceAllow=/dev/fuse rw, --device /dev/fuse)."
        )
    return ""


def program():
    found = shutil.which("fusermount3")
    if found is None:
        return "There is no fusermount3. apt-get install fuse3."
    state = os.stat(found)
    if state.st_uid != 0 or not state.st_mode & stat.S_ISUID:
        return f"{found} is not set-uid root. {SET_UID_ROOT}"
    return ""


def mount():
    """Mount and unmount for real; why it failed, "" where it worked."""
    place = tempfile.mkdtemp(prefix="lighthouse-fuse-")
    ours, theirs = socket.socketpair()
    try:
        environment = dict(os.environ, _FUSE_COMMFD=str(theirs.fileno()), LC_ALL="C")
        made = run(["fusermount3", "-o", "fsname=lighthouse-check", "--", place], environment, theirs.fileno())
        if made:
            return "fusermount3 could not mount: " + made
        _, passed, _, _ = ours.recvmsg(1, socket.CMSG_SPACE(array.array("i").itemsize))
        gone = run(["fusermount3", "-u", "-z", "--", place], os.environ)
        for _, _, data in passed:
            os.close(array.array("i", data[:4])[0])
        return "fusermount3 could not unmount: " + gone if gone else ""
    finally:
        ours.close()
        theirs.close()
        os.rmdir(place)


def run(command, environment, *kept):
    """What a command said where it failed, "" where it did not."""
    try:
        done = subprocess.run(
            command,
            env=environment,
            pass_fds=kept,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"it did not end within {TIMEOUT_S} s"
    return (done.stdout.decode(errors="replace").strip() or "no reason given") if done.returncode else ""


def main():
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    problems = missing()
    if not problems:
        failed = mount()
        problems = [failed] if failed else []
    if problems:
        module.fail_json(msg="FUSE 3 does not work here. " + " ".join(problems), missing=problems)
    module.exit_json(changed=False, missing=[])


if __name__ == "__main__":
    main()
