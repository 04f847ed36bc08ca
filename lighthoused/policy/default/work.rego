# Work: what version control and package managers can lose.
package lighthouse.standard

import rego.v1

# escalate work.discard: git reset --hard
# not work.discard: {"command": "git reset --hard", "cwd": "/mnt/lighthouse/demo/current"}
# not work.discard: git reset HEAD~1
rules contains negotiable(escalate("work.discard", n, "It throws away work that was not committed.")) if {
	some n in by.discard
	not input.effects[n].undoable
}

# escalate work.rewrite-shared: git push --force
# not work.rewrite-shared: git push
rules contains escalate("work.rewrite-shared", n, "It rewrites what others have already seen.") if {
	some n in by.rewrite_history
	input.effects[n].scope == "remote"
}

# escalate work.rewrite: git branch -D topic
# not work.rewrite: git branch -d topic
rules contains negotiable(escalate("work.rewrite", n, "It rewrites or removes commits.")) if {
	some n in by.rewrite_history
	e := input.effects[n]
	not e.scope == "remote"
	not e.undoable
}

# escalate work.publish: npm publish
# not work.publish: npm pack
rules contains escalate("work.publish", n, "It publishes something that cannot simply be withdrawn.") if {
	some n in by.publish
	input.effects[n].certainty == "certain"
}

# deny work.uninstall-vital: apt-get purge python3
# not work.uninstall-vital: apt-get remove jq
rules contains deny("work.uninstall-vital", n, "It removes what the system cannot start or be changed without.") if {
	some n in by.uninstall
	input.effects[n].place == "vital"
}

# escalate work.uninstall: apt-get remove jq
# not work.uninstall: pip uninstall -y requests
rules contains escalate("work.uninstall", n, "It removes programs of this machine.") if {
	some n in by.uninstall
	e := input.effects[n]
	e.scope == "system"
}

# escalate work.uninstall-all: conda env remove -n work
# not work.uninstall-all: pip uninstall -y requests
rules contains negotiable(escalate("work.uninstall-all", n, "It removes a whole environment.")) if {
	some n in by.uninstall
	e := input.effects[n]
	not e.scope == "system"
	e.place == "everything"
}
