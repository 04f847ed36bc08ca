# Files: deleting, overwriting, permissions, secrets.
package lighthouse

import rego.v1

rules contains deny("files.delete-everything", n, "It would delete everything there.") if {
	some n in by["delete"]
	e := input.effects[n]
	e.place in {"root", "top"}
	e.scope in {"system", "home", "elsewhere", "remote"}
}

rules contains deny("files.delete-system", n, "It would delete what the system needs.") if {
	some n in by["delete"]
	e := input.effects[n]
	e.scope == "system"
	not e.place in {"root", "top", "log", "generated", "cache", "startup"}
}

rules contains escalate("files.delete-system-data", n, "It deletes data of the system.") if {
	some n in by["delete"]
	e := input.effects[n]
	e.scope == "system"
	e.place in {"log", "generated", "cache", "startup"}
}

rules contains escalate("files.delete-project", n, "It deletes the whole project, which Lighthouse does not version.") if {
	some n in by["delete"]
	e := input.effects[n]
	e.scope == "project"
	e.place == "root"
	not e.undoable
}

rules contains escalate("files.delete-history", n, "It deletes the history of the project.") if {
	some n in by["delete"]
	e := input.effects[n]
	e.place == "vcs"
	e.scope in {"project", "home", "elsewhere", "remote"}
	not e.undoable
}

rules contains escalate("files.delete-tree", n, "It deletes a directory that Lighthouse does not version.") if {
	some n in by["delete"]
	e := input.effects[n]
	e.scope == "project"
	e.recursive
	not e.undoable
	not e.place in {"root", "vcs", "generated", "cache"}
}

rules contains escalate("files.delete-outside", n, "It deletes something outside the project.") if {
	some n in by["delete"]
	e := input.effects[n]
	e.scope in {"home", "elsewhere", "remote"}
	e.certainty != "possible"
	not e.place in {"root", "top", "vcs", "cache"}
}

rules contains escalate("files.delete-outside-tree", n, "It may delete a directory outside the project.") if {
	some n in by["delete"]
	e := input.effects[n]
	e.scope in {"home", "elsewhere", "remote"}
	e.certainty == "possible"
	e.recursive
}

rules contains escalate("files.delete-temporary", n, "It deletes all temporary files, of others too.") if {
	some n in by["delete"]
	e := input.effects[n]
	e.scope == "temp"
	e.place == "top"
}

rules contains escalate("files.delete-unknown", n, "What it deletes is not known before it runs.") if {
	some n in by["delete"]
	e := input.effects[n]
	e.scope == "unknown"
}

rules contains deny("files.delete-device", n, "It would delete a device or write to it.") if {
	some kind in {"delete", "write", "append"}
	some n in by[kind]
	input.effects[n].scope == "device"
}

writes contains n if some n in by.write

writes contains n if some n in by.append

rules contains deny("files.write-accounts", n, "It changes who may enter this machine and what they may do.") if {
	some n in writes
	e := input.effects[n]
	e.place == "account"
	e.scope in {"system", "remote"}
}

rules contains escalate("files.write-startup", n, "What it writes runs later, when nobody looks.") if {
	some n in writes
	e := input.effects[n]
	e.place == "startup"
	not e.undoable
}

rules contains escalate("files.write-secrets", n, "It changes keys or passwords.") if {
	some n in writes
	e := input.effects[n]
	e.place in {"secret", "history"}
	e.scope in {"home", "system", "elsewhere", "remote"}
}

rules contains escalate("files.write-system", n, "It changes files of the system.") if {
	some n in writes
	e := input.effects[n]
	e.scope == "system"
	e.certainty == "certain"
	not e.place in {"account", "startup", "secret", "cache"}
}

rules contains escalate("files.write-repository", n, "It changes the repository's own files.") if {
	some n in writes
	e := input.effects[n]
	e.place == "vcs"
	e.certainty == "certain"
	not e.undoable
	not e.program == "git"
}

rules contains escalate("files.read-secrets", n, "It reads keys or passwords.") if {
	some n in by.read
	e := input.effects[n]
	e.place in {"secret", "history"}
	e.scope in {"home", "system", "elsewhere", "remote", "cluster", "unknown"}
}

rules contains escalate("files.read-accounts", n, "It reads the passwords of this machine.") if {
	some n in by.read
	e := input.effects[n]
	e.place == "account"
	regex.match(`shadow|sudoers|master\.passwd|gshadow|pam`, e.target)
}

rules contains deny("files.permission-everything", n, "It would change the rights of everything there.") if {
	some n in by.permission
	e := input.effects[n]
	e.recursive
	e.place in {"root", "top", "account", "program"}
	e.scope in {"system", "home"}
}

rules contains escalate("files.permission-system", n, "It changes rights in the system.") if {
	some n in by.permission
	e := input.effects[n]
	e.scope in {"system", "device"}
}

rules contains escalate("files.permission-open", n, "It lets everybody change it, or nobody use it.") if {
	some n in by.permission
	e := input.effects[n]
	e.place == "open"
	not e.undoable
}

rules contains escalate("files.permission-outside", n, "It changes rights outside the project.") if {
	some n in by.permission
	e := input.effects[n]
	e.recursive
	e.scope in {"home", "elsewhere", "unknown"}
}
