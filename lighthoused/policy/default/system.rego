# The machine: disks, services, users, processes, the kernel, and what hides traces.
package lighthouse

import rego.v1

rules contains deny("system.device", n, "It would destroy what is on a disk.") if {
	some n in by.overwrite_device
	input.effects[n].certainty == "certain"
}

rules contains escalate("system.device-maybe", n, "It changes disks below their files.") if {
	some n in by.overwrite_device
	input.effects[n].certainty != "certain"
}

rules contains deny("system.exhaust", n, "It would bring the machine to a halt.") if some n in by.exhaust

rules contains deny("system.backdoor", n, "It gives others a shell on this machine.") if {
	some n in by.listen
	input.effects[n].place == "shell"
}

rules contains escalate("system.listen", n, "It opens this machine to others.") if {
	some n in by.listen
	not input.effects[n].place == "shell"
}

risky := {
	"account": "It changes who may do what.",
	"escalate_privilege": "It gives more rights than its caller has.",
	"firewall": "It changes who reaches this machine.",
	"kernel": "It changes the kernel.",
	"mount": "It attaches or detaches filesystems.",
	"persist": "It arranges for something to run later.",
	"power": "It halts or restarts the machine.",
	"trace": "It watches others.",
	"disguise": "It switches a protection off, or makes things appear as they are not.",
	"unparsed": "It could not be understood.",
}

rules contains escalate(sprintf("system.%s", [kind]), n, reason) if {
	some kind, reason in risky
	some n in by[kind]
}

rules contains escalate("system.conceal", n, "It removes traces of what happened.") if {
	some n in by.conceal
	input.effects[n].certainty == "certain"
}

rules contains escalate("system.service", n, "It stops a service.") if {
	some n in by.service
	not input.effects[n].place == "restart"
}

rules contains escalate("system.kill", n, "It ends processes of others.") if {
	some n in by.kill
	input.effects[n].place == "everything"
	input.effects[n].certainty == "certain"
}
