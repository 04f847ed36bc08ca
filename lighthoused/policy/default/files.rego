# Files: deleting, overwriting, permissions, secrets.
package lighthouse.standard

import rego.v1

# deny files.delete-everything: rm -rf /
# deny files.delete-everything: rm -rf ~
# not files.delete-everything: rm -rf build
rules contains deny("files.delete-everything", n, "It would delete everything there.") if {
	some n in by["delete"]
	e := input.effects[n]
	e.place in {"root", "top"}
	e.scope in {"system", "home", "elsewhere", "remote"}
}

# deny files.delete-system: rm /usr/bin/python3
# not files.delete-system: rm -rf /var/log/nginx
rules contains deny("files.delete-system", n, "It would delete what the system needs.") if {
	some n in by["delete"]
	e := input.effects[n]
	e.scope == "system"
	not e.place in {"root", "top", "log", "generated", "cache", "startup"}
}

# escalate files.delete-system-data: rm -rf /var/log/nginx
# not files.delete-system-data: rm -rf /var/lib/apt/lists/*
# not files.delete-system-data: rm /tmp/a
rules contains escalate("files.delete-system-data", n, "It deletes data of the system.") if {
	some n in by["delete"]
	e := input.effects[n]
	e.scope == "system"
	e.place in {"log", "generated", "startup"}
}

# escalate files.delete-project: rm -rf .
# not files.delete-project: rm -rf src
# not files.delete-project: {"command": "rm -rf .", "cwd": "/mnt/lighthouse/demo/current"}
rules contains escalate("files.delete-project", n, "It deletes the whole project, which Lighthouse does not version.") if {
	some n in by["delete"]
	e := input.effects[n]
	e.scope == "project"
	e.place == "root"
	not e.undoable
}

# escalate files.delete-history: rm -rf .git
# not files.delete-history: rm .gitignore
rules contains escalate("files.delete-history", n, "It deletes the history of the project.") if {
	some n in by["delete"]
	e := input.effects[n]
	e.place == "vcs"
	e.scope in {"project", "home", "elsewhere", "remote"}
	not e.undoable
}

# escalate files.delete-tree: rm -rf src
# not files.delete-tree: rm -rf node_modules
# not files.delete-tree: {"command": "rm -rf src", "cwd": "/mnt/lighthouse/demo/current"}
rules contains negotiable(escalate("files.delete-tree", n, "It deletes a directory that Lighthouse does not version.")) if {
	some n in by["delete"]
	e := input.effects[n]
	e.scope == "project"
	e.recursive
	not e.undoable
	not e.place in {"root", "vcs", "generated", "cache"}
}

# escalate files.delete-outside: rm ~/letters/old
# not files.delete-outside: rm letters/old
rules contains negotiable(escalate("files.delete-outside", n, "It deletes something outside the project.")) if {
	some n in by["delete"]
	e := input.effects[n]
	e.scope in {"home", "elsewhere"}
	e.certainty != "possible"
	not e.place in {"root", "top", "vcs", "cache"}
}

# escalate files.delete-remote: ssh web1 rm /srv/www/old.html
# not files.delete-remote: ssh web1 ls /srv/www
rules contains escalate("files.delete-remote", n, "It deletes something on another machine.") if {
	some n in by["delete"]
	e := input.effects[n]
	e.scope == "remote"
	e.certainty != "possible"
	not e.place in {"root", "top", "vcs", "cache"}
}

# escalate files.delete-outside-tree: rm -rf ~/letters/$WHICH
# not files.delete-outside-tree: rm ~/letters/$WHICH
rules contains escalate("files.delete-outside-tree", n, "It may delete a directory outside the project.") if {
	some n in by["delete"]
	e := input.effects[n]
	e.scope in {"home", "elsewhere", "remote"}
	e.certainty == "possible"
	e.recursive
}

# escalate files.delete-temporary: rm -rf /tmp/*
# not files.delete-temporary: rm -rf /tmp/build
rules contains escalate("files.delete-temporary", n, "It deletes all temporary files, of others too.") if {
	some n in by["delete"]
	e := input.effects[n]
	e.scope == "temp"
	e.place == "top"
}

