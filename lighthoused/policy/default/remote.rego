# What leaves this machine: remote resources, secrets, code from the network; and what nobody can know.
package lighthouse

import rego.v1

rules contains escalate("remote.destroy", n, "It removes something that is not on this machine, or cannot be brought back.") if {
	some n in by.destroy
	input.effects[n].certainty != "possible"
}

rules contains escalate("remote.secret", n, "It changes secrets.") if {
	some n in by.alter
	input.effects[n].place == "secret"
}

rules contains deny("remote.leak", n, "It sends secrets to the network.") if {
	some kind in {"send", "fetch", "push", "publish"}
	some n in by[kind]
	input.effects[n].place == "secret"
}

rules contains escalate("remote.send", n, "It sends files to the network.") if {
	some n in by.send
	e := input.effects[n]
	e.certainty == "certain"
	not e.place == "secret"
}

rules contains escalate("remote.interpret", n, "It runs code that nobody has seen.") if some n in by.interpret

rules contains escalate("remote.privileged", n, "It runs a program that is not known, with more rights.") if {
	some n in by.execute
	input.effects[n].place == "privileged"
}

rules contains escalate("unknown.unresolved", -1, "It could not be understood in full.") if input.unresolved

rules contains escalate("strict.unknown", n, "What it does is not known.") if {
	strict
	some n, e in input.effects
	e.certainty == "unknown"
}

rules contains escalate("strict.outside", n, "It changes something that is not on this machine.") if {
	strict
	some kind in {"alter", "push", "send", "configure"}
	some n in by[kind]
}
