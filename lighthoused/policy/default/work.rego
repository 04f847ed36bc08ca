# Work: what version control and package managers can lose.
package lighthouse

import rego.v1

rules contains escalate("work.discard", n, "It throws away work that was not committed.") if {
	some n in by.discard
	not input.effects[n].undoable
}

rules contains escalate("work.rewrite-shared", n, "It rewrites what others have already seen.") if {
	some n in by.rewrite_history
	input.effects[n].scope == "remote"
}

rules contains escalate("work.rewrite", n, "It rewrites or removes commits.") if {
	some n in by.rewrite_history
	e := input.effects[n]
	not e.scope == "remote"
	not e.undoable
}

rules contains escalate("work.publish", n, "It publishes something that cannot simply be withdrawn.") if {
	some n in by.publish
	input.effects[n].certainty == "certain"
}

rules contains escalate("work.uninstall", n, "It removes programs of this machine.") if {
	some n in by.uninstall
	e := input.effects[n]
	e.scope == "system"
}

rules contains escalate("work.uninstall-all", n, "It removes a whole environment.") if {
	some n in by.uninstall
	e := input.effects[n]
	not e.scope == "system"
	e.place == "everything"
}