# escalate files.delete-unknown: rm -rf "$SOMEWHERE"
# not files.delete-unknown: rm -rf "build/$SOMETHING"
rules contains escalate("files.delete-unknown", n, "What it deletes is not known before it runs.") if {
	some n in by["delete"]
	e := input.effects[n]
	e.scope == "unknown"
}

# deny files.delete-device: echo x > /dev/sda
# deny files.delete-device: {"tool": "Write", "input": {"file_path": "/dev/sda", "content": "x"}}
# not files.delete-device: echo x > /dev/null
rules contains deny("files.delete-device", n, "It would delete a device or write to it.") if {
	some kind in {"delete", "write", "append"}
	some n in by[kind]
	input.effects[n].scope == "device"
}

writes contains n if some n in by.write

writes contains n if some n in by.append

# deny files.write-accounts: echo 'eve::0:0::/:/bin/sh' >> /etc/passwd
# not files.write-accounts: cat /etc/passwd
rules contains deny("files.write-accounts", n, "It changes who may enter this machine and what they may do.") if {
	some n in writes
	e := input.effects[n]
	e.place == "account"
	e.scope in {"system", "remote"}
}

# escalate files.write-entry: cat key.pub >> ~/.ssh/authorized_keys
# not files.write-entry: cat ~/.ssh/authorized_keys
rules contains escalate("files.write-entry", n, "It changes who may enter as this user.") if {
	some n in writes
	e := input.effects[n]
	e.place == "account"
	e.scope in {"home", "elsewhere"}
}

guarded contains n if some n in writes

guarded contains n if some n in by["delete"]

guarded contains n if some n in by.permission

# escalate files.change-guard: echo '{}' > .claude/settings.json
# escalate files.change-guard: rm .codex/hooks.json
# escalate files.change-guard: {"command": "mv .claude old", "cwd": "/mnt/lighthouse/demo/current"}
# not files.change-guard: cat .claude/settings.json
# not files.change-guard: echo x > .claude/commands/review.md
rules contains escalate("files.change-guard", n, "It changes what watches over agents: their hooks, servers or rules.") if {
	some n in guarded
	input.effects[n].place == "guard"
}

# escalate files.write-startup: echo 'alias ls=rm' >> ~/.bashrc
# escalate files.write-startup: echo true > .git/hooks/pre-commit
# not files.write-startup: cat ~/.bashrc
rules contains escalate("files.write-startup", n, "What it writes runs later, when nobody looks.") if {
	some n in writes
	e := input.effects[n]
	e.place == "startup"
	not e.undoable
}

# escalate files.write-secrets: echo x > ~/.ssh/id_rsa
# not files.write-secrets: echo x > config
rules contains escalate("files.write-secrets", n, "It changes keys or passwords.") if {
	some n in writes
	e := input.effects[n]
	e.place in {"secret", "history"}
	e.scope in {"home", "system", "elsewhere", "remote"}
}

# escalate files.write-system: echo x > /etc/hosts
# not files.write-system: cat /etc/hosts
rules contains escalate("files.write-system", n, "It changes files of the system.") if {
	some n in writes
	e := input.effects[n]
	e.scope == "system"
	e.certainty == "certain"
	not e.place in {"account", "startup", "secret", "cache"}
}

# escalate files.write-repository: echo x > .git/config
# not files.write-repository: git config user.name Ann
rules contains escalate("files.write-repository", n, "It changes the repository's own files.") if {
	some n in writes
	e := input.effects[n]
	e.place == "vcs"
	e.certainty == "certain"
	not e.undoable
	not e.program == "git"
}

# escalate files.read-secrets: cat ~/.ssh/id_rsa
# escalate files.read-secrets: {"tool": "Read", "input": {"file_path": "/home/ann/.aws/credentials"}}
# not files.read-secrets: cat README.md
rules contains escalate("files.read-secrets", n, "It reads keys or passwords.") if {
	some n in by.read
	e := input.effects[n]
	e.place in {"secret", "history"}
	e.scope in {"home", "system", "elsewhere", "remote", "cluster", "unknown"}
}

