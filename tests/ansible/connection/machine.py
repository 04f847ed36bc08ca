"""Ansible's connection to a test machine (tests_support.machine): into the namespaces of its first process.

The files are copied from outside, by way of its root directory in /proc.
"""

import os
import shlex
import shutil
from pathlib import Path

from ansible.errors import AnsibleConnectionFailure, AnsibleFileNotFound
from ansible.plugins.connection.local import Connection as Local

DOCUMENTATION = """
name: machine
short_description: run on a test machine of Lighthouse
description: [Enters the namespaces of a local container's first process.]
author: [The Lighthouse Founders]
options:
  leader:
    description: Number of the first process, as the host sees it.
    type: int
    required: true
    vars: [{name: ansible_machine_leader}]
"""
ENTERED = ("-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w")
ENVIRONMENT = ("env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8")


class Connection(Local):
    """nsenter, and a shell there."""

    transport = "machine"
    has_pipelining = True

    def exec_command(self, cmd, in_data=None, sudoable=True):
        enter = ("nsenter", f"--target={self._leader}", *ENTERED, "--", *ENVIRONMENT)
        return super().exec_command(shlex.join((*enter, "/bin/sh", "-c", cmd)), in_data=in_data, sudoable=False)

    def put_file(self, in_path, out_path):
        if not os.path.exists(in_path):
            raise AnsibleFileNotFound(f"{in_path} is not there.")
        shutil.copyfile(in_path, self._outside(out_path))

    def fetch_file(self, in_path, out_path):
        shutil.copyfile(self._outside(in_path), out_path)

    @property
    def _leader(self):
        leader = self.get_option("leader")
        if not Path(f"/proc/{leader}/root").exists():
            raise AnsibleConnectionFailure(f"The machine is gone: there is no process {leader}.")
        return leader

    def _outside(self, path):
        return f"/proc/{self._leader}/root{path}"