# escalate files.read-device: dd if=/dev/sda of=disk.img
# not files.read-device: dd if=/dev/zero of=disk.img count=1
rules contains escalate("files.read-device", n, "It reads a disk or the memory below all rights.") if {
	some n in by.read
	e := input.effects[n]
	e.scope == "device"
	regex.match(`^/dev/(r?disk\d|[shv]d[a-z]|nvme|mapper/|dm-|mmcblk|xvd|mem$|kmem$|port$|input/|video|snd/|kmsg$|fmem|crash$)`, e.target)
}

# escalate files.read-accounts: cat /etc/shadow
# not files.read-accounts: cat /etc/passwd
rules contains escalate("files.read-accounts", n, "It reads the passwords of this machine.") if {
	some n in by.read
	e := input.effects[n]
	e.place == "account"
	regex.match(`shadow|sudoers|pam|pwquality|master\.passwd|spwd|opasswd|dslocal|config/(SAM|SYSTEM|SECURITY)|ntds`, e.target)
}

# escalate files.collect: cp /etc/passwd /tmp/x
# not files.collect: cp a.txt /tmp/x
rules contains escalate("files.collect", n, "It copies accounts, keys, passwords or histories to another place.") if {
	some n in by.collect
	e := input.effects[n]
	e.place in {"account", "secret", "history"}
	not e.scope == "project"
}

# escalate files.collect-all: tar czf /tmp/x.tgz ~
# not files.collect-all: tar czf x.tgz src
rules contains escalate("files.collect-all", n, "It packs all of a home or of the machine.") if {
	some n in by.collect
	e := input.effects[n]
	e.place in {"root", "top"}
	e.scope in {"home", "system"}
}

# escalate files.collect-home: zip -r letters.zip ~/letters
# not files.collect-home: zip -r src.zip src
# not files.collect-home: cp ~/letters/template.txt .
rules contains escalate("files.collect-home", n, "It packs what lies in the home directory, outside the project.") if {
	some n in by.collect
	e := input.effects[n]
	e.scope == "home"
	not e.place in {"root", "secret", "account", "history", "cache", "generated"}
	e.program in packers
}

packers := {"tar", "bsdtar", "gtar", "zip", "7z", "7za", "rar", "cpio", "pax", "gzip", "bzip2", "xz", "zstd", "gpg", "gpg2"}

# escalate files.collect-output: cat /etc/passwd > /tmp/x
# not files.collect-output: cut -d: -f1 /etc/passwd
rules contains escalate("files.collect-output", n, "It copies the accounts of this machine to another place.") if {
	some m in by.read
	input.effects[m].place == "account"
	some n in writes
	input.effects[n].scope in {"temp", "home", "elsewhere"}
}

# deny files.permission-everything: chmod -R 777 /
# not files.permission-everything: chmod -R u+w build
rules contains deny("files.permission-everything", n, "It would change the rights of everything there.") if {
	some n in by.permission
	e := input.effects[n]
	e.recursive
	e.place in {"root", "top", "account"}
	e.scope in {"system", "home"}
}

# escalate files.permission-locked: chown root x
# not files.permission-locked: chown ann x
rules contains escalate("files.permission-locked", n, "It gives a file to root, so that its users cannot change it any more.") if {
	some n in by.permission
	e := input.effects[n]
	e.place == "locked"
	not e.undoable
}

# escalate files.permission-system: chmod 644 /etc/hosts
# not files.permission-system: chmod 644 hosts
rules contains escalate("files.permission-system", n, "It changes rights in the system.") if {
	some n in by.permission
	e := input.effects[n]
	e.scope in {"system", "device"}
}

# escalate files.permission-open: chmod 777 run.sh
# not files.permission-open: chmod +x run.sh
rules contains negotiable(escalate("files.permission-open", n, "It lets everybody change it, or nobody use it.")) if {
	some n in by.permission
	e := input.effects[n]
	e.place == "open"
	not e.undoable
}

# escalate files.permission-outside: chmod -R g+w ~/letters
# not files.permission-outside: chmod -R g+w letters
rules contains escalate("files.permission-outside", n, "It changes rights outside the project.") if {
	some n in by.permission
	e := input.effects[n]
	e.recursive
	e.scope in {"home", "elsewhere", "unknown"}
}
